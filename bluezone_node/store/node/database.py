"""The SQLite file: opened safely, written in transactions, and emptied for good.

Write-ahead logging lets a command read while the daemon writes.  Every commit is synced to the
disk: a power cut takes what was not committed, which is one minute of the log, and never the
database.  A flush a minute costs one sync a minute, which no SD card notices.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bluezone_node.errors import DatabaseUnusable
from bluezone_node.store.node.permissions import make_private

APPLICATION_ID = 0x425A4E44
"""'BZND' in the file's header: tells this database from any other SQLite file."""

SCHEMA_VERSION = 1
"""Number of migrations. Kept here so that an up-to-date database is opened without importing
sqlite-utils, which takes longer than all the rest of ``bluezone-node status``."""

BUSY_SECONDS = 5.0
"""How long a writer waits for another one: a command's transactions take milliseconds."""

CHECKPOINT_PAGES = 1000
"""Pages of write-ahead log (4 MB) after which they go into the database: a page of the log's
tail that was written a hundred times since is then written once."""


class Database:
    """One connection, bound to the thread that opened it."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Any]:
        """Run one query and return its rows as tuples."""
        with faults_explained(self.path):
            return self._connection.execute(sql, parameters).fetchall()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Run the block as one transaction: all of it or nothing."""
        with faults_explained(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                # SQLite rolls some failures back by itself, a full disk among them.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

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
        """Write the file anew without free pages."""
        with faults_explained(self.path):
            self._connection.execute("VACUUM")

    def check(self) -> None:
        """Look at every page.

        Raises:
            DatabaseUnusable: one of them is damaged.
        """
        if self.rows("PRAGMA quick_check(1)") != [("ok",)]:
            sentence, hint = _EXPLANATIONS["CORRUPT"]
            raise DatabaseUnusable(sentence.format(path=self.path), hint=hint)

    def close(self) -> None:
        self._connection.close()


def open_database(path: Path) -> Database:
    """Open the database at *path*, creating or migrating it where needed.

    Raises:
        DatabaseUnusable: it is damaged, of another program, of a newer version, or not writable.
    """
    make_private(path)
    with faults_explained(path):
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            _prepare(path, connection)
        except BaseException:
            connection.close()
            raise
    return Database(path, connection)


def _prepare(path: Path, connection: sqlite3.Connection) -> None:
    if _version(path, connection) < SCHEMA_VERSION:
        _migrate(path, connection)
    connection.execute("PRAGMA synchronous = FULL")
    # Deleted bytes are overwritten with zeros, and temporary tables never touch the disk.
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")


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


def _migrate(path: Path, connection: sqlite3.Connection) -> None:
    from sqlite_utils import Database as SqliteUtils

    from bluezone_node.store.node.migrations import node

    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN EXCLUSIVE")
    try:
        # Two processes may have found the file empty at once: the second waited for the first.
        if _version(path, connection) < SCHEMA_VERSION:
            node.apply(SqliteUtils(connection, execute_plugins=False))
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


_EXPLANATIONS = {
    "FULL": ("there is no space left to write {path}", "free some space on that disk"),
    "CORRUPT": ("{path} is damaged", "move it away: a new one is begun at the next start"),
    "NOTADB": ("{path} is not a database, or is damaged", "move it away, or choose another folder"),
    "READONLY": ("{path} cannot be written", "check its owner, its rights and the file system"),
    "CANTOPEN": ("{path} cannot be opened", "check the owner and the rights of its folder"),
    "BUSY": ("{path} is held by another program", "close that program and try again"),
    "IOERR": ("{path} cannot be read or written", "check the disk: `dmesg` tells what it said"),
}


@contextmanager
def faults_explained(path: Path) -> Iterator[None]:
    """Turn every error of SQLite in the block into a sentence about *path*."""
    try:
        yield
    except sqlite3.Error as error:
        # SQLITE_READONLY_DIRECTORY and its like: the family is enough for a person.
        name = getattr(error, "sqlite_errorname", "").removeprefix("SQLITE_")
        sentence, hint = _EXPLANATIONS.get(
            name.partition("_")[0], ("{path} could not be used", "please report this")
        )
        detail = f" ({name})" if name else f" ({error})"
        raise DatabaseUnusable(sentence.format(path=path) + detail, hint=hint) from error
