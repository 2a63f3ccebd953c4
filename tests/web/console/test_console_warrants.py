"""Opening a register by the pages: drafted, signed elsewhere by two people, answered, read."""

import csv
import io
import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from bluezone_node.authority.places.day_keys import DayKeyRing
from bluezone_node.authority.ports.venues import Venue
from bluezone_node.store.authority.day_keys import FolderDayKeys
from bluezone_node.venues.answer import WarrantAnswer, write_answer
from bluezone_node.venues.card import VIETNAM, Card, day_number
from bluezone_node.venues.kinds import VenueKind
from bluezone_node.venues.register import Contact, release, row_id_of, seal_contact
from bluezone_node.venues.warrant import words_of, write_warrant
from bluezone_node.web.console import menu
from tests.bureau import APPROVING, ASKING, Browser, Bureau, bureau

pytestmark = pytest.mark.slow

ANH = Contact("Nguyễn <b>Thị</b> Ánh", "0987654321", 1961)
FORMULA = Contact("=HYPERLINK(1)", "+84912345679")
CANARIES = ("Ánh", "987654321", "HYPERLINK", "912345679")
VENUE_KEY = X25519PrivateKey.from_private_bytes(b"v" * 32)
HOUR = timedelta(hours=1)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Bureau]:
    with bureau(tmp_path, with_publisher=False) as made:
        ring = DayKeyRing(FolderDayKeys(tmp_path), lambda: (ASKING, "*"), made.clock)
        ring.tidy()
        yield made


@pytest.fixture
def clinic(office: Bureau) -> Venue:
    return office.places.place("Phòng khám Hoa Sen", kind=VenueKind.HEALTH_FACILITY)


def form(office: Bureau, **changes: str) -> dict[str, str]:
    """Return the form for the three hours before the last one."""
    now = office.clock.now().astimezone(VIETNAM)
    return {
        "place": "Phòng khám Hoa Sen",
        "from_day": f"{now - 4 * HOUR:%Y-%m-%d}",
        "from_time": f"{now - 4 * HOUR:%H:%M}",
        "to_day": f"{now - HOUR:%Y-%m-%d}",
        "to_time": f"{now - HOUR:%Hh%M}",
        "case": "F0-118",
        "basis": "Luật Phòng, chống bệnh truyền nhiễm 2007",
    } | changes


def drafted(office: Bureau, browser: Browser) -> bytes:
    """Fill in the form, and save the draft."""
    browser.see(f"{menu.WARRANTS}/new")
    first = browser.send(f"{menu.WARRANTS}/new", form(office)).headers["location"]
    address = browser.get(first).headers["location"]
    assert browser.get(first).headers["location"] == address
    browser.see(address)
    assert "warrant sign warrant-" in browser.words()
    draft: bytes = browser.client.get(f"{address}/file").content
    return draft


def signed(data: bytes, key: Ed25519PrivateKey) -> bytes:
    """Sign on another machine."""
    return write_warrant(words_of(data), key)


def requested(office: Bureau, browser: Browser) -> str:
    """Return the address of a warrant that the first officer has signed."""
    data = signed(drafted(office, browser), ASKING)
    twice = [browser.send(f"{menu.WARRANTS}/request", {}, file=data) for _ in range(2)]
    (address,) = {str(answer.headers["location"]) for answer in twice}
    return address


def approved(office: Bureau, browser: Browser, address: str) -> None:
    """Sign as the second officer."""
    browser.see(address)
    assert "--out warrant-" in browser.words()
    data = signed(browser.client.get(f"{address}/signed").content, APPROVING)
    twice = [browser.send(f"{address}/approve", {}, file=data) for _ in range(2)]
    assert {answer.status_code for answer in twice} == {303}, browser.words()


def answer_of(office: Bureau, clinic: Venue, file: bytes, *contacts: Contact) -> bytes:
    """Return what the kiosk writes on the stick."""
    from bluezone_node.crypto.cose import decode

    words, days = words_of(decode(file)[0]), FolderDayKeys(office.folder).public()
    card = Card(
        clinic.venue_id,
        clinic.name,
        4,
        VenueKind(clinic.kind),
        bytes(16),
        20_000,
        22_000,
        register_key=VENUE_KEY.public_key().public_bytes_raw(),
    )
    rows = []
    for number, contact in enumerate(contacts):
        key, row = days[day_number(words.start)], row_id_of(bytes([number]) * 8)
        sealed = seal_contact(contact, card, bytes(32), words.start, key, row)
        rows.append(release(sealed, clinic.venue_id, VENUE_KEY))
    return write_answer(WarrantAnswer(words.warrant_id, "", tuple(rows)))


def test_two_officers_open_a_register(
    office: Bureau, clinic: Venue, caplog: pytest.LogCaptureFixture
) -> None:
    """Each signs on a machine of their own; the names are seen by who asked, and nowhere else."""
    caplog.set_level(logging.DEBUG)
    lan = office.signed_in("supervisor", name="lan")
    minh = office.signed_in("supervisor", name="minh")
    address = requested(office, lan)
    assert "another supervisor approves it" in lan.see(address)
    assert "/approve" not in lan.page
    assert "Waits for the second signature" in minh.see(menu.WARRANTS)
    approved(office, minh, address)
    assert "The place is asked" in lan.see(address)
    file = lan.client.get(f"{address}/file").content
    brought = answer_of(office, clinic, file, ANH, FORMULA)
    assert lan.send(f"{address}/answer", {}, file=brought).status_code == 303
    assert "Answered" in lan.see(menu.WARRANTS)

    minh.see(address)
    assert "They are for lan" in minh.words()
    assert minh.send(f"{address}/read", {"purpose": "tò mò"}).status_code == 422
    assert "read by the person who asked" in minh.words()
    lan.see(address)
    assert lan.send(f"{address}/read", {"purpose": " "}).status_code == 422
    assert "Say what the names are needed for" in lan.words()
    read = lan.send(f"{address}/read", {"purpose": "gọi F1"})
    assert read.status_code == 200
    assert read.headers["cache-control"] == "no-store"
    for words in ("Nguyễn <b>Thị</b> Ánh", "0987654321", "1961", "F0-118", "2 contacts"):
        assert words in lan.words() or words in re.sub("&lt;", "<", lan.page)
    assert "<b>Thị" not in lan.page
    lan.see(address)
    saved = lan.send(f"{address}/read", {"purpose": "gọi F1", "save": "yes"})
    rows = list(csv.reader(io.StringIO(saved.content.decode("utf-8-sig"))))
    assert [row[1] for row in rows[1:]] == ["Nguyễn <b>Thị</b> Ánh", "'=HYPERLINK(1)"]
    trail = lan.see(menu.AUDIT)
    assert "Names of a warrant read" in trail
    assert "gọi F1" in trail
    seen = [lan.see(menu.WARRANTS), lan.see(address), trail, caplog.text]
    kept = b"".join(path.read_bytes() for path in office.folder.rglob("*") if path.is_file())
    for canary in CANARIES:
        assert not [text for text in seen if canary in text]
        assert canary.encode() not in kept


def test_names_are_headed_as_what_they_are(office: Bureau, clinic: Venue) -> None:
    """In Vietnamese too, where names to sign in by and those of visitors are other words."""
    lan = office.signed_in("supervisor", name="lan", language="vi")
    minh = office.signed_in("supervisor", name="minh")
    address = requested(office, lan)
    approved(office, minh, address)
    brought = answer_of(office, clinic, lan.client.get(f"{address}/file").content, ANH)
    lan.see(address)
    lan.send(f"{address}/answer", {}, file=brought)
    lan.see(address)
    lan.send(f"{address}/read", {"purpose": "gọi F1"})
    assert "Họ và tên Điện thoại Năm sinh Số người Đã xác minh số" in lan.words()
    assert "Chỉ dùng cho mục đích: gọi F1." in lan.words()


def test_one_person_is_not_two(office: Bureau, clinic: Venue) -> None:
    """Not by the same account, whatever key signed; and not by the same key."""
    lan = office.signed_in("supervisor", name="lan")
    minh = office.signed_in("supervisor", name="minh")
    address = requested(office, lan)
    lan.see(address)
    data = lan.client.get(f"{address}/signed").content
    assert lan.send(f"{address}/approve", {}, file=signed(data, APPROVING)).status_code == 422
    assert "another supervisor approves it" in lan.words()
    minh.see(address)
    for wrong, words in (
        (signed(data, ASKING), "must not be the one that signed before"),
        (data, "must not be the one that signed before"),
        (b"\xa9", "signed by nobody"),
        (b"", "Choose a file."),
    ):
        assert minh.send(f"{address}/approve", {}, file=wrong).status_code == 422, words
        assert words in minh.words()
    assert minh.client.get(f"{address}/file").status_code == 409
    elsewhere = signed(data, APPROVING)
    other = write_warrant(replace(words_of(data), case="F0-119"), APPROVING)
    assert minh.send(f"{address}/approve", {}, file=other).status_code == 422
    assert minh.send(f"{address}/approve", {}, file=elsewhere).status_code == 303


def test_a_draft_that_nobody_signed_is_no_request(office: Bureau, clinic: Venue) -> None:
    """Nor is one by a stranger's key; the same one twice leads to one page."""
    lan = office.signed_in("supervisor", name="lan")
    draft = drafted(office, lan)
    for data, words in (
        (draft, "signed by nobody"),
        (signed(draft, Ed25519PrivateKey.generate()), "must stand on the trust list"),
    ):
        assert lan.send(f"{menu.WARRANTS}/request", {}, file=data).status_code == 422
        assert words in lan.words()
    request = signed(draft, ASKING)
    lan.see(menu.WARRANTS)
    twice = [lan.send(f"{menu.WARRANTS}/request", {}, file=request) for _ in range(2)]
    (address,) = {answer.headers["location"] for answer in twice}
    assert "Waits for the second signature" in lan.see(address)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"place": "Chợ Lạ"}, "There is no such place"),
        ({"place": "hoa sen"}, "Is it one of these: Phòng khám Hoa Sen?"),
        ({"from_day": ""}, "Choose the day."),
        ({"from_day": "2026-03-08"}, "up to 24 hours of visits"),
        ({"to_day": "2026-03-11"}, "still to come"),
        ({"from_day": "2026-01-01", "to_day": "2026-01-01", "from_time": "1h"}, "21 days ago"),
        ({"case": ""}, "pseudonym"),
        ({"basis": ""}, "by which law"),
    ],
)
def test_what_cannot_be_asked_is_said_before_anybody_signs(
    office: Bureau, clinic: Venue, changes: dict[str, str], words: str
) -> None:
    """Beside the field; what was typed is still there."""
    lan = office.signed_in("supervisor", name="lan")
    lan.see(f"{menu.WARRANTS}/new")
    address = lan.send(f"{menu.WARRANTS}/new", form(office, **changes)).headers["location"]
    assert lan.get(address).status_code == 422
    assert words in lan.words()
    assert "F0-118" in lan.page or changes == {"case": ""}


def test_warrants_are_for_supervisors_of_the_province(office: Bureau, clinic: Venue) -> None:
    """Others find no page and hand nothing in, and an answer goes to its own warrant."""
    lan = office.signed_in("supervisor", name="lan")
    minh = office.signed_in("supervisor", name="minh")
    issuer, hanoi = office.signed_in("issuer"), office.signed_in("supervisor", "01")
    first, second = requested(office, lan), requested(office, lan)
    assert menu.WARRANTS not in issuer.see(menu.HOME)
    for path in (menu.WARRANTS, first, f"{first}/signed", f"{first}/file"):
        assert issuer.get(path).status_code == 403
    assert first not in hanoi.see(menu.WARRANTS)
    for path in ("", "/signed", "/file"):
        assert hanoi.get(first + path).status_code == 404
    assert hanoi.send(f"{first}/read", {"purpose": "x"}).status_code == 404
    for path in (first[:-1], f"{first}0", f"{menu.WARRANTS}/drafts/none"):
        assert lan.get(path).status_code == 404
    for address in (first, second):
        approved(office, minh, address)
    brought = answer_of(office, clinic, lan.client.get(f"{first}/file").content, ANH)
    lan.see(second)
    assert lan.send(f"{second}/answer", {}, file=brought).status_code == 422
    assert "the answer to another warrant" in lan.words()
    assert lan.send(f"{second}/answer", {}, file=b"nonsense").status_code == 422


def test_what_is_over_says_so(office: Bureau, clinic: Venue) -> None:
    """A warrant that nobody answered has expired; what came is erased a week after."""
    lan = office.signed_in("supervisor", name="lan")
    minh = office.signed_in("supervisor", name="minh")
    first, second = requested(office, lan), requested(office, lan)
    approved(office, minh, second)
    brought = answer_of(office, clinic, lan.client.get(f"{second}/file").content, ANH)
    lan.see(second)
    assert lan.send(f"{second}/answer", {}, file=brought).status_code == 303
    office.pass_time(days=11)
    office.openings().forget()
    lan = office.signed_in("supervisor", name="lan")
    assert "the place has not answered" in lan.see(first)
    assert "was erased, its time being over" in lan.see(second)
    assert lan.send(f"{second}/read", {"purpose": "x"}).status_code == 422
