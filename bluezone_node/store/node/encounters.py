"""The log of encounters: only appended to, and read back by time.

An encounter is one row with its identifier, written when it is first heard; in which minutes it
was heard stands in those minutes (``minutes``).  Which row an identifier has is remembered in
memory, so that no index on random identifiers need be written.  After a restart, or half an hour,
an identifier gets a second row, and ``encounters_with`` joins them.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from sqlite3 import Connection
from typing import NamedTuple

from bluezone_node.intervals import from_unix, to_unix
from bluezone_node.proximity.model import (
    Encounter,
    HeardIdentifier,
    HeardScan,
    IdentifierProtocol,
    RssiHistogram,
    Scan,
)
from bluezone_node.store.node.database import Database
from bluezone_node.store.node.heard import Heard, moments, unpack
from bluezone_node.store.node.minutes import add_heard, minute_of, read_heard, write_scans
from bluezone_node.store.node.recent import ROW_SECONDS, RecentRows, Whose
from bluezone_node.store.node.tables import Tables, first_second, next_row

ROWS_AT_ONCE = 500
"""Encounters read at once with their scans: near 200 people these take some 20 MB."""

IDENTIFIERS_AT_ONCE = 5000
"""Encounters read at once without them: the more, the less often a minute is read twice."""

Scans = dict[datetime, HeardScan]
"""By start, so that what was heard twice in one second (the clock was set back) is added up."""


class _Row(NamedTuple):
    """One row, opened: a tuple, since they are made by the hundred thousand."""

    id: int
    protocol: str
    identifier: bytes
    metadata: bytes | None
    first: int

    def __repr__(self) -> str:
        return f"_Row(id={self.id}, protocol={self.protocol!r}, first={self.first})"


class Encounters(Tables):
    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._recent = RecentRows()

    def log(self, encounters: Iterable[Encounter], scans: Iterable[Scan]) -> None:
        minutes: dict[int, list[Heard]] = defaultdict(list)
        try:
            with self._database.writing() as connection:
                following = next_row(connection, "encounter")
                # In order of time, so that rows leave side by side: `forget` must find no holes.
                for encounter in sorted(encounters, key=lambda heard: heard.scans[0].start):
                    whose = (encounter.protocol, encounter.identifier, encounter.metadata)
                    for scan in encounter.scans:
                        at = to_unix(scan.start)
                        row = self._recent.row_of(whose, at)
                        if row is None:
                            row, following = following, following + 1
                            self._append(connection, row, whose, at)
                            self._recent.add(whose, row, at)
                        start = minute_of(at)
                        heard = Heard(row, at - start, scan.seconds, scan.rssi.to_bytes())
                        minutes[start].append(heard)
                write_scans(connection, scans)
                for start in sorted(minutes):
                    add_heard(self._database, connection, start, minutes[start])
        except BaseException:
            # It may name rows that were rolled back.
            self._recent.clear()
            raise

    def heard_identifiers(self, protocol: IdentifierProtocol) -> Iterator[HeardIdentifier]:
        for rows in self._pages(protocol):
            last: dict[int, int] = {}
            for run in _runs(rows):
                for start, packed in read_heard(self._database, *_span(run)):
                    last.update((row, start + second) for row, second in moments(packed))
            for row in rows:
                yield HeardIdentifier(row.identifier, row.first, last.get(row.id, row.first))

    def encounters_with(
        self, protocol: IdentifierProtocol, identifiers: Iterable[bytes]
    ) -> list[Encounter]:
        wanted = set(identifiers)
        if not wanted:
            return []
        # Reads the whole table: faster than writing an index all day for a few such questions.
        rows = [row for page in self._pages(protocol) for row in page if row.identifier in wanted]
        joined: dict[tuple[bytes, bytes | None], Scans] = defaultdict(dict)
        for row, scans in _scans_of(self._database, rows):
            for scan in scans.values():
                _add(joined[row.identifier, row.metadata], scan)
        return [
            _encounter(identifier, metadata, scans, protocol)
            for (identifier, metadata), scans in joined.items()
        ]

    def encounters(self, start: datetime, end: datetime) -> Iterator[Encounter]:
        ids = self._database.rows(
            "SELECT id FROM encounter WHERE first_heard >= ? AND first_heard < ?"
            " ORDER BY first_heard, id",
            (first_second(start), first_second(end)),
        )
        for at in range(0, len(ids), ROWS_AT_ONCE):
            some = [id_ for (id_,) in ids[at : at + ROWS_AT_ONCE]]
            marks = ",".join("?" * len(some))
            for row, scans in _scans_of(self._database, self._rows(f"id IN ({marks})", *some)):
                protocol = IdentifierProtocol(row.protocol)
                yield _encounter(row.identifier, row.metadata, scans, protocol)

    def _pages(self, protocol: IdentifierProtocol) -> Iterator[list[_Row]]:
        """Yield all rows of *protocol*, some at once."""
        after = 0
        while rows := self._rows(
            f"id > ? AND protocol = ? ORDER BY id LIMIT {IDENTIFIERS_AT_ONCE}",
            after,
            protocol.value,
        ):
            yield rows
            after = rows[-1].id

    def _rows(self, condition: str, *parameters: object) -> list[_Row]:
        rows = self._database.rows(
            f"SELECT id, protocol, whose, first_heard FROM encounter WHERE {condition}",  # noqa: S608
            parameters,
        )
        unseal = self._database.seal.open
        found = []
        for id_, protocol, cell, first in rows:
            whose = unseal("encounter", id_, cell)
            end = 1 + whose[0]
            found.append(_Row(id_, protocol, whose[1:end], whose[end:] or None, first))
        return found

    def _append(self, connection: Connection, row: int, whose: Whose, first: int) -> None:
        protocol, identifier, metadata = whose
        cell = bytes([len(identifier)]) + identifier + (metadata or b"")
        connection.execute(
            "INSERT INTO encounter (id, protocol, whose, first_heard) VALUES (?, ?, ?, ?)",
            (row, protocol.value, self._database.seal.close("encounter", row, cell), first),
        )


def _runs(rows: Iterable[_Row]) -> Iterator[list[_Row]]:
    """Cut *rows* into runs in time, so that the minutes between two runs need not be read."""
    run: list[_Row] = []
    for row in sorted(rows, key=lambda row: (row.first, row.id)):
        if run and row.first > run[-1].first + ROW_SECONDS:
            yield run
            run = []
        run.append(row)
    if run:
        yield run


def _span(run: Sequence[_Row]) -> tuple[int, int]:
    """Return the Unix seconds between which all scans of *run* lie."""
    return run[0].first, run[-1].first + ROW_SECONDS


def _scans_of(database: Database, rows: Iterable[_Row]) -> Iterator[tuple[_Row, Scans]]:
    """Yield the scans of each of *rows*, in order of first hearing."""
    for run in _runs(rows):
        scans: dict[int, Scans] = {row.id: {} for row in run}
        for start, packed in read_heard(database, *_span(run)):
            for heard in unpack(packed, scans):
                at = from_unix(start + heard.second)
                rssi = RssiHistogram.from_bytes(heard.rssi)
                _add(scans[heard.encounter], HeardScan(at, heard.seconds, rssi))
        yield from ((row, scans[row.id]) for row in run if scans[row.id])


def _add(scans: Scans, scan: HeardScan) -> None:
    known = scans.get(scan.start)
    if known is not None:
        seconds = max(known.seconds, scan.seconds)
        scan = HeardScan(scan.start, seconds, known.rssi + scan.rssi)
    scans[scan.start] = scan


def _encounter(
    identifier: bytes, metadata: bytes | None, scans: Scans, protocol: IdentifierProtocol
) -> Encounter:
    ascending = tuple(scans[start] for start in sorted(scans))
    return Encounter(identifier, metadata, ascending, protocol)
