"""Pictures of the kiosk for docs/kiosk.md: ``python -m tests.kiosk_pictures``.

A kiosk as a process of its own, at a market that holds a hundred people; Chromium stands before it
as a screen of ten inches, on its side and upright, and of seven.  Everybody is made up.
"""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Page

from bluezone_node.store.node import open_node_store
from bluezone_node.venues.checkins import Checkin, Doubt, Way
from bluezone_node.venues.visits import OutKind
from tests.kiosk_process import browser, film_of, kiosk_process
from tests.kiosks import (
    ID_CARD,
    INSURANCE,
    PERSONAL,
    PHONE,
    PIN,
    market,
    pass_of,
    venue_file,
)

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "kiosk"
UPRIGHT, SMALL = (800, 1280), (800, 480)
WAYS = (Way.PASS, Way.PASS, Way.ID_CARD, Way.PHONE, Way.TAP, Way.SLIP, Way.INSURANCE_CARD)


def fill(path: Path) -> None:
    """Let a morning pass: some are inside, most have left, one way or another."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    with open_node_store(path) as store:
        for number in range(48):
            came = now - timedelta(minutes=170 - 3.4 * number)
            way, left = WAYS[number % 7], came + timedelta(minutes=20 + number * 7 % 40)
            ending = OutKind.STAY if number % 3 == 0 else OutKind.SCAN
            if ending is OutKind.STAY:
                left = came + timedelta(minutes=60)
            doubts = Doubt.UNVERIFIED if way is Way.PHONE else Doubt(0)
            gone = left < now
            store.add_checkin(
                Checkin(
                    0,
                    came,
                    way,
                    1 + number % 4 * (number % 5 == 0),
                    doubts,
                    left if gone else None,
                    ending if gone else None,
                )
            )


def main() -> None:
    """Take all pictures."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        state = folder / "kiosk" / "state"
        fill(state / "node.db")
        set_pin(state)
        film = film_of(folder / "film.mjpeg", PERSONAL)
        with kiosk_process(folder / "kiosk", "capacity = 30") as kiosk:
            with browser() as page:
                _at_the_door(page, kiosk.address)
                _manager(page, kiosk.address)
            with browser(film, UPRIGHT) as page:
                page.goto(f"{kiosk.address}/?camera")
                page.wait_for_selector(".result.green, .result.amber")
                _take(page, "upright")
            with browser(size=SMALL) as page:
                page.goto(kiosk.address)
                _scan(page, PERSONAL, "green, .result.amber")
                _take(page, "small")
        over, now = folder / "over", datetime.now(UTC)
        over.mkdir()
        venue_file(over / "venue.json", market(at=now, days=0, hours=None), at=now)
        with kiosk_process(over) as kiosk, browser() as page:
            page.goto(kiosk.address)
            _take(page, "closed")


def set_pin(state: Path) -> None:
    """Set the staff's PIN, as the command does."""
    import os

    from bluezone_node.web.kiosk.gate import hash_pin
    from bluezone_node.wiring.kiosk import PIN_FILE

    (state / PIN_FILE).write_text(hash_pin(PIN, os.urandom))


def _at_the_door(page: Page, address: str) -> None:
    page.goto(address)
    _take(page, "ready")
    _scan(page, pass_of(at=datetime.now(UTC)), "green")
    _take(page, "welcome")
    _scan(page, "https://q.example.vn.evil.example/#123", "red")
    _take(page, "refused")
    page.click("#phone summary")
    for digit in PHONE.replace(" ", "")[:7]:
        page.click(f"#pad button:text-is('{digit}')")
    _take(page, "telephone")
    page.click("#phone summary")
    page.click("#more", click_count=3)
    _scan(page, ID_CARD, "green, .result.amber")
    page.click("#more")
    page.click("text=Phiếu giấy")
    page.wait_for_selector("#slip:not([hidden])")
    _take(page, "slip")
    paper = page.get_attribute("#slip-link", "href")
    page.click("#more", click_count=15)
    _scan(page, INSURANCE, "amber")
    _take(page, "full")
    page.goto(f"{address}{paper}")
    page.locator("body").screenshot(path=FOLDER / "paper.png")


def _manager(page: Page, address: str) -> None:
    page.goto(f"{address}/manager")
    page.fill("#pin", PIN)
    page.click("button")
    page.wait_for_selector("table.hours")
    _take(page, "manager")


def _scan(page: Page, text: str, colour: str) -> None:
    page.fill("#text", text)
    page.press("#text", "Enter")
    page.wait_for_selector(f".result.{colour}")


def _take(page: Page, name: str) -> None:
    page.wait_for_timeout(300)
    page.screenshot(path=FOLDER / f"{name}.png")


if __name__ == "__main__":
    main()
