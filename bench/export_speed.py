"""How fast stored keys become a signed file, and in how much memory.

    python -m bench.export_speed

One window of 500 000 keys through the exporter — rows, messages, hash, deflate, signature, a file
on disk — from SQLite and, where it is installed, from PostgreSQL.  Keys a second are of processor
time of the exporting process, with the time on the wall beside it; memory is the peak of the
process, for this window and for one of a tenth.  It fails under 200 000 keys/s.
"""

import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from sqlalchemy import Connection, Engine, event

from bluezone_node.authority.distribution.exporter import Exporter
from bluezone_node.authority.ports.exposures import Exposure
from bluezone_node.authority.ports.windows import ExportBatch
from bluezone_node.authority.settings import ExportSettings
from bluezone_node.clock import SimClock
from bluezone_node.crypto.signing import PrivateKey, generate_private_key
from bluezone_node.intervals import to_unix
from bluezone_node.store.authority import exposure_tables
from bluezone_node.store.authority.database import Database, writing
from bluezone_node.store.authority.exposure_rows import add
from bluezone_node.store.authority.postgres import parse_url
from bluezone_node.store.authority.shelf import FolderShelf
from bluezone_node.store.authority.windows import SqlWindows
from tests import postgres

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
FEW, MANY = 50_000, 500_000
WANTED = 200_000
"""Keys a second, of one process."""
MOST_GROWTH = 8_000_000
"""Bytes that ten times the keys may cost beside the keys themselves, which take no room: buffers
of the database and of the allocator."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What exporting one window took."""

    closing: float
    """Seconds for which publications had to wait, while the window was closed."""
    cpu: float
    wall: float
    peak: int
    """Bytes of memory, of the whole process."""
    size: int
    """Bytes of the file."""


class OneKey:
    """`ExportKeys` of one key."""

    def usable(self, now: datetime) -> dict[str, PrivateKey]:
        return {"v1": generate_private_key(bytes(range(48)))}


class _Waits:
    """Watches for how long a transaction keeps publications waiting."""

    def __init__(self, engine: Engine) -> None:
        self.longest = 0.0
        self._began = 0.0
        event.listen(engine, "begin", self._begin)
        event.listen(engine, "commit", self._end)

    def _begin(self, connection: Connection) -> None:
        self._began = time.perf_counter()

    def _end(self, connection: Connection) -> None:
        if connection.get_execution_options().get("writes") == "alone":
            self.longest = max(self.longest, time.perf_counter() - self._began)


def export(file: Path, url: str) -> Measured:
    """Export all that is due from this database, in this process."""
    parsed = parse_url(url) if url else None
    engine = Database(exposure_tables.LAYOUT, file, parsed).open()
    shelf = FolderShelf(file.with_suffix(".exports"))
    settings, store = ExportSettings(), SqlWindows(engine)
    exporter = Exporter(store, shelf, SimClock(NOW), os.urandom, keys=OneKey(), settings=settings)
    window = ExportBatch(NOW - timedelta(hours=8), NOW - timedelta(hours=4), None, MANY)
    waits = _Waits(engine)
    store.draw(window, settings.min_records, lambda _real: ())
    closing = waits.longest
    wall, cpu = time.perf_counter(), time.process_time()
    run = exporter.run()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    assert run.written == 1, run
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return Measured(closing, cpu, wall, peak, sum(shelf.files().values()))


def fill(file: Path, url: str, count: int) -> None:
    """Make a database with one window of *count* keys, as they come in: in no order."""
    engine = Database(exposure_tables.LAYOUT, file, parse_url(url) if url else None).open()
    chance = random.Random(count)
    start = to_unix(NOW) // 86_400 * 144
    for _ in range(count // 10_000):
        some = [
            Exposure(
                key=chance.randbytes(16),
                rolling_start=start - 144 * chance.randrange(1, 15),
                rolling_period=144,
                transmission_risk=2,
                report_type="confirmed",
                days_since_onset=chance.randrange(-3, 11),
                created=NOW - timedelta(hours=chance.randrange(5, 9)),
                owner=chance.randbytes(32),
            )
            for _ in range(10_000)
        ]
        with writing(engine) as db:
            add(db, "", some)
    engine.dispose()


def measured(file: Path, url: str, count: int) -> Measured:
    """Export a window of *count* keys in a process of its own, whose memory is nobody else's."""
    fill(file, url, count)
    child = [sys.executable, "-m", "bench.export_speed", str(file), url]
    done = subprocess.run(child, check=True, capture_output=True)
    return msgspec.json.decode(done.stdout, type=Measured)


@contextmanager
def databases() -> Iterator[dict[str, list[str]]]:
    """Yield two URLs for each kind of database; those of SQLite are empty."""
    try:
        with postgres.running() as server, server.database() as one, server.database() as other:
            yield {"SQLite": ["", ""], "PostgreSQL": [one, other]}
    except postgres.Unavailable as reason:
        print(f"no PostgreSQL here: {reason}")
        yield {"SQLite": ["", ""]}


def main() -> None:
    slow = []
    with tempfile.TemporaryDirectory() as temporary, databases() as kinds:
        for kind, urls in kinds.items():
            few, many = (
                measured(Path(temporary) / f"{kind}-{count}.db", url, count)
                for url, count in zip(urls, (FEW, MANY), strict=True)
            )
            rate, growth = MANY / many.cpu, many.peak - few.peak
            print(
                f"{kind}: {MANY:,} keys in {many.cpu:.2f} s CPU ({many.wall:.2f} s on the wall), "
                f"{rate:,.0f} keys/s, {many.size / MANY:.1f} bytes a key; peak memory "
                f"{few.peak / 1e6:.1f} MB with {FEW:,} keys, {many.peak / 1e6:.1f} MB with "
                f"{MANY:,}; closing the window keeps publications waiting for "
                f"{few.closing * 1e3:.1f} and {many.closing * 1e3:.1f} ms"
            )
            if rate < WANTED or growth > MOST_GROWTH:
                slow.append(kind)
    if slow:
        sys.exit(f"too slow, or too large: {', '.join(slow)}")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        sys.stdout.buffer.write(msgspec.json.encode(export(Path(sys.argv[1]), sys.argv[2])))
    else:
        main()
