"""SQLite's write-ahead log, switched on where many may open a new file at once."""

import sqlite3
import time

BUSY_PAUSE = 0.01
"""Seconds between two tries, where SQLite itself does not wait."""


def write_ahead(connection: sqlite3.Connection, seconds: float) -> None:
    """Keep a write-ahead log from now on; wait up to *seconds* for others.

    Of two that change this at once SQLite refuses one at once, timeout or not: it tries again.
    """
    give_up = time.monotonic() + seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as refused:
            if refused.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
            time.sleep(BUSY_PAUSE)
