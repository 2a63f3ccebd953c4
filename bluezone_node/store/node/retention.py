"""Forgetting for good: deleted, overwritten with zeros, and gone from the write-ahead log.

This is about the files.  What a flash card's controller keeps of blocks that were overwritten is
beyond a program; who fears that encrypts the disk.
"""

from datetime import datetime, timedelta
from math import ceil

from bluezone_node.intervals import INTERVAL_SECONDS, day_of
from bluezone_node.store.node.encounters import SLOT_BITS
from bluezone_node.store.node.tables import Tables

LEDGER_GRACE = timedelta(days=1)
"""How much longer the names of exports are kept: an authority lists a file for 14 days and some
hours (its clean-up runs daily), and a name forgotten too soon would be fetched again."""

_DUE = (
    "DELETE FROM heard_scan WHERE slot < :slot",
    "DELETE FROM encounter WHERE last_heard < :before",
    "DELETE FROM scan WHERE start < :before",
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

# Of an encounter that lasted across the limit, only the scans after it are left.
_BEGIN_LATER = """
UPDATE encounter SET first_heard = (
  SELECT min(start) FROM heard_scan
  WHERE slot >= :slot AND slot < last_heard + 1 << 20 AND encounter_id = encounter.id
) WHERE first_heard < :before
"""

_TABLES = (
    "own_key", "encounter", "heard_scan", "scan", "source", "export", "matched_key", "alert",
    "report", "report_key",
)  # fmt: skip


class Retention(Tables):
    def forget(self, before: datetime) -> int:
        seconds = ceil(before.timestamp())
        limits = {
            "before": seconds,
            "slot": seconds << SLOT_BITS,
            "interval": int(before.timestamp()) // INTERVAL_SECONDS,
            "day": day_of(before).isoformat(),
            "ledger": ceil((before - LEDGER_GRACE).timestamp()),
        }
        with self._database.writing() as connection:
            removed = sum(connection.execute(statement, limits).rowcount for statement in _DUE)
            connection.execute(_BEGIN_LATER, limits)
        self._database.empty_the_log()
        return removed

    def erase(self) -> None:
        with self._database.writing() as connection:
            for table in _TABLES:
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 - the names above
        self._database.shrink()
        self._database.empty_the_log()
