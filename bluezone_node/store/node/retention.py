"""Forgetting for good: deleted, overwritten with zeros, and gone from the write-ahead log.

This is about the files.  What a flash card's controller keeps of blocks that were overwritten is
beyond a program; who fears that encrypts the disk.
"""

from datetime import datetime, timedelta
from sqlite3 import Connection

from bluezone_node.intervals import INTERVAL_SECONDS, day_of
from bluezone_node.store.node.encounters import Encounters
from bluezone_node.store.node.heard import moments, unpack
from bluezone_node.store.node.minutes import minute_of, put_heard, read_heard
from bluezone_node.store.node.recent import ROW_SECONDS
from bluezone_node.store.node.tables import first_second

LEDGER_GRACE = timedelta(days=1)
"""How much longer the names of exports are kept: an authority lists a file for 14 days and some
hours (its clean-up runs daily), and a name forgotten too soon would be fetched again."""


class Retention(Encounters):
    def forget(self, before: datetime) -> int:
        limits = {
            "before": first_second(before),
            "interval": int(before.timestamp()) // INTERVAL_SECONDS,
            "day": day_of(before).isoformat(),
            "ledger": first_second(before - LEDGER_GRACE),
        }
        with self._database.writing() as connection:
            removed = self._forget_log(connection, first_second(before))
            removed += sum(connection.execute(due, limits).rowcount for due in _DUE)
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
            put_heard(connection, cut, kept)
        due = connection.execute("DELETE FROM encounter WHERE first_heard < ?", (before,))
        return removed - bool(kept) + due.rowcount

    def erase(self) -> None:
        with self._database.writing() as connection:
            for table in _TABLES:
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 - the names below
        self._recent.clear()
        self._database.shrink()
        self._database.empty_the_log()


_DUE = (
    "DELETE FROM own_key WHERE rolling_start + rolling_period <= :interval",
    "DELETE FROM matched_key WHERE rolling_start + rolling_period <= :interval",
    "DELETE FROM alert WHERE day < :day",
    "DELETE FROM export WHERE reached < :ledger",
    "DELETE FROM report_key WHERE report_id IN (SELECT id FROM report WHERE started < :before)",
    # An unfinished report needs all the keys that its certificate covers.
    """
    DELETE FROM report_key WHERE rolling_start + rolling_period <= :interval
    AND report_id IN (SELECT id FROM report WHERE published IS NOT NULL)
    """,
    "DELETE FROM report WHERE started < :before",
)

_TABLES = (
    "own_key", "encounter", "minute", "source", "export", "matched_key", "alert", "report",
    "report_key",
)  # fmt: skip
