"""Where somebody was, what a kiosk kept and what was published: gone from the files when due."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bluezone_node.alerts import Alert, AlertKind, AlertLevel, Presence
from bluezone_node.ports import ExportRecord, ExportState, StoredVisit
from bluezone_node.store.node import SqliteNodeStore, erase_database, open_node_store
from bluezone_node.venues.checkins import Checkin, Way
from bluezone_node.venues.head import BundleHead
from bluezone_node.venues.opening import OPENING_RETENTION, link
from bluezone_node.venues.proposals import Proposal
from bluezone_node.venues.register import SealedContact
from bluezone_node.venues.tags import slot_of
from bluezone_node.venues.visits import OutKind, Visit
from tests.lives import on_disk

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DAYS = 40


class Places:
    """Days with a mark of their own in every table of places."""

    def __init__(self, store: SqliteNodeStore) -> None:
        self._store = store
        self._chance = random.Random(1)
        self.marks: dict[datetime, dict[str, bytes]] = {}

    def day(self, at: datetime) -> None:
        store, marks = self._store, self.marks.setdefault(at, {})

        def mark(name: str) -> bytes:
            marks[name] = self._chance.randbytes(16).hex().encode()
            return marks[name]

        for number in range(3):
            label, nonce = mark(f"place {number}").decode(), mark(f"nonce {number}")
            stay = Visit(at, at, label, None, (), None, at + HOUR, OutKind.SCAN)
            store.change_visits(lambda _, stay=stay: [StoredVisit(0, stay)])  # type: ignore[misc]
            store.add_shown_pass(nonce, at)
        store.put_alerts([*self._alerts(), self._alert(at, mark("alert").decode())], at, "places")
        number = len(self.marks)
        head = BundleHead(number, "VN", at, mark("digest"), b"8 bytes!", breaker=False)
        line = ExportRecord("places", mark("file").decode(), ExportState.MATCHED, at)
        store.add_bundle(head, mark("bundle") * 2000, line)
        # These stand in their cells in hexadecimal, as all marks do.
        person, proposal = (bytes.fromhex(mark(each).decode()) for each in ("person", "proposal"))
        store.put_proposals([Proposal(proposal, at, at + HOUR, 9, 9, 9, 9, at)])
        store.add_checkin(
            Checkin(0, at, Way.SLIP, digest=person),
            SealedContact(mark("row"), bytes(32), slot_of(at), bytes(8), mark("contact")),
        )
        log = store.openings()
        store.add_opening(link(log[-1] if log else None, at, mark("warrant") * 20, 1))

    def _alerts(self) -> list[Alert]:
        return [entry.alert for entry in self._store.alerts()]

    def _alert(self, at: datetime, name: str) -> Alert:
        return Alert(
            AlertKind.VENUE,
            at.date(),
            at,
            at + HOUR,
            AlertLevel.HIGH,
            score=60,
            minutes_near=0,
            minutes_middle=0,
            minutes_far=0,
            confidence="high",
            packets=0,
            rules="places",
            report_type="contact",
            subject=str(len(self.marks)),
            presence=Presence(name, 60, "test", proved=False),
        )

    def left(self, path: Path, before: datetime) -> set[str]:
        """Names of the marks of days before that, that stand in the files."""
        files = on_disk(path)
        return {
            name
            for at, marks in self.marks.items()
            if at < before
            for name, mark in marks.items()
            if mark in files
        }


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "node.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteNodeStore]:
    with open_node_store(path) as opened:
        yield opened


@pytest.mark.slow
def test_what_is_due_is_nowhere_in_the_files(path: Path, store: SqliteNodeStore) -> None:
    """Alerts after 14 days, a kiosk's log after two years, all else after 21, day after day."""
    places = Places(store)
    for number in range(DAYS):
        now = START + number * DAY
        places.day(now)
        store.forget(now - 14 * DAY)
        assert places.left(path, now - 23 * DAY) <= {"warrant", "bundle", "digest"}
        assert "alert" not in places.left(path, now - 15 * DAY)
    kept = places.left(path, now + DAY)
    assert kept >= {"place 0", "nonce 2", "alert", "bundle", "digest", "file", "row", "contact"}
    assert len(store.openings()) == DAYS
    assert places.left(path, now - 23 * DAY) == {"warrant"}
    store.forget(START + OPENING_RETENTION - 14 * DAY + 10.5 * DAY)
    assert [entry.number for entry in store.openings()][:1] == [12]
    store.forget(START + OPENING_RETENTION + DAYS * DAY)
    assert places.left(path, now + DAY) <= {"bundle", "digest"}


def test_erasing_leaves_nothing(path: Path, store: SqliteNodeStore) -> None:
    """Not of a single table; also where the database was closed before."""
    places = Places(store)
    for number in range(3):
        places.day(START + number * DAY)
    store.close()
    assert "contact" in places.left(path, START + 9 * DAY)
    erase_database(path)
    assert places.left(path, START + 9 * DAY) == set()
    tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '_sqlite%'"
    with open_node_store(path) as opened:
        for (table,) in opened._database.rows(tables):
            assert opened._database.rows(f"SELECT count(*) FROM {table}") == [(0,)], table
