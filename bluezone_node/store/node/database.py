"""The SQLite file: opened safely, written in transactions, and emptied for good.

Write-ahead logging lets a command read while the daemon writes.  Every commit is synced to the
disk: a power cut takes what was not committed, which is one minute of the log, and never the
database.  A flush a minute costs one sync a minute, which no SD card notices.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bluezone_node.errors import DatabaseUnusable
from bluezone_node.store.node.faults import damaged, faults_explained
from bluezone_node.store.node.keyslot import open_seal, put_new_key
from bluezone_node.store.node.permissions import make_private
from bluezone_node.store.node.seal import Locked, Seal, Unsealed, key_missing
from bluezone_node.store.wal import write_ahead

APPLICATION_ID = 0x425A4E44
"""'BZND' in the file's header: tells this database from any other SQLite file."""

SCHEMA_VERSION = 4
"""Number of migrations. Kept here so that an up-to-date database is opened without importing
sqlite-utils, which takes longer than all the rest of ``bluezone-node status``."""

BUSY_SECONDS = 5.0
"""How long a writer waits for another one: a command's transactions take milliseconds."""

PROGRESS_STEPS = 5_000
"""Of SQLite's machine between two signs of life: some hundred rows."""

CHECKPOINT_PAGES = 1000
"""Pages of write-ahead log (4 MB) after which they go into the database: a page of the log's
tail that was written a hundred times since is then written once."""


class Database:
    """One connection, bound to the thread that opened it."""

    def __init__(self, path: Path, connection: sqlite3.Connection, seal: Seal) -> None:
        self.path = path
        self.seal = seal
        """How the private cells are read and written."""
        self._connection = connection

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Any]:
        """Run one query and return its rows as tuples."""
        with faults_explained(self.path):
            if self._connection.in_transaction:
                return self._connection.execute(sql, parameters).fetchall()
            with self._transaction("BEGIN") as connection:
                return connection.execute(sql, parameters).fetchall()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Run the block as one transaction: all of it or nothing."""
        with faults_explained(self.path), self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        self._connection.execute(begin)
        try:
            self._check_seal()
            yield self._connection
            self._connection.execute("COMMIT")
        except BaseException:
            # SQLite rolls some failures back by itself, a full disk among them.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def _check_seal(self) -> None:
        """Look, within the transaction, whether cells still are what this connection takes them
        for: a node that starts seals the database beside a command that has it open."""
        if _key_id(self._connection) != self.seal.key_id:
            raise DatabaseUnusable(
                f"the encryption of {self.path} was changed meanwhile", hint="try again"
            )

    def tell_progress(self, alive: Callable[[], None]) -> None:
        """Have *alive* called every now and then while a long statement runs."""

        def told() -> int:
            alive()
            return 0

        self._connection.set_progress_handler(told, PROGRESS_STEPS)

    def empty_the_log(self) -> None:
        """Move the write-ahead log into the database and truncate it.

        Raises:
            DatabaseUnusable: another program is reading, so old pages must stay for it.
        """
        with faults_explained(self.path):
            busy, _, _ = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise DatabaseUnusable(
                f"deleted data could not be wiped from {self.path}: "
                "another program is reading the database",
                hint="close that program; deleting again wipes what is left",
            )

    def shrink(self) -> None:
        """Write the file anew without free pages.

        SQLite makes a copy of all of it on the way, in a temporary file: to be called only when
        the database holds nothing, or nothing that can be read without its key.
        """
        with faults_explained(self.path):
            # In memory it would not fit beside the node on a small board.
            self._connection.execute("PRAGMA temp_store = FILE")
            self._connection.execute("VACUUM")
            self._connection.execute("PRAGMA temp_store = MEMORY")

    def check(self) -> None:
        """Look at every page.

        Raises:
            DatabaseUnusable: one of them is damaged.
        """
        if self.rows("PRAGMA quick_check(1)") != [("ok",)]:
            raise damaged(self.path)

    def close(self) -> None:
        self._connection.close()


def open_database(path: Path, secret: bytes | None = None, *, locked: bool = False) -> Database:
    """Open the database at *path*, creating or migrating it where needed.

    *secret*: the master secret of a sealed database; a new one is sealed under it.  An old one
    that is not sealed stays so (`sealing.seal_database`).  *locked*: open a sealed one without it.

    Raises:
        DatabaseUnusable: it is damaged, of another program, of a newer version, not writable, or
            sealed under another secret.
    """
    make_private(path)
    with faults_explained(path):
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            _prepare(path, connection, secret)
            seal = _seal(path, connection, secret, locked=locked)
        except BaseException:
            connection.close()
            raise
    return Database(path, connection, seal)


def _prepare(path: Path, connection: sqlite3.Connection, secret: bytes | None) -> None:
    # Deleted bytes are overwritten with zeros, and temporary tables never touch the disk.
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA temp_store = MEMORY")
    # In one transaction: another process may be laying the tables down between two questions.
    connection.execute("BEGIN")
    version = _version(path, connection)
    connection.execute("COMMIT")
    if version < SCHEMA_VERSION:
        _migrate(path, connection, secret)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")


def _seal(
    path: Path, connection: sqlite3.Connection, secret: bytes | None, *, locked: bool
) -> Seal:
    key_id = _key_id(connection)
    if not key_id:
        return Unsealed()
    if locked:
        return Locked(path, key_id)
    if secret is None:
        raise key_missing(path)
    return open_seal(path, connection, secret)


def _key_id(connection: sqlite3.Connection) -> bytes:
    row = connection.execute("SELECT key_id FROM sealing").fetchone()
    return bytes(row[0]) if row else b""


def _version(path: Path, connection: sqlite3.Connection) -> int:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if application != APPLICATION_ID and (application or version or tables):
        raise DatabaseUnusable(
            f"{path} is a database of another program", hint="choose another state folder"
        )
    if version > SCHEMA_VERSION:
        raise DatabaseUnusable(
            f"{path} was written by a newer version of bluezone-node "
            f"(schema {version}, this one knows {SCHEMA_VERSION})",
            hint="install that version again; this one would lose what it does not know",
        )
    return int(version)


def _migrate(path: Path, connection: sqlite3.Connection, secret: bytes | None) -> None:
    from sqlite_utils import Database as SqliteUtils

    from bluezone_node.store.node.migrations import node

    write_ahead(connection, BUSY_SECONDS)
    connection.execute("BEGIN EXCLUSIVE")
    try:
        # Two processes may have found the file empty at once: the second waited for the first.
        version = _version(path, connection)
        if version < SCHEMA_VERSION:
            node.apply(SqliteUtils(connection, execute_plugins=False))
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            if secret is not None and version == 0:
                put_new_key(path, connection, secret, wiped=True)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
