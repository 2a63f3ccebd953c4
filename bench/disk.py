"""How much one hour near 200 people writes to the disk, and how large two weeks of it become.

``python -m bench.disk [FOLDER]``: sixty flushes through ``NodeStore.log`` and one round of
forgetting, on FOLDER's file system (``/var/tmp`` unless told), beside a plain table with an index
on the identifier that is written the same data.

After each flush the files are synced, as the kernel would within the minute, so every page written
again counts again.  Counted are the pages that this process dirtied (``write_bytes``), which
includes the memory-mapped ``-shm``; the file system's own journal is not.
"""

import os
import random
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bluezone_node.intervals import RETENTION
from bluezone_node.proximity.model import Encounter, HeardScan, RssiHistogram, Scan
from bluezone_node.store.node import open_node_store

NEIGHBOURS = 200
ROTATION = 15
"""Minutes that an identifier lasts."""
PACKETS = 240
"""Heard of each neighbour in a minute: four a second."""
NOW = datetime(2026, 3, 20, tzinfo=UTC)
LIMIT = 4.0
"""MB an hour: what the project promises."""

Written = Callable[[], int]


def minute_of(chance: random.Random, minute: int, start: datetime) -> tuple[list[Encounter], Scan]:
    """Return what 200 people let be heard in one minute."""
    at = start + timedelta(minutes=minute)
    encounters = []
    for person in range(NEIGHBOURS):
        turn = random.Random(f"{start} {person} {(minute + person) // ROTATION}")
        levels: dict[int, int] = {}
        for _ in range(PACKETS):
            level = round(chance.gauss(-70, 5))
            levels[level] = levels.get(level, 0) + 1
        scan = HeardScan(
            at + timedelta(seconds=person % 30), 60, RssiHistogram(tuple(sorted(levels.items())))
        )
        encounters.append(Encounter(turn.randbytes(16), turn.randbytes(4), (scan,)))
    return encounters, Scan(at, 60, 60.0, NEIGHBOURS * PACKETS, 1000)


def hours_of(hours: int, start: datetime) -> list[tuple[list[Encounter], Scan]]:
    chance = random.Random(7)
    return [minute_of(chance, minute, start) for minute in range(60 * hours)]


@contextmanager
def written_to(path: Path) -> Iterator[Written]:
    """Yield a function that returns how many bytes reached the disk since it was called last."""
    files = [path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm")]
    # Held open to the end: closing a descriptor would drop SQLite's locks on the file.
    descriptors = [os.open(file, os.O_RDONLY) for file in files]
    before = _dirtied()

    def written() -> int:
        nonlocal before
        for descriptor in descriptors:
            os.fsync(descriptor)
        last, before = before, _dirtied()
        return before - last

    try:
        written()
        yield written
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _dirtied() -> int:
    for line in Path("/proc/self/io").read_text().splitlines():
        name, value = line.split(":")
        if name == "write_bytes":
            return int(value)
    raise SystemExit("this kernel does not account for what a process writes")


def ours(folder: Path) -> tuple[int, int, float]:
    """Return bytes written by an hour of logging and by forgetting one, and kept of an hour."""
    path = folder / "ours" / "node.db"
    with open_node_store(path) as store:
        for encounters, scan in hours_of(2, NOW - RETENTION - timedelta(hours=1)):
            store.log(encounters, [scan])
        store.forget(NOW - RETENTION - timedelta(hours=1))
        before = _bytes_in_use(path)
        with written_to(path) as written:
            logged = 0
            for encounters, scan in hours_of(1, NOW):
                store.log(encounters, [scan])
                logged += written()
            kept = _bytes_in_use(path) - before
            store.forget(NOW - RETENTION)
            return logged, written(), kept


def plain(folder: Path) -> int:
    """Return bytes written by the same hour in a table of scans with an index on identifiers."""
    path = folder / "plain.db"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(
        "CREATE TABLE scan (identifier BLOB, metadata BLOB, start INTEGER, rssi BLOB)"
    )
    connection.execute("CREATE INDEX by_identifier ON scan (identifier)")
    logged = 0
    hours = hours_of(2, NOW)
    _insert(connection, *hours[0])
    with written_to(path) as written:
        for number, (encounters, scan) in enumerate(hours[1:]):
            _insert(connection, encounters, scan)
            if number >= 59:
                logged += written()
            else:
                written()
    connection.close()
    return logged


def _insert(connection: sqlite3.Connection, encounters: list[Encounter], scan: Scan) -> None:
    connection.execute("BEGIN")
    connection.executemany(
        "INSERT INTO scan VALUES (?, ?, ?, ?)",
        (
            (e.identifier, e.metadata, scan.start.timestamp(), e.scans[0].rssi.to_bytes())
            for e in encounters
        ),
    )
    connection.execute("COMMIT")


def _bytes_in_use(path: Path) -> int:
    connection = sqlite3.connect(path)
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    return int((pages - free) * size)


def main() -> None:
    place = sys.argv[1] if len(sys.argv) > 1 else "/var/tmp"
    with tempfile.TemporaryDirectory(dir=place) as folder:
        logged, forgotten, kept = ours(Path(folder))
        beside = plain(Path(folder))
    if not logged:
        raise SystemExit(f"{place} is no disk: nothing was written to it; name another folder")
    total = (logged + forgotten) / 1e6
    print(f"neighbours                    {NEIGHBOURS}, {PACKETS} packets a minute each")
    print(f"logging, 60 flushes           {logged / 1e6:.2f} MB/h")
    print(f"forgetting and checkpoint     {forgotten / 1e6:.2f} MB/h")
    print(f"together                      {total:.2f} MB/h (limit {LIMIT:.0f})")
    print(f"plain rows with an index      {beside / 1e6:.2f} MB/h, without forgetting")
    print(f"ratio, plain : ours           {beside / logged:.1f}")
    print(f"two weeks of it take          {kept * 24 * 14 / 1e6:.0f} MB")
    if total > LIMIT:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
