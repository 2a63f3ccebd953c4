"""Killed at any moment, full disk and all: what was acknowledged is there, the rest is whole."""

import random
import resource
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bluezone_node.errors import DatabaseUnusable
from bluezone_node.proximity.model import (
    Encounter,
    HeardScan,
    IdentifierProtocol,
    RssiHistogram,
    Scan,
)
from bluezone_node.store.node import SqliteNodeStore, open_node_store
from tests.cuts import last_acknowledged

START = datetime(2026, 3, 2, tzinfo=UTC)
ROUNDS = 25


def write_minute(store: SqliteNodeStore, number: int) -> None:
    """Log one minute with 40 people, and now and then forget what is four hours old."""
    at = START + timedelta(minutes=number)
    heard = HeardScan(at, 60, RssiHistogram(tuple((level, 9) for level in range(-80, -60))))
    identifiers = [f"{number // 15:08}{person:08}".encode() for person in range(40)]
    encounters = [Encounter(identifier, b"meta", (heard,)) for identifier in identifiers]
    store.log(encounters, [Scan(at, 60, 60.0, 800, 1)])
    if number % 50 == 49:
        store.forget(at - timedelta(hours=4))


def write_minutes(store: SqliteNodeStore, numbers: range) -> None:
    for number in numbers:
        write_minute(store, number)


@pytest.mark.slow
def test_a_kill_at_any_moment_loses_nothing_acknowledged(tmp_path: Path) -> None:
    """25 times killed in the middle of writing, forgetting or checkpointing, and reopened."""
    path = tmp_path / "state" / "node.db"
    chance = random.Random(1)
    following = 0
    for _ in range(ROUNDS):
        acknowledged = last_acknowledged(write_minute, path, following, chance.randint(1, 120))
        with open_node_store(path) as store:
            assert store._database.rows("PRAGMA integrity_check") == [("ok",)]
            end = START + timedelta(minutes=acknowledged + 1)
            scans = store.scans(end - timedelta(hours=3), end)
            assert scans[-1].start == START + timedelta(minutes=acknowledged)
            assert len(scans) == min(acknowledged + 1, 180)
            quarter = f"{acknowledged // 15:08}{39:08}".encode()
            (encounter,) = store.encounters_with(IdentifierProtocol.GAEN, [quarter])
            minutes = {scan.start for scan in encounter.scans}
            first = acknowledged // 15 * 15
            assert minutes >= {START + timedelta(minutes=n) for n in range(first, acknowledged + 1)}
        # The minute that was being written may be there already: writing it again must do no harm.
        following = acknowledged + 1


def test_a_full_disk_is_said_and_survived(tmp_path: Path) -> None:
    """The transaction that does not fit is refused whole; with space again, writing goes on."""
    with open_node_store(tmp_path / "state" / "node.db") as store:
        write_minute(store, 0)
        store._database.shrink()
        (pages,) = store._database.rows("PRAGMA page_count")[0]
        store._database.rows(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(DatabaseUnusable, match="no space left") as caught:
            write_minutes(store, range(1, 100))
        assert "free some space" in caught.value.hint
        written = len(store.scans(START, START + timedelta(days=1)))
        assert 1 <= written < 100
        store._database.rows("PRAGMA max_page_count = 100000")
        write_minute(store, 200)
        write_minute(store, 201)
        assert len(store.scans(START, START + timedelta(days=1))) == written + 2
        assert store._database.rows("PRAGMA integrity_check") == [("ok",)]
        last = f"{200 // 15:08}{7:08}".encode()
        (encounter,) = store.encounters_with(IdentifierProtocol.GAEN, [last])
        assert len(encounter.scans) == 2


def test_a_file_that_may_not_grow_is_said_and_survived(tmp_path: Path) -> None:
    """The kernel's own refusal, not SQLite's: the write-ahead log meets a limit on file size."""
    with open_node_store(tmp_path / "state" / "node.db") as store:
        write_minute(store, 0)
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))
        try:
            with pytest.raises(DatabaseUnusable):
                write_minutes(store, range(1, 100))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        write_minute(store, 200)
        assert store._database.rows("PRAGMA integrity_check") == [("ok",)]


def test_a_writer_that_never_ends_is_named(tmp_path: Path) -> None:
    """After the wait, the sentence says that another program holds the database."""
    path = tmp_path / "state" / "node.db"
    with open_node_store(path) as store:
        store._database._connection.execute("PRAGMA busy_timeout = 20")
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseUnusable, match="held by another program"):
            write_minute(store, 0)
        other.close()
        write_minute(store, 0)
        assert len(store.scans(START, START + timedelta(hours=1))) == 1
