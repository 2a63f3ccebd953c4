"""What stands on a kiosk's screen and comes from its loudspeaker, in a real browser."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.kiosk_pictures import set_pin
from tests.kiosk_process import CHROMIUM, browser, kiosk_process
from tests.kiosks import ID_CARD, PHONE, PIN, market, pass_of, venue_file

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="no Chromium here"),
]

SCREENS = [(800, 480), (1024, 600), (1920, 1080), (800, 1280), (390, 844)]
"""Seven inches, ten, a monitor, one that stands upright, a guard's telephone."""
LONGEST_NAME = "Trường Tiểu học Nguyễn Thượng Hiền – Cơ sở phía Nam Phường Long Biên"
LISTEN = """
window.heard = [];
const made = AudioContext.prototype.createOscillator;
AudioContext.prototype.createOscillator = function () {
  const voice = made.call(this), start = voice.start.bind(voice);
  voice.start = (at) => { window.heard.push([voice.type, voice.frequency.value]); start(at); };
  return voice;
};
"""
FITS = """() => {
  const field = document.getElementById("result"), frame = field.getBoundingClientRect();
  return [...field.querySelectorAll(".sign, .title, .title-en, li, .slip:not([hidden]) *")]
    .map((part) => [part.getBoundingClientRect(), part])
    .filter(([box]) => box.width && (box.top < frame.top || box.bottom > frame.bottom
      || box.left < frame.left || box.right > frame.right + 1))
    .map(([, part]) => part.className || part.tagName);
}"""


def type_code(page: Page, text: str) -> None:
    page.keyboard.insert_text(text)
    page.keyboard.press("Enter")


def test_everything_that_is_said_can_be_seen(tmp_path: Path) -> None:
    """The longest refusal, a slip with all doubts, the keypad's last button; nothing is cut off."""
    now = datetime.now(UTC)
    folder = tmp_path / "kiosk"
    folder.mkdir()
    venue_file(folder / "venue.json", market(name=LONGEST_NAME, at=now, hours=None), at=now)
    with kiosk_process(folder, "capacity = 1") as kiosk, browser() as page:
        for wide, tall in SCREENS:
            page.set_viewport_size({"width": wide, "height": tall})
            page.goto(kiosk.address)
            assert page.evaluate(FITS) == [], (wide, tall)
            type_code(page, pass_of(at=now).replace("V:", "V:Â"))
            page.wait_for_selector(".result.red")
            assert page.evaluate(FITS) == [], (wide, tall)
            page.click("#more", click_count=2)
            page.click("text=Phiếu giấy")
            page.wait_for_selector("#slip:not([hidden])")
            assert page.evaluate(FITS) == [], (wide, tall)
            page.click("#phone summary")
            enter = page.locator("#phone form > button").bounding_box()
            assert enter is not None
            assert enter["y"] + enter["height"] <= tall
            size = page.evaluate("[document.body.scrollWidth, document.body.scrollHeight]")
            assert size[0] <= wide
            assert size[1] <= tall or wide < 600


def test_a_door_that_is_closed_says_why(tmp_path: Path) -> None:
    """In the large field of every screen, with nothing cut off and no square beside it."""
    now = datetime.now(UTC)
    folder = tmp_path / "kiosk"
    folder.mkdir()
    over = market(name=LONGEST_NAME, at=now, days=0, hours=None)
    venue_file(folder / "venue.json", over, at=now)
    with kiosk_process(folder) as kiosk, browser() as page:
        for wide, tall in SCREENS:
            page.set_viewport_size({"width": wide, "height": tall})
            page.goto(kiosk.address)
            page.wait_for_selector(".result.red >> text=Tạm ngừng nhận khách")
            page.wait_for_selector(".result >> text=Mã địa điểm hết hạn")
            assert not page.is_visible("#own")
            assert page.evaluate(FITS) == [], (wide, tall)


def test_every_answer_has_a_tone_of_its_own(tmp_path: Path) -> None:
    """Two notes that rise, two alike, one that is low: told apart by whoever sees no colour."""
    with kiosk_process(tmp_path / "kiosk") as kiosk, browser() as page:
        page.add_init_script(LISTEN)
        page.goto(kiosk.address)
        heard = []
        for text, colour in (
            (ID_CARD, "green"),
            (ID_CARD, "amber"),
            ("hello", "red"),
        ):
            type_code(page, text)
            page.wait_for_selector(f".result.{colour}")
            heard.append(page.evaluate("window.heard.splice(0)"))
        rising, level, low = heard
        assert rising[0][1] < rising[1][1]
        assert level[0] == level[1]
        assert len(low) == 1
        assert low[0][1] < 300 < level[0][1] < rising[0][1]
        signs = page.evaluate(
            "['in', 'out', 'same', 'care', 'no', 'wait'].map("
            "(name) => document.querySelector('#sign-' + name + ' path').getAttribute('d'))"
        )
        assert len({*signs}) == 6


def test_a_page_that_stays_open_follows_its_kiosk(tmp_path: Path) -> None:
    """It says that the kiosk is away, takes the old square down, and comes back with the new card
    by itself; the camera that is refused is said, and a finger that bounces makes one slip."""
    folder = tmp_path / "kiosk"
    with browser() as silent:
        page = silent.context.new_page()  # what this one's console says is no error
        with kiosk_process(folder) as kiosk:
            port = kiosk.port
            page.goto(kiosk.address)
            # In one turn of the page: a slow machine's finger would press twice within two seconds.
            page.eval_on_selector("text=Phiếu giấy", "key => { key.click(); key.click(); }")
            page.wait_for_selector("#slip:not([hidden])")
            assert page.inner_text("#inside") == "1"
            page.click("#phone summary")
            page.fill("#number", PHONE)
            page.click("#phone form > button")
            page.wait_for_selector(".result >> text=Chưa xác minh")
            page.click("#camera-on")
            page.wait_for_selector(".result.red >> text=Không mở được máy ảnh")
        page.wait_for_selector(".result.red >> text=Máy không trả lời")
        assert not page.is_visible("#code")
        now = datetime.now(UTC)
        venue_file(folder / "venue.json", market(name="Chợ Mơ", at=now, hours=None), at=now)
        with kiosk_process(folder, "", "--listen", f"127.0.0.1:{port}"):
            page.wait_for_selector("h1 >> text=Chợ Mơ")
            page.wait_for_selector(".result.idle >> text=Mời quét mã")
            assert page.is_visible("#code")
            assert page.inner_text("#inside") == "2"


def test_a_printed_slip_leaves_the_door_in_front(tmp_path: Path) -> None:
    """Its window closes after printing: another page would stand before the one with a camera."""
    with kiosk_process(tmp_path / "kiosk") as kiosk, browser() as page:
        page.context.add_init_script("window.print = () => dispatchEvent(new Event('afterprint'))")
        page.goto(kiosk.address)
        page.click("text=Phiếu giấy")
        page.wait_for_selector("#slip:not([hidden])")
        with page.context.expect_page() as opened:
            page.click("#slip-link")
        if not opened.value.is_closed():
            opened.value.wait_for_event("close")
        assert page.context.pages == [page]
        assert page.is_visible("#slip-code")


def test_a_tablet_whose_session_is_over_asks_for_the_pin(tmp_path: Path) -> None:
    """By itself, before somebody scans: what is scanned then would be lost."""
    folder = tmp_path / "kiosk"
    (folder / "state").mkdir(parents=True)
    set_pin(folder / "state")
    with browser() as silent:
        page = silent.context.new_page()  # what this one's console says is no error
        with kiosk_process(folder, "", "--listen", "0.0.0.0:0") as kiosk:
            listen = f"0.0.0.0:{kiosk.port}"
            page.goto(f"http://127.0.0.1:{kiosk.port}/")
            for digit in PIN:  # there may be no keyboard but the scanner
                page.click(f"#pad button >> text='{digit}'")
            page.click("button")
            page.wait_for_selector("#result")
        with kiosk_process(folder, "", "--listen", listen):
            page.wait_for_selector("#pin")


def test_a_scanner_is_heard_however_it_ends_and_wherever_it_types(tmp_path: Path) -> None:
    """One scan is one answer; nothing that was typed waits in a field for the next visitor."""
    endings = {
        "#text": ["Enter", "Enter"],
        "#camera-on": ["Enter", "Control+j"],
        "#more": ["Tab"],
        "#fewer": ["Tab", "Enter"],
        "#slip-link": [],
        "#party": [],
    }
    now = datetime.now(UTC)
    with kiosk_process(tmp_path / "kiosk") as kiosk, browser() as page:
        page.clock.install(time=now)
        page.goto(kiosk.address)
        page.clock.pause_at(now + timedelta(minutes=1))  # a scanner takes no time, nor the machine
        for owner, (focused, ending) in enumerate(endings.items(), 1):
            page.focus(focused)
            page.keyboard.type(pass_of(owner, now))
            for key in ending:
                page.keyboard.press(key)
            page.clock.run_for(1000)
            page.wait_for_selector(f"#inside >> text='{owner}'")
            assert "green" in str(page.get_attribute("#result", "class"))
            assert page.input_value("#text") == ""
            assert page.input_value("#party") == "1"
        page.click("#phone summary")
        page.fill("#number", PHONE)
        page.click("#phone summary")
        expect(page.locator("#number")).to_have_value("")


def test_two_pages_show_one_house(tmp_path: Path) -> None:
    """Who is entered at one is counted at the other."""
    with kiosk_process(tmp_path / "kiosk") as kiosk, browser() as first:
        second = first.context.new_page()
        for page in (first, second):
            page.goto(kiosk.address)
        type_code(second, ID_CARD)
        second.wait_for_selector(".result.green")
        first.wait_for_selector("#inside >> text=1")
        type_code(first, ID_CARD)
        first.wait_for_selector(".result.amber >> text=Đã ghi nhận")


def test_the_managers_page_fits_a_telephone(tmp_path: Path) -> None:
    """Counts, hours and entries, with nothing beside the screen."""
    state = tmp_path / "kiosk" / "state"
    with kiosk_process(tmp_path / "kiosk") as kiosk, browser(size=SCREENS[-1]) as page:
        set_pin(state)
        page.goto(kiosk.address)
        page.click("text=Phiếu giấy")
        page.wait_for_selector("#slip:not([hidden])")
        page.goto(f"{kiosk.address}/manager")
        page.fill("#pin", PIN)
        page.click("button")
        page.wait_for_selector("table.entries >> text=Phiếu giấy")
        assert page.evaluate("document.documentElement.scrollWidth") <= SCREENS[-1][0]
