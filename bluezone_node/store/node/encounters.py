"""The log of encounters: only appended to, and read back by time.

A rolling identifier is one row, each scan in which it was heard another.  The scans of one
identifier arrive over many flushes; a small map in memory says which row it has, so that no index
on random identifiers need be written.  After a restart an identifier may get a second row, and
``encounters_with`` joins the two.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from sqlite3 import Connection

from bluezone_node.intervals import from_unix
from bluezone_node.proximity.model import (
    Encounter,
    HeardIdentifier,
    HeardScan,
    IdentifierProtocol,
    RssiHistogram,
    Scan,
)
from bluezone_node.store.node.coverage import log_scans
from bluezone_node.store.node.database import Database, Sync
from bluezone_node.store.node.recent import RecentEncounters
from bluezone_node.store.node.tables import Tables

SLOT_BITS = 20
"""heard_scan.slot = start << 20 | encounter id mod 2^20: no million encounters share a second."""

ROWS_AT_ONCE = 500
"""Encounters read at once: enough to make a query worth it, little to hold."""


@dataclass(frozen=True, slots=True)
class _Row:
    id: int
    protocol: str
    identifier: bytes = field(repr=False)
    metadata: bytes | None = field(repr=False)
    first: int
    last: int


_COLUMNS = "id, protocol, identifier, metadata, first_heard, last_heard"


class Encounters(Tables):
    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._recent = RecentEncounters()

    def log(self, encounters: Iterable[Encounter], scans: Iterable[Scan]) -> None:
        try:
            with self._database.writing(Sync.LATER) as connection:
                heard = [
                    slot
                    for encounter in encounters
                    for slot in _slots(encounter, self._row_of(connection, encounter))
                ]
                connection.executemany(_HEARD, sorted(heard))
                log_scans(connection, scans)
        except BaseException:
            # The map may name rows that were rolled back.
            self._recent.clear()
            raise

    def _row_of(self, connection: Connection, encounter: Encounter) -> int:
        first = int(encounter.scans[0].start.timestamp())
        last = int(encounter.scans[-1].start.timestamp())
        row = self._recent.row_of(encounter, first)
        if row is not None:
            # The identifier is compared because `erase` may have emptied the table since, and
            # the number may belong to someone else now.
            joined = connection.execute(
                "UPDATE encounter SET first_heard = min(first_heard, ?),"
                " last_heard = max(last_heard, ?)"
                " WHERE id = ? AND identifier = ? AND metadata IS ?",
                (first, last, row, encounter.identifier, encounter.metadata),
            )
            if not joined.rowcount:
                row = None
        if row is None:
            row = connection.execute(
                "INSERT INTO encounter (protocol, identifier, metadata, first_heard, last_heard)"
                " VALUES (?, ?, ?, ?, ?)",
                (encounter.protocol.value, encounter.identifier, encounter.metadata, first, last),
            ).lastrowid
            assert row is not None  # noqa: S101 - an INSERT always has one
        self._recent.put(encounter, row, last)
        return row

    def heard_identifiers(self, protocol: IdentifierProtocol) -> Iterator[HeardIdentifier]:
        # Page by page: an open query would keep the write-ahead log from being emptied.
        after = 0
        while True:
            rows = self._database.rows(
                "SELECT id, identifier, first_heard, last_heard FROM encounter"
                " WHERE id > ? AND protocol = ? ORDER BY id LIMIT 5000",
                (after, protocol.value),
            )
            for _, identifier, first, last in rows:
                yield HeardIdentifier(identifier, first, last)
            if not rows:
                return
            after = rows[-1][0]

    def encounters_with(
        self, protocol: IdentifierProtocol, identifiers: Iterable[bytes]
    ) -> list[Encounter]:
        wanted = list(set(identifiers))
        found: list[_Row] = []
        # Each turn reads the whole table (some 50 ms for 200,000 rows), for as many identifiers
        # as any SQLite takes parameters.
        for at in range(0, len(wanted), 30_000):
            some = wanted[at : at + 30_000]
            marks = ",".join("?" * len(some))
            rows = self._database.rows(
                f"SELECT {_COLUMNS} FROM encounter WHERE identifier IN ({marks}) AND protocol = ?",  # noqa: S608
                (*some, protocol.value),
            )
            found += [_Row(*row) for row in rows]
        found.sort(key=lambda row: (row.first, row.id))
        return _joined(self._read(found))

    def encounters(self, start: datetime, end: datetime) -> Iterator[Encounter]:
        ids = self._database.rows(
            "SELECT id FROM encounter WHERE first_heard >= ? AND first_heard < ?"
            " ORDER BY first_heard, id",
            (ceil(start.timestamp()), ceil(end.timestamp())),
        )
        for at in range(0, len(ids), ROWS_AT_ONCE):
            some = [id_ for (id_,) in ids[at : at + ROWS_AT_ONCE]]
            marks = ",".join("?" * len(some))
            rows = self._database.rows(
                f"SELECT {_COLUMNS} FROM encounter WHERE id IN ({marks}) ORDER BY first_heard, id",  # noqa: S608
                some,
            )
            yield from self._read([_Row(*row) for row in rows])

    def _read(self, rows: Sequence[_Row]) -> Iterator[Encounter]:
        for together in _overlapping(rows):
            scans = self._scans_of(together)
            for row in together:
                if heard := scans.get(row.id):
                    yield Encounter(
                        row.identifier,
                        row.metadata,
                        tuple(heard),
                        IdentifierProtocol(row.protocol),
                    )

    def _scans_of(self, rows: Sequence[_Row]) -> dict[int, list[HeardScan]]:
        first, last = min(row.first for row in rows), max(row.last for row in rows)
        marks = ",".join("?" * len(rows))
        heard = self._database.rows(
            "SELECT encounter_id, start, seconds, rssi FROM heard_scan"  # noqa: S608
            f" WHERE slot >= ? AND slot < ? AND encounter_id IN ({marks}) ORDER BY slot",
            (first << SLOT_BITS, last + 1 << SLOT_BITS, *(row.id for row in rows)),
        )
        scans: dict[int, list[HeardScan]] = {}
        for row, start, seconds, rssi in heard:
            scan = HeardScan(from_unix(start), seconds, RssiHistogram.from_bytes(rssi))
            scans.setdefault(row, []).append(scan)
        return scans


# A slot that is taken was heard twice (the clock was set back): both histograms are kept, and
# reading adds up the counts of a level that stands twice.
_HEARD = """
INSERT INTO heard_scan (slot, encounter_id, seconds, rssi) VALUES (?, ?, ?, ?)
ON CONFLICT (slot) DO UPDATE SET
  seconds = max(seconds, excluded.seconds), rssi = CAST(rssi || excluded.rssi AS BLOB)
"""


def _slots(encounter: Encounter, row: int) -> Iterator[tuple[int, int, int, bytes]]:
    low = row & (1 << SLOT_BITS) - 1
    for scan in encounter.scans:
        slot = int(scan.start.timestamp()) << SLOT_BITS | low
        yield slot, row, scan.seconds, scan.rssi.to_bytes()


def _overlapping(rows: Sequence[_Row]) -> Iterator[list[_Row]]:
    """Cut *rows*, ascending by first hearing, into runs whose times touch one another.

    One query reads the scans of a run; across a gap of days it would read everyone else's too.
    """
    run: list[_Row] = []
    last = 0
    for row in rows:
        if run and (row.first > last or len(run) == ROWS_AT_ONCE):
            yield run
            run, last = [], 0
        run.append(row)
        last = max(last, row.last)
    if run:
        yield run


def _joined(encounters: Iterable[Encounter]) -> list[Encounter]:
    """Make one encounter of the rows of one identifier, in order of first hearing."""
    joined: dict[tuple[bytes, bytes | None], dict[datetime, HeardScan]] = {}
    protocol = IdentifierProtocol.GAEN
    for encounter in encounters:
        protocol = encounter.protocol
        scans = joined.setdefault((encounter.identifier, encounter.metadata), {})
        for scan in encounter.scans:
            known = scans.get(scan.start)
            scans[scan.start] = scan if known is None else _both(known, scan)
    return [
        Encounter(identifier, metadata, tuple(scans[at] for at in sorted(scans)), protocol)
        for (identifier, metadata), scans in joined.items()
    ]


def _both(one: HeardScan, other: HeardScan) -> HeardScan:
    return HeardScan(one.start, max(one.seconds, other.seconds), one.rssi + other.rssi)
