"""Coverage: when this node listened, so that silence and deafness can be told apart."""

import sqlite3
from collections.abc import Iterable
from datetime import datetime
from math import ceil

from bluezone_node.intervals import from_unix
from bluezone_node.proximity.model import Scan
from bluezone_node.store.node.tables import Tables


class Coverage(Tables):
    def scans(self, start: datetime, end: datetime) -> list[Scan]:
        rows = self._database.rows(
            "SELECT start, seconds, listened, sightings, others FROM scan"
            " WHERE start >= ? AND start < ? ORDER BY start",
            (ceil(start.timestamp()), ceil(end.timestamp())),
        )
        return [Scan(from_unix(at), *rest) for at, *rest in rows]


def log_scans(connection: sqlite3.Connection, scans: Iterable[Scan]) -> None:
    """Append *scans* within the transaction that is open on *connection*.

    A minute that comes twice (the clock was set back) is one scan with what both heard.
    """
    connection.executemany(
        "INSERT INTO scan (start, seconds, listened, sightings, others) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (start) DO UPDATE SET"
        " seconds = max(seconds, excluded.seconds),"
        " listened = min(listened + excluded.listened, max(seconds, excluded.seconds)),"
        " sightings = sightings + excluded.sightings,"
        " others = others + excluded.others",
        ((int(s.start.timestamp()), s.seconds, s.listened, s.sightings, s.foreign) for s in scans),
    )
