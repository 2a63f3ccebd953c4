"""Who is scanned comes, goes, or is the same; and nobody can say afterwards who it was."""

import itertools
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.clock import SimClock
from bluezone_node.errors import BadInput, DatabaseUnusable
from bluezone_node.node.kiosk.desk import UNVERIFIED_CAP, Desk
from bluezone_node.node.kiosk.ledger import Movement
from bluezone_node.node.kiosk.screen import Screen
from bluezone_node.store.node import SqliteNodeStore, open_node_store
from bluezone_node.venues.card import CardFlag
from bluezone_node.venues.checkins import NO_DOUBT, Checkin, Doubt, Way
from bluezone_node.venues.kinds import VenueKind
from bluezone_node.venues.opening import Opening
from bluezone_node.venues.passes import Holder
from bluezone_node.venues.register import Contact, SealedContact
from bluezone_node.venues.tags import slot_of
from bluezone_node.venues.text import DEFAULT_HOST, to_base45, to_url
from bluezone_node.venues.visits import OutKind
from tests.kiosks import (
    ID_CARD,
    INSURANCE,
    MORNING,
    PERSONAL,
    PHONE,
    PROOF_KEY,
    desk_at,
    market,
    pass_of,
)
from tests.lives import on_disk

MINUTE = timedelta(minutes=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "node.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteNodeStore]:
    with open_node_store(path) as opened:
        yield opened


@pytest.fixture
def clock() -> SimClock:
    return SimClock(MORNING)


@pytest.fixture
def desk(store: SqliteNodeStore, clock: SimClock) -> Desk:
    return desk_at(store, clock)


def entries(store: SqliteNodeStore) -> list[Checkin]:
    return store.checkins(MORNING - timedelta(days=40), MORNING + timedelta(days=40))


def refusal(desk: Desk, text: str, party: int = 1) -> str:
    with pytest.raises(BadInput) as refused:
        desk.scan(text, party)
    return refused.value.reason


# In and out


@pytest.mark.parametrize(
    ("text", "way"),
    [
        (pass_of(), Way.PASS),
        (ID_CARD, Way.ID_CARD),
        (INSURANCE, Way.INSURANCE_CARD),
        (PERSONAL, Way.PERSONAL_CODE),
    ],
)
def test_a_second_scan_is_the_way_out(
    desk: Desk, store: SqliteNodeStore, clock: SimClock, text: str, way: Way
) -> None:
    """In, and half an hour later out, with both times in the ledger."""
    came = desk.scan(text, 1)
    assert (came.movement, came.entry.way, came.inside) == (Movement.IN, way, 1)
    clock.advance(1800)
    went = desk.scan(text, 1)
    assert (went.movement, went.entry.id, went.inside) == (Movement.OUT, came.entry.id, 0)
    (entry,) = entries(store)
    assert (entry.came, entry.left, entry.ending) == (MORNING, MORNING + 30 * MINUTE, OutKind.SCAN)


def test_a_number_and_a_tap_come_and_go(desk: Desk, clock: SimClock) -> None:
    """However the number is written; a number is marked as proved by nothing."""
    assert desk.phone(PHONE, 1).entry.doubts == Doubt.UNVERIFIED
    assert desk.tap(b"device", 1).entry.doubts == NO_DOUBT
    clock.advance(60)
    assert desk.phone("+84912345678", 1).movement is Movement.OUT
    assert desk.tap(b"device", 1).movement is Movement.OUT
    assert desk.inside == 0


def test_a_family_is_one_scan(desk: Desk, clock: SimClock) -> None:
    """Five come by one code, and go by it."""
    assert desk.scan(ID_CARD, 5).inside == 5
    assert desk.scan(pass_of(2, party=3), 1).inside == 8
    clock.advance(60)
    assert desk.scan(ID_CARD, 1).inside == 3


@pytest.mark.parametrize("party", [0, 21, -1])
def test_a_party_has_a_size(desk: Desk, party: int) -> None:
    """Nobody comes, and no coach."""
    assert refusal(desk, ID_CARD, party) == "party_size"
    assert desk.inside == 0


def test_a_party_is_corrected(desk: Desk, store: SqliteNodeStore) -> None:
    """While they are inside."""
    came = desk.scan(ID_CARD, 1)
    assert desk.change_party(came.entry.id, 4).inside == 4
    assert [entry.party for entry in entries(store)] == [4]
    with pytest.raises(BadInput):
        desk.change_party(999, 2)


def test_scans_in_a_row_are_one(desk: Desk, store: SqliteNodeStore, clock: SimClock) -> None:
    """A camera sees a code many times; at the way out, too."""
    moves = []
    for seconds in (0, 5, 24, 25, 40, 20):
        clock.advance(seconds)
        moves.append(desk.scan(ID_CARD, 1).movement)
    same = Movement.SAME
    assert moves == [Movement.IN, same, same, same, Movement.OUT, same]
    assert len(entries(store)) == 1


def test_a_double_scan_prolongs_the_visit(
    desk: Desk, store: SqliteNodeStore, clock: SimClock
) -> None:
    """The usual stay counts from the last time that they were seen."""
    desk.scan(ID_CARD, 1)
    clock.advance(20)
    assert desk.scan(ID_CARD, 1).movement is Movement.SAME
    clock.advance(3600)
    desk.settle()
    (entry,) = entries(store)
    assert (entry.left, entry.ending) == (MORNING + timedelta(minutes=60, seconds=20), OutKind.STAY)


def test_the_same_person_may_come_back(desk: Desk, store: SqliteNodeStore, clock: SimClock) -> None:
    """After the way out, a scan is a new visit."""
    for _ in range(4):
        desk.scan(ID_CARD, 1)
        clock.advance(120)
    assert [entry.ending for entry in entries(store)] == [OutKind.SCAN] * 2


def test_a_code_lasts_for_some_minutes_on_the_way_in(desk: Desk, clock: SimClock) -> None:
    """A picture of yesterday's is refused; who is inside may go by an old one."""
    desk.scan(pass_of(1), 1)
    clock.advance(3000)
    assert refusal(desk, pass_of(2)) == "pass_expired"
    assert desk.scan(pass_of(1), 1).movement is Movement.OUT


# Slips


def test_a_slip_is_known_by_its_letters(desk: Desk, clock: SimClock) -> None:
    """Scanned as a square, or typed as six letters, small ones too."""
    slip = desk.slip(2)
    assert len(slip.slip) == 6
    assert desk.slip_of(slip.entry.id) == (slip.entry, slip.slip)
    clock.advance(60)
    assert desk.scan(f"VNP1S:{slip.slip}", 1).movement is Movement.OUT
    clock.advance(60)
    assert desk.scan(slip.slip.lower(), 2).movement is Movement.IN
    assert refusal(desk, "AAAAAA") == "slip_unknown"
    assert desk.slip_of(slip.entry.id) is None


def test_the_link_on_a_slip_is_enough_where_it_is_the_only_one(desk: Desk, clock: SimClock) -> None:
    """All links of five minutes are alike: of two slips nobody can tell whose one is."""
    screen = Screen(market(), PROOF_KEY, DEFAULT_HOST)
    link = screen.text(MORNING)
    desk.slip(1)
    clock.advance(600)
    assert desk.scan(link, 1).movement is Movement.OUT
    assert refusal(desk, link) == "slip_ambiguous"
    later = screen.text(clock.now())
    desk.slip(1)
    desk.slip(1)
    assert refusal(desk, later) == "slip_ambiguous"
    assert refusal(desk, screen.text(MORNING - timedelta(days=1))) == "slip_unknown"
    assert refusal(desk, screen.text(clock.now() + timedelta(minutes=10))) == "slip_unknown"
    other = Screen(market(), b"another kiosk's key, 32 bytes...", DEFAULT_HOST)
    assert refusal(desk, other.text(clock.now())) == "slip_unknown"


# What is no visitor's code


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "scan_empty"),
        ("x" * 5000, "scan_oversized"),
        ("hello", "text_unknown"),
        (to_url(market().cose, DEFAULT_HOST), "own_poster"),
        (to_base45(market().cose), "own_poster"),
        (to_url(market(seed=2).cose, DEFAULT_HOST), "other_place"),
        (to_url(market().cose, "q.example.vn.evil.com"), "link_lookalike"),
        ("VNP1V:ABC", "cbor_malformed"),
        ("UKC19TRACING:1:x.y.z", "foreign_code"),
        ("https://e.coronawarn.app?v=1#CAES", "foreign_code"),
        ("https://shopee.vn/voucher", "link_elsewhere"),
        ("HC1:NCFOXN%TS3DH3ZSUZK+.V0ETD%65NL", "health_certificate"),
        (pass_of().replace("V:", "V:Â"), "scan_garbled"),
        (pass_of().replace("VNP1", "VNPă"), "scan_garbled"),
        (pass_of(at=MORNING - timedelta(hours=1)), "pass_expired"),
    ],
)
def test_what_is_no_visitors_code_is_named(desk: Desk, text: str, reason: str) -> None:
    """A poster held before the kiosk by mistake, a link that leads astray, another country's."""
    assert refusal(desk, text) == reason
    assert desk.inside == 0


def test_what_is_typed_twice_is_one_scan(desk: Desk, store: SqliteNodeStore) -> None:
    """By a scanner that bounces; a slip of three letters that are there twice is a slip."""
    assert desk.scan(pass_of() * 2, 1).movement is Movement.IN
    assert desk.scan(f"{ID_CARD}{ID_CARD}", 1).movement is Movement.IN
    slip = desk.slip(1).slip
    assert desk.scan(f"VNP1S:{slip}" * 2, 1).movement is Movement.SAME
    assert len(entries(store)) == 3
    assert refusal(desk, "ABCABC") == "slip_unknown"


@given(text=st.text() | st.binary().map(lambda data: data.decode("latin-1")))
def test_whatever_is_scanned_is_entered_or_refused(
    text: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Only refusals of our own leave the desk."""
    folder = tmp_path_factory.getbasetemp() / "scanned"
    with open_node_store(folder / "node.db") as store:
        desk = desk_at(store, SimClock(MORNING))
        with suppress(BadInput):
            desk.scan(text, 1)


# One-way doors


def test_at_a_way_in_nobody_leaves(store: SqliteNodeStore, clock: SimClock) -> None:
    """A later scan prolongs the visit: it is known that they were there until then."""
    desk = desk_at(store, clock, mode="in")
    desk.scan(ID_CARD, 1)
    clock.advance(50 * 60)
    assert desk.scan(ID_CARD, 1).movement is Movement.SAME
    clock.advance(50 * 60)
    desk.settle()
    assert desk.inside == 1
    clock.advance(11 * 60)
    desk.settle()
    (entry,) = entries(store)
    assert (entry.left, entry.ending) == (MORNING + 110 * MINUTE, OutKind.STAY)


def test_at_a_way_out_nobody_comes(store: SqliteNodeStore, clock: SimClock) -> None:
    """Who came in through another door of the same database goes; a stranger is told."""
    desk_at(store, clock, mode="in").scan(ID_CARD, 3)
    clock.advance(60)
    desk = desk_at(store, clock, mode="out")
    assert refusal(desk, pass_of()) == "not_inside"
    assert desk.scan(ID_CARD, 1).movement is Movement.OUT
    assert desk.inside == 0


# Ends that are guessed


def test_who_is_not_scanned_leaves_after_the_usual_stay(
    desk: Desk, store: SqliteNodeStore, clock: SimClock
) -> None:
    """An hour for a market; the scan on the way out, a little late, puts it right."""
    desk.scan(ID_CARD, 2)
    desk.scan(INSURANCE, 1)
    clock.advance(75 * 60)
    desk.settle()
    assert desk.inside == 0
    assert desk.scan(ID_CARD, 1).movement is Movement.OUT
    clock.advance(60 * 60)
    assert desk.scan(INSURANCE, 1).movement is Movement.IN
    first, second, third = entries(store)
    assert (first.left, first.ending) == (MORNING + 75 * MINUTE, OutKind.SCAN)
    assert (second.left, second.ending) == (MORNING + 60 * MINUTE, OutKind.STAY)
    assert third.left is None


def test_who_is_not_scanned_leaves_when_the_place_closes(
    store: SqliteNodeStore, clock: SimClock
) -> None:
    """At seven in the evening, though the usual stay goes on."""
    clock.advance(10.5 * 3600)
    desk = desk_at(store, clock)
    desk.scan(ID_CARD, 1)
    clock.advance(3600)
    desk.settle()
    (entry,) = entries(store)
    assert (entry.left, entry.ending) == (MORNING + timedelta(hours=11), OutKind.CLOSING)


def test_who_is_not_scanned_leaves_at_midnight(store: SqliteNodeStore, clock: SimClock) -> None:
    """Where nothing on the card ends the visit earlier."""
    clock.advance(15.5 * 3600)
    desk = desk_at(store, clock, market(hours=None))
    desk.scan(ID_CARD, 1)
    clock.advance(3600)
    desk.settle()
    (entry,) = entries(store)
    assert (entry.left, entry.ending) == (MORNING + timedelta(hours=16), OutKind.MIDNIGHT)


def test_off_hours_are_marked(store: SqliteNodeStore, clock: SimClock) -> None:
    """Somebody at four in the morning, before the market opens at five."""
    clock.advance(20 * 3600)
    assert desk_at(store, clock).scan(ID_CARD, 1).entry.doubts == Doubt.OFF_HOURS


def test_a_full_house_is_marked(store: SqliteNodeStore, clock: SimClock) -> None:
    """Nobody is turned away by a machine."""
    desk = desk_at(store, clock, capacity=5)
    assert desk.scan(ID_CARD, 5).entry.doubts == NO_DOUBT
    assert desk.scan(pass_of(), 1).entry.doubts == Doubt.FULL


def test_a_doubtful_clock_is_marked(desk: Desk) -> None:
    """Whoever knows that nothing vouches for the time says so."""
    assert desk.scan(ID_CARD, 1, Doubt.CLOCK).entry.doubts == Doubt.CLOCK


def test_numbers_are_capped(desk: Desk, clock: SimClock) -> None:
    """A flood of numbers ends; codes and cards go on, and numbers again after a while."""
    for number in range(UNVERIFIED_CAP):
        desk.phone(f"09{number:08}", 1)
    with pytest.raises(BadInput) as refused:
        desk.phone("0999999999", 1)
    assert refused.value.reason == "too_many_unverified"
    assert desk.scan(ID_CARD, 1).movement is Movement.IN
    clock.advance(601)
    assert desk.phone("0999999999", 1).movement is Movement.IN


def test_an_expired_card_lets_nobody_in_and_everybody_out(
    store: SqliteNodeStore, clock: SimClock
) -> None:
    """At the first midnight after its last day."""
    card = market(days=1, hours=None, kind=VenueKind.LODGING)
    desk = desk_at(store, clock, card)
    desk.scan(ID_CARD, 1)
    clock.advance(11 * 3600)
    desk.scan(PERSONAL, 1)
    clock.advance(5.5 * 3600)
    assert refusal(desk, INSURANCE) == "card_expired"
    assert desk.scan(PERSONAL, 1).movement is Movement.OUT


# Who it was


def test_nobody_is_known_the_next_day(
    path: Path, store: SqliteNodeStore, desk: Desk, clock: SimClock
) -> None:
    """The key of the day is nowhere on the disk then, nor what was made with it."""
    desk.scan(ID_CARD, 1)
    digest = entries(store)[0].digest
    key = store.day_key(desk._book._day, b"")
    assert key in on_disk(path)
    assert digest.hex().encode() in on_disk(path)
    clock.advance(17 * 3600)
    desk.settle()
    assert key not in on_disk(path)
    assert digest.hex().encode() not in on_disk(path)
    assert [entry.digest for entry in entries(store)] == [b""]
    assert desk.scan(ID_CARD, 1).movement is Movement.IN


def test_a_full_day_leaves_no_more_than_a_quiet_one(
    path: Path, store: SqliteNodeStore, desk: Desk, clock: SimClock
) -> None:
    """Rows that moved from page to page leave no copy behind by which numbers could be tried."""
    for number in range(400):
        desk.tap(number.to_bytes(16), 1)
    digests = [entry.digest.hex().encode() for entry in entries(store)]
    kept = on_disk(path)
    assert all(digest in kept for digest in digests)
    key = store.day_key(desk._book._day, b"")
    clock.advance(17 * 3600)
    desk.settle()
    kept = on_disk(path)
    assert key not in kept
    assert [digest for digest in digests if digest in kept] == []


def test_neither_number_nor_name_is_on_the_disk(
    path: Path, store: SqliteNodeStore, desk: Desk
) -> None:
    """Of no card, no code and no telephone."""
    desk.scan(ID_CARD, 1)
    desk.scan(INSURANCE, 1)
    desk.scan(PERSONAL, 1)
    desk.phone(PHONE, 1)
    slip = desk.slip(1).slip
    for secret in ("190012345", "Hồng", "HS401", "Ất", "16291234", "NGUYEN", "912345678", slip):
        assert secret.encode() not in on_disk(path)


def test_a_house_knows_its_guests_in_the_morning(store: SqliteNodeStore, clock: SimClock) -> None:
    """Where people sleep, the key of the evening lasts until they have left."""
    clock.advance(12 * 3600)
    desk = desk_at(store, clock, market(kind=VenueKind.LODGING, hours=None))
    desk.scan(ID_CARD, 2)
    clock.advance(8 * 3600)
    assert desk.scan(ID_CARD, 1).movement is Movement.OUT


def test_entries_are_forgotten_after_three_weeks(
    store: SqliteNodeStore, desk: Desk, clock: SimClock
) -> None:
    """By the kiosk itself, where no daemon runs."""
    desk.scan(ID_CARD, 1)
    clock.advance(20 * 86_400)
    desk.forget()
    assert len(entries(store)) == 1
    clock.advance(2 * 86_400)
    desk.forget()
    assert entries(store) == []


@pytest.mark.parametrize("restarted", [False, True])
def test_a_clock_that_was_ahead_keeps_nobody_inside(
    path: Path, store: SqliteNodeStore, clock: SimClock, restarted: bool
) -> None:
    """Nor a key by which they are known, until the day comes that it showed."""
    card = market(days=600)
    desk = desk_at(store, clock, card)
    clock.jump(timedelta(days=30))
    desk.scan(ID_CARD, 2)
    digest = entries(store)[0].digest
    key = store.day_key(desk._book._day, b"")
    assert key in on_disk(path)
    clock.jump(timedelta(days=-30))
    if restarted:
        desk = desk_at(store, clock, card)
    desk.settle()
    assert desk.inside == 0
    assert key not in on_disk(path)
    assert digest.hex().encode() not in on_disk(path)
    assert desk.scan(ID_CARD, 1).movement is Movement.IN
    clock.advance(60)
    assert desk.scan(ID_CARD, 1).movement is Movement.OUT


def test_a_clock_put_right_at_midnight_forgets_nobody(
    store: SqliteNodeStore, clock: SimClock
) -> None:
    """Some seconds back are no new day: who came just now leaves by the same card."""
    desk = desk_at(store, clock, market(hours=None))
    clock.advance(16 * 3600)
    desk.scan(ID_CARD, 1)
    clock.jump(timedelta(seconds=-40))
    assert desk.scan(ID_CARD, 1).movement is Movement.OUT


# Starting again


def test_a_kiosk_that_starts_again_knows_who_is_inside(
    store: SqliteNodeStore, desk: Desk, clock: SimClock
) -> None:
    """By the database alone; who was overdue meanwhile has left."""
    desk.scan(ID_CARD, 2)
    clock.advance(600)
    again = desk_at(store, clock)
    assert again.inside == 2
    assert again.scan(ID_CARD, 1).movement is Movement.OUT
    again.scan(pass_of(at=clock.now()), 3)
    clock.advance(7200)
    assert desk_at(store, clock).inside == 0


def test_a_full_disk_enters_nobody(store: SqliteNodeStore, desk: Desk) -> None:
    """What could not be written is not counted; with space again it goes on."""
    desk.scan(ID_CARD, 1)
    (pages,) = store._database.rows("PRAGMA page_count")[0]
    store._database.rows(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(DatabaseUnusable, match="no space left"):
        flood(desk)
    written = desk.inside
    assert written == len(entries(store))
    store._database.rows("PRAGMA max_page_count = 100000")
    assert desk.tap(b"later", 1).inside == written + 1


def flood(desk: Desk) -> None:
    for number in itertools.count(1):
        desk.tap(number.to_bytes(4), 1)


# A register of names


class Sealer:
    """A register that remembers what it was given."""

    def __init__(self) -> None:
        self.rows: list[tuple[Contact, datetime, bytes | None]] = []

    def seal(self, contact: Contact, came: datetime, nonce: bytes | None) -> SealedContact:
        self.rows.append((contact, came, nonce))
        return SealedContact(b"row", b"", slot_of(came), b"", b"")

    def openings(self) -> list[Opening]:
        return []


WITH_REGISTER = market(register_key=bytes(32), flags=CardFlag.REGISTER_REQUIRED)


def test_a_place_that_needs_a_register_is_refused_without_one(
    store: SqliteNodeStore, clock: SimClock
) -> None:
    """Nobody is let in under a promise that cannot be kept."""
    with pytest.raises(BadInput) as refused:
        desk_at(store, clock, WITH_REGISTER)
    assert refused.value.reason == "register_unavailable"


def test_a_register_is_given_name_and_year(store: SqliteNodeStore, clock: SimClock) -> None:
    """Of a card or a device's code; who told none is asked for a card."""
    kept = Sealer()
    desk = desk_at(store, clock, WITH_REGISTER, kept)
    desk.scan(ID_CARD, 2)
    device = pass_of(7, holder=Holder("Lê Văn Tám", "0912345678"))
    desk.scan(device, 1)
    assert kept.rows == [
        (Contact("Nguyễn Thị Hồng", "", 1990, 2), MORNING, None),
        (Contact("Lê Văn Tám", "0912345678"), MORNING, b"\7" * 8),
    ]
    with pytest.raises(BadInput) as refused:
        desk.phone(PHONE, 1)
    assert refused.value.reason == "name_required"
    desk.phone(PHONE, 1, name="  Phạm  Thi\u0323 Mơ ")
    assert kept.rows[2] == (Contact("Phạm Thị Mơ", "0912345678"), MORNING, None)
    assert desk.keeps_names
    clock.advance(60)
    assert desk.scan(ID_CARD, 1).movement is Movement.OUT


def test_who_wants_to_be_found_is_taken_down_where_nobody_must(
    store: SqliteNodeStore, clock: SimClock
) -> None:
    """By the code of their own device, with a name; a card or a number is not asked for one."""
    kept = Sealer()
    desk = desk_at(store, clock, market(register_key=bytes(32)), kept)
    assert not desk.keeps_names
    desk.scan(ID_CARD, 1)
    desk.phone(PHONE, 1, name="Phạm Thị Mơ")
    desk.scan(pass_of(7), 1)
    assert kept.rows == []
    desk.scan(pass_of(8, holder=Holder("Lê Văn Tám", "0912345678")), 1)
    assert [contact.name for contact, _, _ in kept.rows] == ["Lê Văn Tám"]


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(1, 20), st.integers(0, 5000)), max_size=30)
)
def test_the_count_is_that_of_the_ledger(steps: list[tuple[int, int, int]]) -> None:
    """Whatever happens in whatever order, and after a new start: inside is who has not left."""
    store, clock = Memory(), SimClock(MORNING)
    desk = desk_at(store, clock)  # type: ignore[arg-type]
    for who, party, seconds in steps:
        clock.advance(seconds)
        desk.tap(bytes([who]), party)
        inside = [entry for entry in store.rows.values() if entry.left is None]
        assert desk.inside == sum(entry.party for entry in inside)
        assert all(entry.left is None or entry.left >= entry.came for entry in store.rows.values())
    assert desk_at(store, clock).inside == desk.inside  # type: ignore[arg-type]


class Memory:
    """A ledger that forgets when the test ends."""

    def __init__(self) -> None:
        self.rows: dict[int, Checkin] = {}
        self.keys: dict[int, bytes] = {}

    def add_checkin(self, entry: Checkin, contact: SealedContact | None = None) -> int:
        number = len(self.rows) + 1
        self.rows[number] = replace(entry, id=number)
        return number

    def change_checkins(self, entries: list[Checkin]) -> None:
        self.rows |= {entry.id: entry for entry in entries}

    def checkins(self, start: datetime, end: datetime) -> list[Checkin]:
        return [entry for entry in self.rows.values() if start <= entry.came < end]

    def checkins_inside(self) -> list[Checkin]:
        return [entry for entry in self.rows.values() if entry.left is None]

    def day_key(self, day: int, fresh: bytes) -> bytes:
        return self.keys.setdefault(day, fresh)

    def end_days(self, first: int, last: int) -> None:
        self.keys = {day: key for day, key in self.keys.items() if first <= day <= last}

    def forget_checkins(self, before: datetime) -> int:
        return 0
