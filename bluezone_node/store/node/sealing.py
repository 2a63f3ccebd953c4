"""Sealing a database that lies open, and the way back: every private cell written anew.

Done by whoever holds the database's lock, in one transaction: a node that is killed on the way
has the database as it was.  What was readable must not survive in free pages or in the
write-ahead log, so afterwards the file is written anew and the log emptied; until that is done a
mark says so, and the next start does it.
"""

import logging
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection

from bluezone_node.errors import DatabaseUnusable
from bluezone_node.store.node.database import Database, open_database
from bluezone_node.store.node.keyslot import change_secret, put_new_key
from bluezone_node.store.node.seal import Seal, Unsealed

log = logging.getLogger(__name__)

CELLS = (
    ("own_key", "key"),
    ("encounter", "whose"),
    ("minute", "heard"),
    ("matched_key", "key"),
    ("report", "details"),
    ("report_key", "key"),
    ("alert", "entry"),
    ("visit", "entry"),
    ("checkin", "entry"),
    ("kiosk_day", "key"),
    ("proposal", "entry"),
    ("contact", "entry"),
    ("opening", "entry"),
    ("shown_pass", "entry"),
)
"""Table and column of every cell that goes through the seal."""

ROWS_AT_ONCE = 500
"""Minutes near 200 people take 2 MB."""


@dataclass(frozen=True, slots=True)
class SealingState:
    """How a database lies on the disk."""

    sealed: bool
    wiped: bool
    """Whether the files are also free of what was written before it was sealed."""


def sealing_state(path: Path) -> SealingState:
    """Return how the database at *path* lies on the disk; no key is needed.

    Raises:
        DatabaseUnusable: it cannot be opened.
    """
    with closing(open_database(path, locked=True)) as database:
        rows = database.rows("SELECT wiped FROM sealing")
    return SealingState(sealed=bool(rows), wiped=all(wiped for (wiped,) in rows))


def seal_database(path: Path, secret: bytes, alive: Callable[[], None]) -> None:
    """Seal the database at *path* under *secret* where it is not; wipe what that left readable.

    To be called under the database's lock.  *alive* is called every now and then: two weeks of a
    busy place take a minute on a slow card.

    Raises:
        DatabaseUnusable: it is sealed under another secret, or there is no space to do it.
    """
    with closing(open_database(path, secret)) as database:
        database.tell_progress(alive)
        if not database.seal.key_id:
            log.info("encrypting %s", path)
            alive()
            with database.writing() as connection:
                seal = put_new_key(path, connection, secret, wiped=False)
                _rewrite(connection, database.seal, seal)
            database.seal = seal
        if database.rows("SELECT 1 FROM sealing WHERE wiped = 0"):
            alive()
            _wipe(database)


def unseal_database(path: Path, secret: bytes) -> None:
    """Write everything in the database at *path* back as it is, and destroy the data key.

    To be called under the database's lock.

    Raises:
        DatabaseUnusable: *secret* is not the one it is sealed under.
    """
    with closing(open_database(path, secret)) as database:
        unsealed = Unsealed()
        with database.writing() as connection:
            _rewrite(connection, database.seal, unsealed)
            connection.execute("DELETE FROM sealing")


def change_key(path: Path, secret: bytes, new: bytes) -> None:
    """Let the database at *path* be opened by *new* in the place of *secret*, from now on.

    A node that is running goes on.

    Raises:
        DatabaseUnusable: it is not sealed, or not under *secret*.
    """
    with closing(open_database(path, secret)) as database:
        with database.writing() as connection:
            change_secret(path, connection, secret, new)
        database.empty_the_log()


def open_every_cell(database: Database) -> None:
    """Read all private cells over.

    Raises:
        DatabaseUnusable: one of them does not open.
    """
    for table, column in CELLS:
        after = 0
        while rows := database.rows(_page(table, column), (after,)):
            for row, cell in rows:
                database.seal.open(table, row, cell)
            after = rows[-1][0]


def _rewrite(connection: Connection, old: Seal, new: Seal) -> None:
    for table, column in CELLS:
        after = 0
        while rows := connection.execute(_page(table, column), (after,)).fetchall():
            connection.executemany(
                f"UPDATE {table} SET {column} = ? WHERE rowid = ?",  # noqa: S608
                [(new.close(table, row, old.open(table, row, cell)), row) for row, cell in rows],
            )
            after = rows[-1][0]


def _page(table: str, column: str) -> str:
    return (
        f"SELECT rowid, {column} FROM {table} WHERE rowid > ? AND {column} IS NOT NULL"  # noqa: S608
        f" ORDER BY rowid LIMIT {ROWS_AT_ONCE}"
    )


def _wipe(database: Database) -> None:
    try:
        database.shrink()
        database.empty_the_log()
        with database.writing() as connection:
            connection.execute("UPDATE sealing SET wiped = 1")
    except DatabaseUnusable as error:
        # Encrypted it is; a reader that was in the way is no reason not to run.
        log.warning("what was readable before is wiped at the next start: %s", error)
