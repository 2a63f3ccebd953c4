"""What is due to go is gone from the files, byte by byte."""

import random
import sqlite3
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bluezone_node.errors import DatabaseUnusable
from bluezone_node.node.checkin import settle_visits
from bluezone_node.ports import StoredVisit
from bluezone_node.store.node import SqliteNodeStore, open_node_store
from bluezone_node.store.node.permissions import companions
from bluezone_node.venues.visits import Seen, arrive
from tests.lives import Life, on_disk
from tests.venues.places import card_of

START = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WEEK = timedelta(days=7)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "node.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteNodeStore]:
    with open_node_store(path) as opened:
        yield opened


@pytest.mark.slow
def test_forgotten_secrets_are_nowhere_in_the_files(path: Path, store: SqliteNodeStore) -> None:
    """Two days of life, forgotten piece by piece: never a byte of what was due."""
    life = Life(store, random.Random(1))
    hours = [START + n * HOUR for n in range(48)]
    for hour in hours:
        life.hour(hour, people=12)
    written = life.found(path)
    assert written > 1000
    for number in (3, 4, 5, 11, 30, 31, 46):
        limit = hours[number] + HOUR
        store.forget(limit)
        assert life.found(path, before=limit) == 0
        life.secrets = {hour: kept for hour, kept in life.secrets.items() if hour >= limit}
        life.hour(hours[-1] + number * HOUR, people=12)
        assert life.found(path) > 0


def test_before_it_is_forgotten_it_is_there(path: Path, store: SqliteNodeStore) -> None:
    """The search finds what was written: in the write-ahead log until it is forgotten."""
    life = Life(store, random.Random(2))
    life.hour(START, people=3)
    wal, _ = companions(path)
    secret = life.secrets[START][0]
    assert secret in wal.read_bytes()
    store.forget(START + HOUR)
    assert wal.stat().st_size == 0
    assert life.found(path) == 0


def test_what_is_not_due_survives(path: Path, store: SqliteNodeStore) -> None:
    """Wiping one hour damages nothing of the next."""
    life = Life(store, random.Random(3))
    for number in range(6):
        life.hour(START + number * HOUR, people=20)
    later = START + 3 * HOUR
    before = list(store.encounters(later, later + 9 * HOUR))
    assert store.forget(later) > 0
    assert list(store.encounters(START, START + 9 * HOUR)) == before
    assert store._database.rows("PRAGMA integrity_check") == [("ok",)]


def test_an_erased_database_holds_nothing(path: Path, store: SqliteNodeStore) -> None:
    """Not one secret, and the file is as small as a new one."""
    with open_node_store(path.with_name("new.db")):
        pass
    life = Life(store, random.Random(4))
    for number in range(5):
        life.hour(START + number * HOUR, people=10)
        life.visit(START + number * HOUR)
    store.erase()
    assert life.found(path) == 0
    assert path.stat().st_size <= path.with_name("new.db").stat().st_size


def test_visits_outlast_the_log_by_a_week_and_are_gone_then(
    path: Path, store: SqliteNodeStore
) -> None:
    """Twenty-one days for where somebody was; then no name and no tag is in the files."""
    life = Life(store, random.Random(7))
    for day in range(3):
        life.visit(START + day * DAY)
    assert store.forget(START + WEEK) == 0
    assert store.forget(START + 2 * DAY + WEEK) == 2
    assert life.found(path, before=START + 2 * DAY) == 0
    assert len(store.visits()) == 1


def test_visits_that_their_owner_forgets_are_gone_at_once(
    path: Path, store: SqliteNodeStore
) -> None:
    """One, or all."""
    life = Life(store, random.Random(8))
    for day in range(3):
        life.visit(START + day * DAY)
    assert life.found(path) == 6
    assert store.forget_visits([1, 99]) == 1
    assert life.found(path) == 4
    assert store.forget_visits() == 2
    assert life.found(path) == 0


def test_a_reader_delays_the_wiping_and_this_is_said(path: Path, store: SqliteNodeStore) -> None:
    """While someone reads, old pages must stay: forget raises, and the next one wipes them."""
    life = Life(store, random.Random(5))
    life.hour(START, people=3)
    store._database._connection.execute("PRAGMA busy_timeout = 50")
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM encounter").fetchone()
    with pytest.raises(DatabaseUnusable, match="another program is reading"):
        store.forget(START + HOUR)
    assert store.own_keys() == []
    assert life.found(path) > 0
    reader.close()
    assert store.forget(START + HOUR) == 0
    assert life.found(path) == 0


def test_an_open_iterator_of_the_store_does_not_delay_it(
    path: Path, store: SqliteNodeStore
) -> None:
    """Reading page by page, a slow consumer holds nothing."""
    life = Life(store, random.Random(6))
    life.hour(START, people=9)
    rows = store.encounters(START, START + HOUR)
    next(rows)
    store.forget(START + HOUR)
    assert life.found(path) == 0


def test_the_name_of_a_private_visit_goes_with_its_end(path: Path, store: SqliteNodeStore) -> None:
    """Neither name nor card is in the files afterwards, however often the row was written."""
    signed, name = card_of(), "Phòng khám Hạnh Phúc"
    [(_, visit)] = arrive((), Seen(START, name, signed, private=True))
    rows = store.change_visits(lambda _: [StoredVisit(0, visit)] * 40)
    for party in range(1, 30):
        grown = [replace(row, visit=replace(row.visit, party=party)) for row in rows]
        store.change_visits(lambda _, grown=grown: grown)  # type: ignore[misc]
    assert name.encode() in on_disk(path)
    settle_visits(store, START + DAY)
    store.forget(START)
    files = on_disk(path)
    assert name.encode() not in files
    assert b64encode(signed.cose)[:32] not in files
    assert len(store.visits()) == 40
