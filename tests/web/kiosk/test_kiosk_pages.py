"""The kiosk's pages: plain forms that work without a script, and nothing personal in any answer."""

import inspect
import re
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import TypeVar

import pytest
import zxingcpp
from PIL import Image

from bluezone_node.clock import SimClock
from bluezone_node.ports import ExportRecord, ExportState
from bluezone_node.store.node import SqliteNodeStore, open_node_store
from bluezone_node.venues.bundle import read_bundle
from bluezone_node.venues.head import head_of
from bluezone_node.venues.text import DEFAULT_HOST, read_text
from bluezone_node.venues.trust import accept_card, write_trust_list
from bluezone_node.web.kiosk import report, wording
from bluezone_node.web.kiosk.condition import Condition
from bluezone_node.web.kiosk.gate import (
    ATTEMPTS,
    MANAGER_SECONDS,
    SESSION_SECONDS,
    Gate,
    hash_pin,
)
from bluezone_node.web.kiosk.picture import read_picture
from tests.kiosks import ID_CARD, MORNING, PERSONAL, PHONE, PIN, Kiosk, pass_of, picture_of
from tests.notices import Chain
from tests.venues.places import ROOT, TRUST, seeded

Result = TypeVar("Result")

pytestmark = pytest.mark.slow

JSON = {"Accept": "application/json"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteNodeStore]:
    with open_node_store(tmp_path / "state" / "node.db") as opened:
        yield opened


@pytest.fixture
def kiosk(store: SqliteNodeStore) -> Kiosk:
    return Kiosk(store, SimClock(MORNING))


async def test_a_scan_turns_the_field_green(kiosk: Kiosk) -> None:
    """With a script as JSON, and without one as a page: sign, words and count."""
    async with kiosk.browser() as browser:
        answer = (
            await browser.post("/scan", data={"text": pass_of(), "party": "3"}, headers=JSON)
        ).json()
        assert (answer["colour"], answer["sign"], answer["party"]) == ("green", "in", 3)
        assert answer["title"] == {"vi": "Mời vào", "en": "Welcome"}
        assert answer["inside"] == 3
        page = (await browser.post("/scan", data={"text": ID_CARD})).text
        assert 'class="result green"' in page
        assert '<b id="inside">4</b>' in page
        assert kiosk.written == [True, True]


async def test_a_refusal_is_red_and_in_words(kiosk: Kiosk) -> None:
    """In Vietnamese and English; the text that was scanned stands nowhere in it."""
    async with kiosk.browser() as browser:
        answer = await browser.post("/scan", data={"text": "CANARY<script>"}, headers=JSON)
        shown = answer.json()
        assert (shown["colour"], shown["sign"]) == ("red", "no")
        assert shown["notes"][0]["vi"].startswith("Không phải mã của khách")
        assert "CANARY" not in answer.text
        assert "CANARY" not in (await browser.post("/scan", data={"text": "CANARY<script>"})).text


async def test_every_way_leads_in(kiosk: Kiosk) -> None:
    """A number, a tap, a slip; who is not near enough is told."""
    async with kiosk.browser() as browser:
        alone = {"party": "1"}
        for path, data in (("/phone", {"number": PHONE}), ("/slip", alone), ("/tap", alone)):
            kiosk.tapped = b"device"
            answer = (await browser.post(path, data=data, headers=JSON)).json()
            assert (answer["colour"], answer["sign"]) == ("green", "in"), path
        kiosk.tapped = None
        answer = (await browser.post("/tap", headers=JSON, data={"party": "1"})).json()
        assert answer["notes"][0]["en"].startswith("No device is near enough")
        assert answer["inside"] == 3


async def test_a_party_is_corrected_after_the_scan(kiosk: Kiosk) -> None:
    """By the number of the entry; what is none is refused in words."""
    async with kiosk.browser() as browser:
        entry = (await browser.post("/scan", data={"text": ID_CARD}, headers=JSON)).json()["entry"]
        data = {"entry": str(entry), "party": "6"}
        assert (await browser.post("/party", data=data, headers=JSON)).json()["inside"] == 6
        for number, party in (("x", "1"), ("99", "1"), (str(entry), "0"), (str(entry), "1e3")):
            data = {"entry": number, "party": party}
            answer = (await browser.post("/party", data=data, headers=JSON)).json()
            assert answer["colour"] == "red"


async def test_a_camera_reads_a_square_once(kiosk: Kiosk) -> None:
    """While it stays in view nothing more happens; empty pictures are nothing."""
    picture, empty = picture_of(ID_CARD), picture_of("")[:0]
    async with kiosk.browser() as browser:
        answers = [
            (await browser.post("/frame?party=2", content=picture, headers=JSON)).json()
            for _ in range(3)
        ]
        assert [answer.get("colour") for answer in answers] == ["green", None, None]
        assert answers[0]["inside"] == 2
        kiosk.clock.advance(60)
        assert (await browser.post("/frame", content=picture, headers=JSON)).json()["sign"] == "out"
        for content in (empty, b"\xff\xd8\xff", b"x" * 1000, b"x" * 500_000):
            answer = (await browser.post("/frame", content=content, headers=JSON)).json()
            assert answer["colour"] == "red"


def test_a_picture_without_a_square_is_nothing() -> None:
    """A face, a wall, a hand."""
    from io import BytesIO

    from PIL import Image

    jpeg = BytesIO()
    Image.new("L", (320, 240), 128).save(jpeg, "JPEG")
    assert read_picture(jpeg.getvalue()) is None
    assert read_picture(picture_of("VNP1S:ABCDEF")) == "VNP1S:ABCDEF"


async def test_the_screens_code_changes(kiosk: Kiosk) -> None:
    """Each five minutes; it is the place's link with a proof, and can be read back."""
    async with kiosk.browser() as browser:
        first = (await browser.get("/code.svg")).text
        kiosk.clock.advance(299)
        assert (await browser.get("/code.svg")).text == first
        kiosk.clock.advance(1)
        assert (await browser.get("/code.svg")).text != first
        state = (await browser.get("/state")).json()
        assert state["clock"] == "08:05"


async def test_a_slip_is_printed_with_its_letters(kiosk: Kiosk) -> None:
    """Two squares: one for the way out, one for a telephone at home. Others' slips are none."""
    async with kiosk.browser() as browser:
        made = (await browser.post("/slip", data={"party": "2"}, headers=JSON)).json()
        code, entry = made["slip"], made["entry"]
        page = (await browser.get(f"/slip/{entry}")).text
        assert code in page
        assert "08:00, 23/11/2026" in page
        picture = await browser.get(f"/slip/{entry}.png")
        assert picture.headers["content-type"] == "image/png"
        squares = zxingcpp.read_barcodes(
            Image.open(BytesIO(picture.content)), formats=zxingcpp.BarcodeFormat.QRCode
        )
        assert {read.text for read in squares} == {
            f"VNP1S:{code}",
            kiosk.screen.text(kiosk.clock.now()),
        }
        for path in ("/slip/99", "/slip/99.png", f"/slip/{code}", f"/slip/{entry}.svg"):
            assert (await browser.get(path)).status_code == 404


async def test_what_cannot_be_written_is_not_counted(kiosk: Kiosk, store: SqliteNodeStore) -> None:
    """Red, in words, and in the status line; nobody is told that they are in."""
    (pages,) = store._database.rows("PRAGMA page_count")[0]
    store._database.rows(f"PRAGMA max_page_count = {pages}")
    kiosk.tapped = bytes(3000)
    async with kiosk.browser() as browser:
        for number in range(500):
            kiosk.tapped = number.to_bytes(2)
            answer = (await browser.post("/tap", data={"party": "1"}, headers=JSON)).json()
            if answer["colour"] == "red":
                break
        assert "CHƯA ghi được" in answer["notes"][0]["vi"]
        assert answer["inside"] == number
        assert kiosk.written[-1] is False


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (Condition(), "Bluetooth không chạy"),
        (Condition(daemon=True), "Chưa đồng bộ lần nào"),
        (Condition(daemon=True, silent=True), "Bluetooth không phát mã địa điểm"),
        (Condition(clock_known=False), "Chưa chắc giờ của máy"),
        (Condition(unwritten=True), "Thẻ nhớ đầy hoặc hỏng"),
        (Condition(card_days=3), "Mã địa điểm còn 3 ngày"),
        (Condition(register_days=0), "Chưa ghi tên được"),
        (Condition(register_days=5), "Còn ghi tên được 5 ngày"),
        (Condition(objection="card_expired"), "Mã địa điểm hết hạn"),
        (Condition(objection="card_revoked"), "Mã địa điểm đã bị thu hồi"),
        (Condition(objection="card_not_yet"), "Hãy xem lại ngày giờ của máy"),
        (Condition(objection="card_unknown_signer"), "Khóa ký mã địa điểm không còn hiệu lực"),
        (Condition(synced=MORNING.replace(day=15)), "Không có mạng 8 ngày"),
        (Condition(synced=MORNING.replace(day=22)), "Không có mạng 1 ngày"),
        (Condition(synced=MORNING.replace(hour=0)), "Đồng bộ 1 giờ trước"),
    ],
)
async def test_the_status_line_says_what_is_wrong(
    kiosk: Kiosk, condition: Condition, words: str
) -> None:
    """In words, for whoever stands beside it."""
    kiosk.condition = condition
    async with kiosk.browser() as browser:
        assert words in (await browser.get("/")).text


async def test_a_card_that_counts_no_more_is_said_and_proves_nothing(
    kiosk: Kiosk, store: SqliteNodeStore
) -> None:
    """In the large field, not in the small print; no square, nobody in, and everybody out."""
    async with kiosk.browser() as browser:
        entered = await browser.post("/scan", data={"text": ID_CARD}, headers=JSON)
        assert entered.json()["sign"] == "in"
        kiosk.clock.advance(600)
        now = kiosk.clock.now()
        bundle = Chain().add(revoked=[kiosk.card.location_id[:8]])
        head = head_of(read_bundle(bundle, TRUST), bundle)
        record = ExportRecord("places", "00000001.cose", ExportState.MATCHED, now)
        store.put_place_file("trust.cose", write_trust_list(TRUST, ROOT))
        store.add_bundle(head, bundle, record)

        async def on_store(work: Callable[[SqliteNodeStore], Result]) -> Result:
            return work(store)

        await kiosk.place.learn(on_store)
        kiosk.condition = Condition(objection=kiosk.place.objection(now))
        page = (await browser.get("/")).text
        assert "Tạm ngừng nhận khách" in page
        assert 'class="own" hidden' in page
        assert (await browser.get("/code.svg")).status_code == 404
        state = (await browser.get("/state")).json()
        assert not state["proving"]
        assert state["ready"]["colour"] == "red"
        refused = (await browser.post("/scan", data={"text": PERSONAL}, headers=JSON)).json()
        assert (refused["colour"], refused["entry"]) == ("red", 0)
        assert "thu hồi" in refused["notes"][0]["vi"]
        gone = (await browser.post("/scan", data={"text": ID_CARD}, headers=JSON)).json()
        assert gone["sign"] == "out"


async def test_an_unsure_clock_marks_entries(kiosk: Kiosk) -> None:
    """And says so to whoever scanned."""
    kiosk.condition = Condition(daemon=True, clock_known=False)
    async with kiosk.browser() as browser:
        answer = (await browser.post("/scan", data={"text": ID_CARD}, headers=JSON)).json()
        assert {"vi": "Chưa chắc giờ của máy", "en": "Clock unsure"} in answer["notes"]


async def test_a_keyboard_is_suspected_before_a_forger(kiosk: Kiosk) -> None:
    """The link on the kiosk's own slip, through Telex."""
    typed = kiosk.screen.text(kiosk.clock.now()).replace("exa", "ẽa")
    async with kiosk.browser() as browser:
        answer = (await browser.post("/scan", data={"text": typed}, headers=JSON)).json()
        assert "Telex" in answer["notes"][0]["vi"]


@pytest.mark.parametrize(
    ("objection", "known", "todo"),
    [
        ("card_unknown_signer", False, "ngày giờ"),
        ("card_expired", False, "ngày giờ"),
        ("card_not_yet", True, "ngày giờ"),
        ("card_expired", True, "mã mới"),
        ("card_revoked", False, "mã mới"),
    ],
)
def test_a_clock_is_suspected_before_a_card(objection: str, known: bool, todo: str) -> None:
    """Whoever asked for a new one would get it, and be as far."""
    assert todo in wording.ready(objection, clock_known=known).notes[1].vi


def test_every_objection_to_a_card_has_words() -> None:
    """A reason without any would take the page down instead of saying it."""
    source = inspect.getsource(accept_card)
    reasons = set(re.findall(r'reason="([a-z_]+)"', source))
    assert reasons == {*wording.OBJECTIONS}
    assert reasons <= {*wording.REFUSALS}


def test_every_refusal_is_said_in_vietnamese() -> None:
    """Whatever a scan may be refused for has its own words: no reason is left to a general one."""
    package = Path(wording.__file__).parents[2]
    sources = [
        *(package / "node" / "kiosk").glob("*.py"),
        *(package / "venues" / f"{name}.py" for name in ("text", "card", "passes", "persons")),
        *(package / "web" / "kiosk" / f"{name}.py" for name in ("app", "picture")),
        package / "web" / "console" / "forms.py",
        package / "wiring" / "kiosk.py",
    ]
    reasons = {
        reason
        for source in sources
        for reason in re.findall(r'reason="([a-z_]+)"', source.read_text(encoding="utf-8"))
    }
    known = {*wording.REFUSALS, "register_unavailable"}  # it does not come up then
    # A warrant is not scanned: who brings one reads the reason in the manager's words.
    assert not {each for each in reasons - known if not each.startswith(("link_", "warrant_"))}


# Who may see it


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8680", "[::1", "", "localhost.evil"]
)
async def test_a_name_that_leads_here_is_turned_away(kiosk: Kiosk, host: str) -> None:
    """A page elsewhere whose name is made to lead to this machine learns nothing."""
    async with kiosk.browser() as browser:
        for path in ("/", "/state", "/manager", "/static/kiosk.js"):
            answer = await browser.get(path, headers={"Host": host})
            assert (answer.status_code, answer.text) == (421, "421")


@pytest.mark.parametrize("host", ["localhost:8680", "127.0.0.1", "[::1]:8680", "192.0.2.7:8680"])
async def test_the_machine_is_known_by_number(kiosk: Kiosk, host: str) -> None:
    """No page elsewhere can be served from there."""
    async with kiosk.browser() as browser:
        assert (await browser.get("/", headers={"Host": host})).status_code == 200


async def test_a_form_of_another_site_is_turned_away(kiosk: Kiosk) -> None:
    """Whatever it would enter."""
    async with kiosk.browser() as browser:
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example"}):
            answer = await browser.post("/scan", data={"text": ID_CARD}, headers=headers)
            assert answer.status_code == 403
        assert kiosk.desk.inside == 0


async def test_every_answer_is_strict(kiosk: Kiosk) -> None:
    """No script but our own, no other site, nothing kept: pages, pieces and refusals."""
    async with kiosk.browser() as browser:
        for path in ("/", "/state", "/code.svg", "/pin", "/static/kiosk.css", "/none", "/static/x"):
            headers = (await browser.get(path)).headers
            assert "default-src 'none'; script-src 'self'" in headers["content-security-policy"]
            assert headers["cache-control"] == "no-store"
            assert headers["x-content-type-options"] == "nosniff"
        page = (await browser.get("/")).text
        assert "style=" not in page
        assert "onclick" not in page
        assert page.count("<script") == 1


async def test_on_a_network_the_door_needs_the_pin(store: SqliteNodeStore) -> None:
    """Pages lead to it, pieces are refused; after it, all is open for a working day."""
    kiosk = Kiosk(store, SimClock(MORNING), loopback=False)
    async with kiosk.browser("192.0.2.7:8680") as browser:
        assert (await browser.get("/")).headers["location"] == "/pin"
        assert (await browser.get("/state", headers=JSON)).status_code == 401
        assert (await browser.post("/scan", data={"text": ID_CARD})).status_code == 401
        assert (await browser.post("/frame", content=picture_of(ID_CARD))).status_code == 401
        assert kiosk.desk.inside == 0
        answer = await browser.post("/pin", data={"pin": PIN})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert "HttpOnly" in answer.headers["set-cookie"]
        assert (await browser.get("/")).status_code == 200
        kiosk.clock.advance(SESSION_SECONDS)
        assert (await browser.get("/")).status_code == 303


async def test_pins_cannot_be_guessed(kiosk: Kiosk) -> None:
    """Five wrong ones, and even the right one waits for a minute."""
    async with kiosk.browser() as browser:
        for _ in range(ATTEMPTS):
            assert "Sai mã PIN" in (await browser.post("/pin", data={"pin": "000000"})).text
        answer = await browser.post("/pin", data={"pin": PIN})
        assert answer.status_code == 403
        assert "đợi một phút" in answer.text
        kiosk.clock.advance(61)
        assert (await browser.post("/pin?manager", data={"pin": PIN})).headers[
            "location"
        ] == "/manager"


# The manager


async def test_the_next_visitor_is_no_manager(kiosk: Kiosk) -> None:
    """The session is over after some minutes, and the page leads back to the door by itself."""
    async with kiosk.browser() as browser:
        await browser.post("/pin?manager", data={"pin": PIN})
        assert 'http-equiv="refresh" content="300; url=/"' in (await browser.get("/manager")).text
        kiosk.clock.advance(MANAGER_SECONDS)
        assert (await browser.get("/manager")).headers["location"] == "/pin?manager"
        assert 'content="60; url=/"' in (await browser.get("/pin?manager")).text
        assert "refresh" not in (await browser.get("/pin")).text


def test_another_pin_ends_what_the_earlier_one_opened() -> None:
    """Also for who has given it already."""
    kept = [hash_pin(PIN, seeded(1))]
    gate = Gate(lambda: kept[0], [], SimClock(MORNING), seeded(2), open_on_loopback=False)
    token = gate.enter(PIN)
    assert gate.knows(token)
    kept[0] = hash_pin("135790", seeded(3))
    assert not gate.knows(token)
    kept[0] = ""
    assert not gate.knows(token)


async def test_the_manager_sees_counts_and_never_names(kiosk: Kiosk) -> None:
    """By hour, in and out, with ways and doubts; the PIN is needed on loopback, too."""
    async with kiosk.browser() as browser:
        assert (await browser.get("/manager")).headers["location"] == "/pin?manager"
        assert (await browser.get("/manager.csv")).status_code == 303
        await browser.post("/scan", data={"text": ID_CARD, "party": "3"})
        await browser.post("/phone", data={"number": PHONE})
        kiosk.clock.advance(3600)
        await browser.post("/scan", data={"text": ID_CARD})
        await browser.post("/pin?manager", data={"pin": PIN})
        page = (await browser.get("/manager")).text
        assert "<td>08:00</td><td>09:00</td><td>quét khi ra</td><td>3</td><td>Thẻ CCCD</td>" in page
        assert "<td>Chưa xác minh</td>" in page
        assert "<b>4</b>" in page
        for secret in ("Hồng", "001190012345", "912345678"):
            assert secret not in page
        for day in ("2026-11-22", "1999-01-01", "9999-12-31", "x"):
            assert (await browser.get(f"/manager?day={day}")).status_code == 200
        table = await browser.get("/manager.csv")
        assert table.text.splitlines()[1] == "23/11/2026,08:00,09:00,quét khi ra,3,Thẻ CCCD,"
        assert table.content.startswith("\ufeff".encode())


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_becomes_a_formula(cell: str) -> None:
    """Whatever it begins with."""
    assert report.defused(cell) == f"'{cell}"
    assert report.defused("08:00") == "08:00"


def test_the_code_of_the_screen_reads_as_the_places(kiosk: Kiosk) -> None:
    """The link that a device scans there is this card's, with its proof."""
    text = read_text(kiosk.screen.text(MORNING), (DEFAULT_HOST,))
    assert text.card == kiosk.card
    assert text.proof is not None
