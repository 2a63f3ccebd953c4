"""The register at a kiosk: what it keeps, who opens it, and what is left after three weeks."""

import os
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from bluezone_node.clock import SimClock
from bluezone_node.crypto.cose import public_bytes, sign
from bluezone_node.errors import BadConfig, BadInput
from bluezone_node.node.kiosk.register import DAYS, KEPT, TRUST, Register
from bluezone_node.store.node import SqliteNodeStore, open_node_store
from bluezone_node.venues.card import Card, CardFlag, SignedCard, day_number, read_card
from bluezone_node.venues.checkins import Checkin, Way
from bluezone_node.venues.kinds import VenueKind
from bluezone_node.venues.opening import first_broken, link
from bluezone_node.venues.register import (
    Contact,
    DayKeys,
    open_contact,
    row_id_of,
    write_day_keys,
)
from bluezone_node.venues.trust import Role, TrustedKey, TrustList, write_trust_list
from bluezone_node.venues.warrant import Warrant, join, write_warrant
from tests.cuts import killed_at
from tests.lives import on_disk

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)
KEYS = {name: Ed25519PrivateKey.from_private_bytes(name.encode() * 32) for name in "abcrsx"}
ASKING, APPROVING, CARDS, REGISTER, STRANGER, ROOT = (KEYS[name] for name in "abcrsx")
PLACE = X25519PrivateKey.from_private_bytes(b"v" * 32)
DAY_KEY = X25519PrivateKey.from_private_bytes(b"d" * 32)
ANH = Contact("Nguyễn Thị Ánh", "0912345678", 1961)


def trusted(key: Ed25519PrivateKey, role: Role) -> TrustedKey:
    return TrustedKey(public_bytes(key), role, "79", NOW - 99 * DAY, NOW + 99 * DAY)


TRUST_LIST = TrustList(
    1,
    NOW,
    (
        trusted(CARDS, Role.CARDS),
        trusted(REGISTER, Role.REGISTER),
        trusted(ASKING, Role.WARRANT_REQUEST),
        trusted(APPROVING, Role.WARRANT_APPROVE),
    ),
)


def card_with(key: bytes | None, room: str = "") -> SignedCard:
    card = Card(
        b"c" * 16,
        "Phòng khám Hoa Sen",
        4,
        VenueKind.HEALTH_FACILITY,
        b"s" * 16,
        day_number(NOW) - 5,
        day_number(NOW) + 99,
        register_key=key,
        room=room,
        flags=CardFlag.REGISTER_REQUIRED if key else CardFlag(0),
    )
    return read_card(sign(card.encoded(), CARDS))


CLINIC = card_with(PLACE.public_key().public_bytes_raw())


def day_keys(key: Ed25519PrivateKey = REGISTER, days: int = 15) -> bytes:
    public, today = DAY_KEY.public_key().public_bytes_raw(), day_number(NOW)
    return write_day_keys(
        DayKeys("79", NOW, dict.fromkeys(range(today, today + days), public)), key
    )


class Door:
    """A clinic's kiosk with its database."""

    def __init__(self, path: Path) -> None:
        self.clock = SimClock(NOW)
        self.path = path
        self.store = open_node_store(path)
        self.store.put_place_file(DAYS, day_keys())
        self.register = self.opened(self.store)

    def opened(self, store: SqliteNodeStore) -> Register:
        return Register(
            CLINIC,
            PLACE.private_bytes_raw(),
            TRUST_LIST,
            public_bytes(ROOT),
            store,
            self.clock,
            os.urandom,
        )

    def keep(self, contact: Contact, came: datetime, nonce: bytes | None = None) -> None:
        """Let somebody come."""
        row = self.register.seal(contact, came, nonce)
        self.store.add_checkin(Checkin(0, came, Way.ID_CARD), row)

    def warrant(self, hours: float = 4) -> Warrant:
        now = self.clock.now()
        start = now - timedelta(hours=hours)
        end = now + timedelta(minutes=15)
        basis = "Luật Phòng, chống bệnh truyền nhiễm 2007"
        return Warrant(os.urandom(16), b"c" * 16, start, end, "F0-118", basis, now, now + 2 * DAY)


def file_of(warrant: Warrant, asking: Ed25519PrivateKey = ASKING) -> bytes:
    return join([write_warrant(warrant, asking), write_warrant(warrant, APPROVING)])


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    door = Door(tmp_path / "state" / "node.db")
    yield door
    door.store.close()


def reason_of(door: Door, file: bytes) -> str:
    with pytest.raises(BadInput) as refused:
        door.register.open(file)
    assert door.register.openings() == []
    return refused.value.reason


def test_a_warrant_releases_the_rows_of_its_window_and_no_others(door: Door) -> None:
    """Who came in the morning stays closed; what leaves, the authority alone can read."""
    door.keep(replace(ANH, name="Buổi sáng"), NOW - timedelta(hours=6))
    door.keep(ANH, NOW, b"pass one")
    opened = door.register.open(file_of(door.warrant()))
    (row,) = opened.answer.rows
    assert row.row_id == row_id_of(b"pass one")
    assert open_contact(row, DAY_KEY) == ANH
    with pytest.raises(BadInput):
        open_contact(row, PLACE)
    assert opened.unreadable == 0


def test_nothing_but_a_sound_warrant_opens_anything(door: Door) -> None:
    """Of another place, expired, of one person or of strangers: refused, and not in the log."""
    door.keep(ANH, NOW)
    warrant = door.warrant()
    assert reason_of(door, file_of(replace(warrant, venue_id=b"e" * 16))) == "warrant_elsewhere"
    old = replace(warrant, issued=NOW - 3 * DAY, expires=NOW)
    assert reason_of(door, file_of(old)) == "warrant_expired"
    one = write_warrant(warrant, ASKING)
    assert reason_of(door, join([one, one])) == "warrant_signatures"
    assert reason_of(door, join([one, write_warrant(warrant, STRANGER)])) == "warrant_signatures"


def test_officers_of_another_province_open_nothing_here(door: Door) -> None:
    """The place's is that of the key that signed its card; who works for all may."""
    door.keep(ANH, NOW)
    for province, reason in (("01", "warrant_elsewhere"), ("*", "")):
        keys = tuple(
            replace(key, province=province) if key.role >= Role.WARRANT_REQUEST else key
            for key in TRUST_LIST.keys
        )
        trust = TrustList(3 if reason else 4, NOW, keys)
        door.store.put_place_file(TRUST, write_trust_list(trust, ROOT))
        if reason:
            assert reason_of(door, file_of(door.warrant())) == reason
    assert len(door.register.open(file_of(door.warrant())).answer.rows) == 1


def test_no_register_is_opened_for_time_to_come(door: Door) -> None:
    """Else one entry of the log would stand for all who come until the warrant is over."""
    ahead = replace(door.warrant(), end=NOW + timedelta(minutes=16))
    assert reason_of(door, file_of(ahead)) == "warrant_ahead"


def test_an_officer_whose_key_was_revoked_opens_nothing(door: Door) -> None:
    """The newest list that was fetched counts, not the one that came with the kiosk."""
    keys = tuple(
        replace(key, revoked=NOW) if key.role is Role.WARRANT_APPROVE else key
        for key in TRUST_LIST.keys
    )
    door.store.put_place_file(TRUST, write_trust_list(TrustList(2, NOW, keys), ROOT))
    assert reason_of(door, file_of(door.warrant())) == "warrant_signatures"


def test_an_officer_of_later_opens_after_the_next_sync(door: Door) -> None:
    """Their key is on the newest list, not on the one that came with the kiosk; an older list in
    the store, or one that another root signed, brings nobody."""
    later = trusted(STRANGER, Role.WARRANT_REQUEST)
    file = file_of(door.warrant(), asking=STRANGER)
    assert reason_of(door, file) == "warrant_signatures"
    grown = replace(TRUST_LIST, keys=(*TRUST_LIST.keys, later))
    for content in (
        write_trust_list(grown, ROOT),
        write_trust_list(replace(grown, sequence=2), STRANGER),
    ):
        door.store.put_place_file(TRUST, content)
        assert reason_of(door, file) == "warrant_signatures"
    door.store.put_place_file(TRUST, write_trust_list(replace(grown, sequence=2), ROOT))
    door.register.open(file)


def test_a_list_that_the_root_did_not_sign_changes_nothing(door: Door) -> None:
    """Nor does one that is older than the one that came with the kiosk."""
    door.store.put_place_file(TRUST, write_trust_list(TrustList(2, NOW, ()), STRANGER))
    door.register.open(file_of(door.warrant()))


def test_an_opening_is_noted_once_however_often_it_is_tried(door: Door) -> None:
    """Killed before it was sent, the kiosk begins anew: the same rows, one entry."""
    door.keep(ANH, NOW)
    file = file_of(door.warrant())
    first = door.register.open(file)
    door.store.close()
    door.store = open_node_store(door.path)
    again = door.opened(door.store)
    assert again.open(file).answer == first.answer
    (entry,) = again.openings()
    assert (entry.rows, entry.warrant) == (1, first.warrant)
    assert entry.file == file


def test_the_log_shows_what_was_changed_in_it(door: Door) -> None:
    """An entry changed, left out or put elsewhere breaks the chain there."""
    for _ in range(3):
        door.register.open(file_of(door.warrant()))
        door.clock.advance(60)
    log = door.register.openings()
    assert first_broken(log) is None
    assert first_broken([log[0], replace(log[1], rows=7), log[2]]) == 2
    assert first_broken([log[0], replace(log[1], at=NOW - DAY), log[2]]) == 2
    assert first_broken([log[0], replace(log[1], file=log[0].file), log[2]]) == 2
    assert first_broken([log[0], log[2]]) == 2
    assert first_broken([replace(log[0], rows=7), *log[1:]]) == 1
    assert first_broken([replace(log[0], before=bytes(32)), *log[1:]]) == 1
    assert first_broken([replace(log[1], rows=7), log[2]]) == 2


def test_the_log_ends_after_two_years(door: Door) -> None:
    """What is left of it is whole, goes on where it was, and has nothing of what is gone."""
    files = []
    for _ in range(3):
        files.append(file_of(door.warrant()))
        door.register.open(files[-1])
        door.clock.advance(3600)
    door.clock.advance((730 * DAY).total_seconds() - 2.5 * 3600)
    assert door.register.forget() == 0
    log = door.register.openings()
    assert [entry.number for entry in log] == [2, 3]
    door.store.add_opening(link(log[-1], door.clock.now(), b"a warrant", 1))
    log = door.register.openings()
    assert [entry.number for entry in log] == [2, 3, 4]
    assert first_broken(log) is None
    disk = on_disk(door.path)
    assert [file[-64:] in disk for file in files] == [False, True, True]


@pytest.mark.parametrize(
    ("content", "at", "reason"),
    [
        (None, NOW, "day_keys_missing"),
        (day_keys(STRANGER), NOW, "day_keys_forged"),
        (day_keys(ASKING), NOW, "day_keys_forged"),
        (day_keys(), NOW + 15 * DAY, "day_keys_missing"),
        (day_keys(), NOW - DAY, "day_keys_missing"),
        (b"\xa0", NOW, "cose_malformed"),
    ],
    ids=["none", "stranger", "wrong role", "over", "not yet", "noise"],
)
def test_names_are_sealed_to_signed_keys_only(
    door: Door, content: bytes | None, at: datetime, reason: str
) -> None:
    """A key that somebody swapped at the server seals nothing; without one nobody is taken down."""
    door.store.put_place_file(DAYS, content or b"")
    if content is None:
        door.store.put_place_file(DAYS, day_keys(days=0))
    with pytest.raises(BadInput) as refused:
        door.keep(ANH, at)
    assert refused.value.reason == reason
    assert door.store.contacts(range(2**31)) == []


def test_a_week_without_a_network_is_no_hindrance(door: Door) -> None:
    """Day keys come two weeks ahead, and the kiosk says how long they last."""
    assert door.register.days_left() == 15
    door.clock.advance((7 * DAY).total_seconds())
    door.keep(ANH, door.clock.now())
    assert door.register.days_left() == 8
    door.clock.advance((8 * DAY).total_seconds())
    assert door.register.days_left() == 0


@pytest.mark.parametrize("key", [None, b"w" * 32], ids=["none", "another"])
def test_a_kiosk_without_the_key_on_its_card_keeps_no_register(
    door: Door, key: bytes | None
) -> None:
    """It could never open what it seals, and says so before anybody comes."""
    with pytest.raises(BadConfig, match="key of the place's register"):
        Register(CLINIC, key, TRUST_LIST, b"", door.store, door.clock, os.urandom)


def test_a_visitor_without_a_name_is_not_taken_down(door: Door) -> None:
    """A telephone number alone does not do where the law asks for names."""
    with pytest.raises(BadInput) as refused:
        door.keep(Contact("", "0912345678"), NOW)
    assert refused.value.reason == "name_required"


def test_rows_are_gone_from_the_files_after_three_weeks(door: Door) -> None:
    """Neither the row nor a copy that the database left behind is on the disk."""
    chance = random.Random(3)
    for number in range(40):
        door.keep(ANH, NOW + timedelta(minutes=chance.randrange(600)), b"%8d" % number)
    rows = door.store.contacts(range(2**31))
    door.clock.advance((KEPT + timedelta(hours=5)).total_seconds())
    assert 0 < door.register.forget() < 40
    left = {row.outer for row in door.store.contacts(range(2**31))}
    files = b"".join(path.read_bytes() for path in door.path.parent.iterdir())
    assert {row.outer for row in rows if row.outer in files} == left
    door.clock.advance(DAY.total_seconds())
    door.store.forget(door.clock.now() - 14 * DAY)
    files = b"".join(path.read_bytes() for path in door.path.parent.iterdir())
    assert not [row for row in rows if row.outer in files or row.row_id in files]


def test_no_name_stands_in_the_files(door: Door) -> None:
    """Not even of who came a moment ago, in a database that is not encrypted itself."""
    door.keep(ANH, NOW)
    door.register.open(file_of(door.warrant()))
    files = b"".join(path.read_bytes() for path in door.path.parent.iterdir())
    for part in ("Nguyễn Thị Ánh", "912345678"):
        assert part.encode() not in files


def test_a_name_and_its_entry_are_written_together_or_not_at_all(tmp_path: Path) -> None:
    """Cut off before any statement: nobody's name is there who was not entered, nor the reverse."""
    path = tmp_path / "state" / "node.db"
    Door(path).store.close()

    def come(store: SqliteNodeStore) -> None:
        door = Door.__new__(Door)
        door.clock, door.store = SimClock(NOW), store
        door.register = door.opened(store)
        door.keep(ANH, NOW)

    for statement in range(99):
        killed = killed_at(statement, path, come)
        with open_node_store(path) as store:
            entries, names = store.checkins_inside(), store.contacts(range(2**31))
        assert len(entries) == len(names)
        if not killed:
            break
    assert (killed, len(names)) == (False, 1)
