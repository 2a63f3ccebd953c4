"""The log by minutes: how well this node listened in each, and what it heard.

A minute is one row, appended once.  It comes twice only when the clock was set back; then what
was heard both times is kept, and no more coverage than the minute has.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from sqlite3 import Connection

from bluezone_node.intervals import from_unix, to_unix
from bluezone_node.proximity.model import SCAN_SECONDS, Scan
from bluezone_node.store.node.database import Database
from bluezone_node.store.node.heard import Heard, pack, unpack
from bluezone_node.store.node.tables import Tables, first_second

MINUTES_AT_ONCE = 500
"""Minutes read at once: some 2 MB near 200 people.  Page by page, because an open query would
keep the write-ahead log from being emptied."""


class Coverage(Tables):
    def scans(self, start: datetime, end: datetime) -> list[Scan]:
        rows = self._database.rows(
            "SELECT start, seconds, listened, sightings, others FROM minute"
            " WHERE start >= ? AND start < ? AND seconds > 0 ORDER BY start",
            (first_second(start), first_second(end)),
        )
        return [Scan(from_unix(at), *rest) for at, *rest in rows]


def minute_of(second: int) -> int:
    """Return the Unix second at which the minute of *second* begins."""
    return second - second % SCAN_SECONDS


def write_scans(connection: Connection, scans: Iterable[Scan]) -> None:
    """Append the coverage of *scans*."""
    connection.executemany(
        "INSERT INTO minute (start, seconds, listened, sightings, others) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (start) DO UPDATE SET"
        " seconds = max(seconds, excluded.seconds),"
        " listened = min(listened + excluded.listened, max(seconds, excluded.seconds)),"
        " sightings = sightings + excluded.sightings,"
        " others = others + excluded.others",
        (
            (minute_of(to_unix(s.start)), s.seconds, s.listened, s.sightings, s.foreign)
            for s in scans
        ),
    )


def add_heard(database: Database, connection: Connection, start: int, heard: list[Heard]) -> None:
    """Add *heard* to the minute that begins at Unix second *start*."""
    before = connection.execute("SELECT heard FROM minute WHERE start = ?", (start,)).fetchone()
    if before and before[0]:
        heard = [*unpack(database.seal.open("minute", start, before[0])), *heard]
    put_heard(database, connection, start, heard)


def put_heard(database: Database, connection: Connection, start: int, heard: list[Heard]) -> None:
    """Make *heard* all that was heard in the minute that begins at Unix second *start*."""
    cell = database.seal.close("minute", start, pack(heard)) if heard else None
    connection.execute(
        "INSERT INTO minute (start, heard) VALUES (?, ?)"
        " ON CONFLICT (start) DO UPDATE SET heard = excluded.heard",
        (start, cell),
    )


def read_heard(database: Database, first: int, last: int) -> Iterator[tuple[int, bytes]]:
    """Yield (beginning, what was heard, packed) of each minute of the Unix seconds given."""
    start = minute_of(first)
    while rows := database.rows(
        "SELECT start, heard FROM minute WHERE start >= ? AND start <= ? AND heard IS NOT NULL"
        " ORDER BY start LIMIT ?",
        (start, last, MINUTES_AT_ONCE),
    ):
        yield from ((at, database.seal.open("minute", at, cell)) for at, cell in rows)
        start = rows[-1][0] + 1
