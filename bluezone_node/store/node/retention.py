"""Forgetting for good: deleted, overwritten with zeros, and gone from the write-ahead log.

This is about the files.  What a flash card's controller keeps of blocks that were overwritten is
beyond a program; who fears that encrypts the disk.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from sqlite3 import Connection

from bluezone_node.intervals import INTERVAL_SECONDS, RETENTION, day_of, to_unix
from bluezone_node.store.node.encounters import Encounters
from bluezone_node.store.node.heard import moments, unpack
from bluezone_node.store.node.minutes import minute_of, put_heard, read_heard
from bluezone_node.store.node.recent import ROW_SECONDS
from bluezone_node.store.node.seal import Unsealed
from bluezone_node.store.node.tables import first_second
from bluezone_node.venues.opening import OPENING_RETENTION
from bluezone_node.venues.tags import slot_of
from bluezone_node.venues.visits import VISIT_RETENTION

VISIT_GRACE = VISIT_RETENTION - RETENTION
"""How much longer visits, bundles and a kiosk's entries are kept than encounters."""

OPENING_GRACE = OPENING_RETENTION - RETENTION
"""The same of a kiosk's log of who opened its register."""

LEDGER_GRACE = VISIT_GRACE + timedelta(days=1)
"""How much longer the names of files are kept: an authority lists exports for 14 days, bundles of
notices for 21, and either some hours more (its clean-up runs daily).  A name forgotten too soon
would be fetched again, and a bundle then be taken for one that is played again."""


class Retention(Encounters):
    def forget(self, before: datetime) -> int:
        limits = {
            "before": first_second(before),
            "interval": to_unix(before) // INTERVAL_SECONDS,
            "day": day_of(before).isoformat(),
            "ledger": first_second(before - LEDGER_GRACE),
            "visits": day_of(before - VISIT_GRACE).isoformat(),
            "places": first_second(before - VISIT_GRACE),
            "slots": slot_of(before - VISIT_GRACE),
            "openings": first_second(before - OPENING_GRACE),
        }
        with self._database.writing() as connection:
            removed = self._forget_log(connection, first_second(before))
            for table, due in _DUE:
                removed += rewrite_without(connection, table, due, limits)
            # Public, so copies of their rows may stay. The newest is the head of the chain: it is
            # what an older list, played again, is told by.
            removed += connection.execute(
                "DELETE FROM bundle WHERE created < ? AND id < (SELECT max(id) FROM bundle)",
                (first_second(before - VISIT_GRACE),),
            ).rowcount
        self._database.empty_the_log()
        return removed

    def _forget_log(self, connection: Connection, before: int) -> int:
        self._recent.forget(before)
        # Of an encounter that lasted across the limit, what was heard after it is left.
        first: dict[int, int] = {}
        for start, packed in read_heard(self._database, before, before + ROW_SECONDS):
            for row, second in moments(packed):
                if start + second >= before:
                    first.setdefault(row, start + second)
        connection.executemany(
            "UPDATE encounter SET first_heard = ? WHERE id = ? AND first_heard < ?",
            ((second, row, before) for row, second in first.items()),
        )
        cut = minute_of(before)
        kept = [
            heard
            for start, packed in read_heard(self._database, cut, before - 1)
            for heard in unpack(packed)
            if start + heard.second >= before
        ]
        removed = connection.execute("DELETE FROM minute WHERE start < ?", (before,)).rowcount
        if kept:
            put_heard(self._database, connection, cut, kept)
        due = connection.execute("DELETE FROM encounter WHERE first_heard < ?", (before,))
        return removed - bool(kept) + due.rowcount

    def erase(self) -> None:
        with self._database.writing() as connection:
            for table in _TABLES:
                connection.execute(f"DELETE FROM {table}")  # noqa: S608
        # The data key went first: whatever the card still holds of sealed cells stays closed.
        self._database.seal = Unsealed()
        self._recent.clear()
        self._database.shrink()
        self._database.empty_the_log()


_ENDED = "rolling_start + rolling_period <= :interval"

_DUE = (
    # Keys first: they are chosen by their report.
    ("report_key", "report_id IN (SELECT id FROM report WHERE started < :before)"),
    # An unfinished report needs all the keys that its certificate covers.
    ("report_key", f"{_ENDED} AND report_id IN (SELECT id FROM report WHERE published > 0)"),  # noqa: S608
    ("report", "started < :before"),
    ("own_key", _ENDED),
    ("matched_key", _ENDED),
    ("alert", "day < :day"),
    ("export", "reached < :ledger"),
    ("visit", "day < :visits"),
    ("checkin", "came < :places"),
    ("proposal", "ends < :places"),
    ("contact", "slot < :slots"),
    ("shown_pass", "day < :visits"),
    ("opening", "at < :openings"),
)
"""Small tables, and which of their rows are due."""

_TABLES = (
    "sealing",
    "encounter",
    "minute",
    "source",
    "calibration",
    "bundle",
    "place_file",
    "kiosk_day",
    *dict(_DUE),
)


def rewrite_without(
    connection: Connection, table: str, due: str, limits: Mapping[str, object]
) -> int:
    """Delete the rows that are *due* and write the others anew; return how many went."""
    removed = connection.execute(f"DELETE FROM {table} WHERE {due}", limits).rowcount  # noqa: S608
    if removed:
        rewrite(connection, table)
    return removed


def rewrite(connection: Connection, table: str) -> None:
    """Write the rows of *table* anew.

    SQLite zeroes a deleted row, yet not the copy of a row that it left behind when it moved the
    row to another page.  Emptying the table zeroes all its pages.
    """
    rows = connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608
    connection.execute(f"DELETE FROM {table}")  # noqa: S608
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608
