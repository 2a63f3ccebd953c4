"""What is due to go is gone from the files, byte by byte."""

import random
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bluezone_node.crypto.keys import TemporaryExposureKey
from bluezone_node.errors import DatabaseUnusable
from bluezone_node.intervals import interval_at
from bluezone_node.ports import ExportRecord, ExportState, MatchedKey, Report
from bluezone_node.proximity.model import DiagnosisKey, Encounter, HeardScan, RssiHistogram, Scan
from bluezone_node.store.node import SqliteNodeStore, open_node_store
from bluezone_node.store.node.permissions import companions

START = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "node.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteNodeStore]:
    with open_node_store(path) as opened:
        yield opened


def on_disk(path: Path) -> bytes:
    """Every byte of the database and its companions."""
    files = (path, *companions(path))
    return b"".join(file.read_bytes() for file in files if file.exists())


@dataclass
class Life:
    """Some people around one node, and every secret that it wrote, by the hour."""

    store: SqliteNodeStore
    chance: random.Random
    secrets: dict[datetime, list[bytes]] = field(default_factory=dict)

    def hour(self, at: datetime, people: int) -> None:
        """Live through one hour: identifiers, own key, an export with matches, a report."""
        secrets = self.secrets.setdefault(at, [])
        for quarter in range(4):
            around = [self._secret(secrets) for _ in range(self.chance.randint(1, people))]
            for minute in range(15):
                start = at + timedelta(minutes=15 * quarter + minute)
                encounters = [
                    Encounter(
                        person,
                        person[:4],
                        (HeardScan(start + timedelta(seconds=person[0] % 60), 60, self._levels()),),
                    )
                    for person in around
                ]
                self.store.log(encounters, [Scan(start, 60, 60, 1, 1)])
        interval = interval_at(at)
        key = TemporaryExposureKey(self._secret(secrets), interval, 6)
        self.store.add_own_key(key)
        successor = TemporaryExposureKey(self._secret(secrets), interval, 6)
        shortened = TemporaryExposureKey(key.key, interval, 2)
        self.store.retire_own_key(key, shortened, successor)
        matched = [
            MatchedKey(DiagnosisKey(self._secret(earlier), interval_at(hour), 6), "vn", "x")
            for hour, earlier in self.secrets.items()
            for _ in range(self.chance.randint(0, 3))
        ]
        line = ExportRecord("vn", at.isoformat(), ExportState.MATCHED, at)
        self.store.record_export(line, matched, [])
        report = Report(
            id=0,
            started=at,
            token=self._text_secret(secrets),
            report_type="confirmed",
            onset=None,
            hmac_secret=self._secret(secrets),
            keys=(shortened,),
        )
        number = self.store.save_report(report)
        # A certificate long enough to spill over into pages of its own.
        certificate = self.chance.randbytes(3000).hex()
        secrets += (certificate[at : at + 32].encode() for at in (0, 1000, 4000, 5968))
        self.store.save_report(
            Report(number, at, report.token, "confirmed", None, report.hmac_secret, (), certificate)
        )

    def _secret(self, secrets: list[bytes]) -> bytes:
        secrets.append(self.chance.randbytes(16))
        return secrets[-1]

    def _text_secret(self, secrets: list[bytes]) -> str:
        secrets.append(self.chance.randbytes(16).hex().encode())
        return secrets[-1].decode()

    def _levels(self) -> RssiHistogram:
        return RssiHistogram(tuple((level, self.chance.randint(1, 99)) for level in (-80, -70)))

    def found(self, path: Path, *, before: datetime | None = None) -> int:
        """How many secrets, or those of hours before *before*, stand in the files."""
        files = on_disk(path)
        return sum(
            secret in files
            for hour, secrets in self.secrets.items()
            if before is None or hour < before
            for secret in secrets
        )


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
    life = Life(store, random.Random(4))
    for number in range(5):
        life.hour(START + number * HOUR, people=10)
    store.erase()
    assert life.found(path) == 0
    assert path.stat().st_size < 100_000


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
