"""The register from end to end: sealed at the door, asked for by two, read, then unreadable."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from bluezone_node.authority.people.audit import ChainedTrail
from bluezone_node.authority.places.contacts import Opened
from bluezone_node.authority.places.day_keys import AHEAD, KEPT, DayKeyRing
from bluezone_node.authority.places.openings import READ_FOR, Openings
from bluezone_node.authority.places.warrants import Warrants
from bluezone_node.authority.ports.accounts import Actor
from bluezone_node.clock import SimClock
from bluezone_node.crypto.cose import key_id_of, public_bytes
from bluezone_node.errors import AuthorityRefused, BadConfig, BadInput
from bluezone_node.store.authority import day_keys, exposure_tables, registry_tables
from bluezone_node.store.authority.backup import write_backup
from bluezone_node.store.authority.database import Database
from bluezone_node.store.authority.day_keys import FolderDayKeys
from bluezone_node.store.authority.folder import make_folder, open_folder
from bluezone_node.store.authority.restore import restore_backup
from bluezone_node.store.authority.warrants import SqlWarrants
from bluezone_node.venues.answer import (
    PART_ROWS,
    WarrantAnswer,
    parts_of,
    read_answer,
    write_answer,
)
from bluezone_node.venues.card import Card, day_number
from bluezone_node.venues.kinds import VenueKind
from bluezone_node.venues.register import (
    Contact,
    ReleasedContact,
    SealedContact,
    read_day_keys,
    release,
    row_id_of,
    seal_contact,
)
from bluezone_node.venues.trust import Role, TrustedKey, TrustList
from bluezone_node.venues.warrant import (
    Warrant,
    draft_of,
    read_warrant,
    words_of,
    write_warrant,
)
from tests.staff import MemoryAudit

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
ASKING = Ed25519PrivateKey.from_private_bytes(b"a" * 32)
APPROVING = Ed25519PrivateKey.from_private_bytes(b"b" * 32)
REGISTER = Ed25519PrivateKey.from_private_bytes(b"r" * 32)
AN, BINH = Actor("an", "01", "supervisor"), Actor("binh", "01", "supervisor")
VENUE_KEY = X25519PrivateKey.from_private_bytes(b"v" * 32)
LOCATION = bytes(32)
CLINIC = Card(
    b"c" * 16,
    "Phòng khám Hoa Sen",
    4,
    VenueKind.HEALTH_FACILITY,
    bytes(16),
    20_000,
    22_000,
    register_key=VENUE_KEY.public_key().public_bytes_raw(),
)
ANH = Contact("Nguyễn Thị Ánh", "0912345678", 1961)


def trusted(key: Ed25519PrivateKey, role: Role) -> TrustedKey:
    year = timedelta(days=365)
    return TrustedKey(public_bytes(key), role, "01", NOW - year, NOW + year)


TRUST = TrustList(
    1,
    NOW,
    (
        trusted(ASKING, Role.WARRANT_REQUEST),
        trusted(APPROVING, Role.WARRANT_APPROVE),
        trusted(REGISTER, Role.REGISTER),
    ),
)


@dataclass
class Office:
    """An authority with a clinic whose kiosk keeps a register."""

    folder: Path

    def __post_init__(self) -> None:
        self.clock = SimClock(NOW)
        self.engine = Database(registry_tables.LAYOUT, self.folder / "registry.db").open()
        self.store = SqlWarrants(self.engine)
        self.days = FolderDayKeys(self.folder)
        self.ring = DayKeyRing(self.days, lambda: (REGISTER, "01"), self.clock)
        self.entries = MemoryAudit()
        trail = ChainedTrail(self.entries, self.clock, timedelta(days=730), secret=b"s" * 32)
        self.warrants = Warrants(
            self.store,
            trail,
            self.clock,
            os.urandom,
            lambda: TRUST,
            lambda venue: "01" if venue == CLINIC.venue_id else None,
        )
        self.openings = Openings(self.warrants, self.store, self.days.private, trail, self.clock)
        self.ring.tidy()

    def sealed(self, contact: Contact = ANH, nonce: bytes = b"pass one") -> SealedContact:
        """Return what the clinic's kiosk keeps of a visitor who comes now."""
        now = self.clock.now()
        keys = read_day_keys(self.ring.published(), TRUST, now).keys
        return seal_contact(contact, CLINIC, LOCATION, now, keys[day_number(now)], row_id_of(nonce))

    def warrant(self) -> Warrant:
        """Return one for the last day."""
        now = self.clock.now()
        return Warrant(
            os.urandom(16),
            CLINIC.venue_id,
            now - timedelta(hours=23),
            now + timedelta(minutes=15),
            "F0-118",
            "Luật Phòng, chống bệnh truyền nhiễm 2007",
            now,
            now + timedelta(hours=48),
        )

    def approved(self) -> Warrant:
        warrant = self.warrant()
        self.warrants.request(write_warrant(warrant, ASKING), AN)
        self.warrants.approve(warrant.warrant_id, write_warrant(warrant, APPROVING), BINH)
        return warrant

    def answer(self, warrant: Warrant, rows: Sequence[SealedContact]) -> None:
        """Have the kiosk fetch what waits for it, check it, and send its rows."""
        (data,) = self.openings.waiting(CLINIC.venue_id, "")
        read = read_warrant(data, TRUST, self.clock.now(), CLINIC.venue_id)
        assert read == warrant
        self.take(warrant, [release(row, CLINIC.venue_id, VENUE_KEY) for row in rows])

    def take(self, warrant: Warrant, rows: Sequence[ReleasedContact]) -> None:
        parts = list(parts_of(rows))
        for number, part in enumerate(parts):
            last = number == len(parts) - 1
            self.openings.take(CLINIC.venue_id, "", warrant.warrant_id, number, part, last=last)

    def read(self, warrant: Warrant, actor: Actor = AN) -> Opened:
        return self.openings.open(warrant.warrant_id, "gọi F1", actor)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    folder = tmp_path / "authority"
    make_folder(folder, ["registrar"])
    return Office(folder)


def test_two_officers_read_who_was_there(office: Office) -> None:
    """The place opens its seal, the authority the other; visitors find their mark; it is noted."""
    row = office.sealed()
    warrant = office.approved()
    office.answer(warrant, [row])
    (part,) = office.store.parts(warrant.warrant_id)
    assert part.untold == row_id_of(b"pass one")
    opened = office.read(warrant)
    assert [contact for _, contact in opened.contacts] == [ANH]
    assert opened.unreadable == 0
    assert [entry.action for entry in office.entries.walk()] == [
        "warrant_requested",
        "warrant_approved",
        "warrant_answered",
        "warrant_read",
    ]
    assert office.openings.waiting(CLINIC.venue_id, "") == []


def test_one_officer_alone_gets_nothing(office: Office) -> None:
    """The requester cannot approve; until somebody else does, the place is not even asked."""
    warrant = office.warrant()
    office.warrants.request(write_warrant(warrant, ASKING), AN)
    with pytest.raises(AuthorityRefused) as refused:
        office.warrants.approve(warrant.warrant_id, write_warrant(warrant, APPROVING), AN)
    assert refused.value.reason == "same_person"
    with pytest.raises(BadInput) as bad:
        office.warrants.approve(warrant.warrant_id, write_warrant(warrant, ASKING), BINH)
    assert bad.value.reason == "warrant_signatures"
    assert office.openings.waiting(CLINIC.venue_id, "") == []
    with pytest.raises(AuthorityRefused) as unanswered:
        office.read(warrant)
    assert unanswered.value.reason == "warrant_unanswered"


def test_only_supervisors_of_the_province_touch_warrants(office: Office) -> None:
    """Others are told that there is none, or that it is not for them."""
    warrant = office.approved()
    office.answer(warrant, [office.sealed()])
    for actor, reason in (
        (Actor("chi", "01", "issuer"), "forbidden"),
        (Actor("dung", "79", "admin"), "warrant_unknown"),
    ):
        with pytest.raises(AuthorityRefused) as refused:
            office.read(warrant, actor)
        assert refused.value.reason == reason
    assert office.warrants.all(Actor("dung", "79", "admin")) == []


def test_who_approved_reads_nothing(office: Office) -> None:
    """Two have agreed that the one who asked may read."""
    warrant = office.approved()
    office.answer(warrant, [office.sealed()])
    with pytest.raises(AuthorityRefused) as refused:
        office.read(warrant, BINH)
    assert refused.value.reason == "warrant_reader"
    assert len(office.read(warrant, Actor("", "*", "admin")).contacts) == 1


def test_how_far_a_warrant_has_come(office: Office) -> None:
    """Drafted, it is nothing yet; then each step shows, with the words that were signed."""
    life = timedelta(hours=48)
    asked = office.warrants.drafted(
        CLINIC.venue_id, NOW - timedelta(hours=2), NOW, "F0-118", "Luật", life, AN
    )
    assert words_of(draft_of(asked)) == asked
    assert office.warrants.all(AN) == []

    def state() -> str:
        (stored,) = office.warrants.all(AN)
        view = office.warrants.view(stored)
        assert view.words == asked
        return view.state

    office.warrants.request(write_warrant(asked, ASKING), AN)
    assert state() == "requested"
    office.warrants.approve(asked.warrant_id, write_warrant(asked, APPROVING), BINH)
    assert state() == "approved"
    office.clock.advance(life.total_seconds())
    assert state() == "expired"
    office.openings.take(CLINIC.venue_id, "", asked.warrant_id, 0, [], last=True)
    assert state() == "answered"


def test_a_place_can_answer_only_what_it_was_asked(office: Office) -> None:
    """Not for another place, and not rows of another day; twice changes nothing."""
    warrant = office.approved()
    released = release(office.sealed(), CLINIC.venue_id, VENUE_KEY)

    def reason(venue: bytes, part: int, rows: Sequence[ReleasedContact]) -> str:
        with pytest.raises(AuthorityRefused) as refused:
            office.openings.take(venue, "", warrant.warrant_id, part, rows, last=True)
        return refused.value.reason

    assert reason(b"x" * 16, 0, [released]) == "warrant_unknown"
    earlier = replace(released, slot=released.slot - 4 * 24)
    assert reason(CLINIC.venue_id, 0, [earlier]) == "rows_outside"
    assert reason(CLINIC.venue_id, 0, [released] * (PART_ROWS + 1)) == "rows_outside"
    assert reason(CLINIC.venue_id, 1000, [released]) == "rows_outside"
    assert reason(CLINIC.venue_id, -1, [released]) == "rows_outside"
    office.take(warrant, [released])
    office.take(warrant, [released])
    assert len(office.read(warrant).contacts) == 1


def test_a_busy_day_comes_in_parts_and_a_row_is_read_once(office: Office) -> None:
    """A kiosk that was killed begins anew: what came twice is told once."""
    warrant = office.approved()
    one = release(office.sealed(), CLINIC.venue_id, VENUE_KEY)
    many = [replace(one, row_id=os.urandom(16)) for _ in range(PART_ROWS + 1)]
    office.openings.take(CLINIC.venue_id, "", warrant.warrant_id, 0, many[:PART_ROWS], last=False)
    assert office.openings.waiting(CLINIC.venue_id, "")
    office.take(warrant, [many[0], *many])
    assert not office.openings.waiting(CLINIC.venue_id, "")
    assert len(office.read(warrant).contacts) == len(many)


def test_a_stick_brings_what_a_network_does(office: Office) -> None:
    """The file of the warrant goes to the kiosk, the answer comes back; a second time adds none."""
    warrant = office.warrant()
    office.warrants.request(write_warrant(warrant, ASKING), AN)
    with pytest.raises(AuthorityRefused) as refused:
        office.warrants.file(warrant.warrant_id, AN)
    assert refused.value.reason == "warrant_unapproved"
    office.warrants.approve(warrant.warrant_id, write_warrant(warrant, APPROVING), BINH)
    data = office.warrants.file(warrant.warrant_id, AN)
    assert read_warrant(data, TRUST, NOW, CLINIC.venue_id) == warrant
    rows = (release(office.sealed(), CLINIC.venue_id, VENUE_KEY),)
    answer = read_answer(write_answer(WarrantAnswer(warrant.warrant_id, "", rows)))
    assert office.openings.take_file(answer, AN) == 1
    assert office.openings.take_file(answer, AN) == 0
    assert [contact for _, contact in office.read(warrant).contacts] == [ANH]


def test_nobody_reads_names_without_saying_why(office: Office) -> None:
    """The purpose is asked for first, and stands in the trail."""
    warrant = office.approved()
    office.answer(warrant, [office.sealed()])
    for purpose in ("", "  \n", "x" * 201):
        with pytest.raises(AuthorityRefused) as refused:
            office.openings.open(warrant.warrant_id, purpose, AN)
        assert refused.value.reason == "warrant_purpose"
    office.read(warrant)
    entry = list(office.entries.walk())[-1]
    assert (entry.action, entry.actor) == ("warrant_read", "an")
    assert entry.detail["purpose"] == "gọi F1"
    assert "Nguy" not in f"{entry.detail}"


@pytest.mark.parametrize(
    ("before", "reason"),
    [(timedelta(hours=-1), "warrant_ahead"), (timedelta(days=22), "warrant_too_old")],
)
def test_a_register_is_asked_for_while_it_can_be_read(
    office: Office, before: timedelta, reason: str
) -> None:
    """Neither for time to come nor for days whose keys are gone."""
    now = office.clock.now()
    warrant = replace(office.warrant(), start=now - before - timedelta(hours=2), end=now - before)
    with pytest.raises(AuthorityRefused) as refused:
        office.warrants.request(write_warrant(warrant, ASKING), AN)
    assert refused.value.reason == reason


def test_rows_that_somebody_made_up_are_counted_not_believed(office: Office) -> None:
    """A row that does not open is left out, and its number told."""
    warrant = office.approved()
    good = release(office.sealed(), CLINIC.venue_id, VENUE_KEY)
    moved = replace(good, row_id=b"2" * 16, slot=good.slot - 1)
    unknown = replace(good, row_id=b"3" * 16, day_key_id=bytes(8))
    office.take(warrant, [moved, good, unknown])
    opened = office.read(warrant)
    assert len(opened.contacts) == 1
    assert opened.unreadable == 2


def test_what_the_place_sent_is_erased(office: Office) -> None:
    """A week after the warrant expired it cannot be read any more."""
    warrant = office.approved()
    office.answer(warrant, [office.sealed()])
    office.clock.advance((timedelta(hours=48) + READ_FOR).total_seconds())
    office.openings.forget()
    with pytest.raises(AuthorityRefused) as refused:
        office.read(warrant)
    assert refused.value.reason == "warrant_over"


def test_after_three_weeks_nothing_opens_a_register_not_even_a_backup(
    office: Office, tmp_path: Path
) -> None:
    """Kiosk's rows kept, authority restored from the day itself: the key of the day is gone."""
    row = office.sealed()
    databases = {
        "registrar": Database(registry_tables.LAYOUT, office.folder / "registry.db"),
        "publisher": Database(exposure_tables.LAYOUT, office.folder / "authority.db"),
    }
    backup = tmp_path / "backup"
    write_backup(backup, open_folder(office.folder), databases, b"words", NOW, os.urandom)
    key_id, private = row.day_key_id, office.days.private(row.day_key_id)
    assert private is not None
    assert private not in backup.read_bytes()

    office.clock.advance((KEPT + timedelta(days=1)).total_seconds())
    office.ring.tidy()
    assert office.days.private(key_id) is None
    restored = tmp_path / "restored"
    with backup.open("rb") as file:
        restore_backup(
            file,
            restored,
            b"words",
            lambda folder: {
                "registrar": Database(registry_tables.LAYOUT, folder.registry_db),
                "publisher": Database(exposure_tables.LAYOUT, folder.authority_db),
            },
            None,
        )
    assert not (restored / day_keys.FOLDER).exists()
    assert private not in b"".join(
        path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()
    )
    released = release(row, CLINIC.venue_id, VENUE_KEY)
    assert FolderDayKeys(restored).private(released.day_key_id) is None


def test_keys_are_made_ahead_and_destroyed_in_time(office: Office) -> None:
    """Fourteen days ahead; each goes on the 22nd day after its own, neither sooner nor later."""
    today = day_number(NOW)
    assert sorted(office.days.public()) == [*range(today, today + AHEAD.days + 1)]
    office.clock.advance(KEPT.total_seconds())
    office.ring.tidy()
    assert min(office.days.public()) == today
    office.clock.advance(timedelta(days=1).total_seconds())
    office.ring.tidy()
    assert min(office.days.public()) == today + 1


def test_kiosks_are_told_of_today_and_the_days_ahead(office: Office) -> None:
    """Within a day by the same bytes; each key opens by its own private one."""
    data = office.ring.published()
    office.clock.advance(3600)
    assert office.ring.published() == data
    keys = read_day_keys(data, TRUST, NOW).keys
    assert min(keys) == day_number(NOW)
    assert all(office.days.private(key_id_of(key)) is not None for key in keys.values())


def test_a_key_that_others_can_read_is_not_used(office: Office) -> None:
    """The files are their owner's alone."""
    (office.folder / day_keys.FOLDER / f"{day_number(NOW)}.key").chmod(0o644)
    with pytest.raises(BadConfig, match="Others can read"):
        office.days.public()


def test_of_several_who_make_the_key_of_a_day_one_does(tmp_path: Path) -> None:
    """A server's workers and a command at once: what was published first is what stays."""
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: _made(tmp_path), range(16)))
    assert len(set(made)) == 1
    assert [path.name for path in (tmp_path / day_keys.FOLDER).iterdir()] == ["20779.key"]


def _made(folder: Path) -> bytes:
    store = FolderDayKeys(folder)
    store.make(20_779)
    return store.public()[20_779]
