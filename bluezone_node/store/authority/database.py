"""The databases of the authority, opened: files of SQLite, or schemas on PostgreSQL.

The stores above speak SQLAlchemy Core only, and know one promise: `writing`. All that is
particular to SQLite is here, to PostgreSQL in `postgres`.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import URL, BigInteger, Connection, Dialect, Engine, create_engine, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.types import TypeDecorator

from bluezone_node.errors import BluezoneError, DatabaseUnusable
from bluezone_node.intervals import to_unix
from bluezone_node.store.authority import postgres
from bluezone_node.store.authority.private import hand_over
from bluezone_node.store.authority.schema import Layout, Step, bring_up, revision, vacant
from bluezone_node.store.wal import write_ahead

BUSY_MILLISECONDS = 5_000
"""A writer waits that long for another, such as ``code issue`` beside the running server."""
LAID_OUT_MILLISECONDS = 60_000
"""Who finds a database without tables waits that long for another who makes them: on a machine
with other work that takes longer than writing does."""


class UnixTime(TypeDecorator[datetime]):
    """An aware UTC instant, stored as whole seconds: compares the same in every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else to_unix(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        return None if value is None else datetime.fromtimestamp(value, UTC)


@dataclass(frozen=True, slots=True)
class Database:
    """One of the authority's databases, not opened yet."""

    layout: Layout
    file: Path
    """The SQLite file that it is without *url*."""
    url: URL | None = None
    """Of PostgreSQL, where it is the layout's schema."""

    @property
    def label(self) -> str:
        """What it is called before people."""
        return str(self.file) if self.url is None else postgres.label(self.url, self.layout.name)

    def exists(self) -> bool:
        """Tell whether anything was ever kept in it.

        Raises:
            DatabaseUnusable: the server cannot be asked.
        """
        if self.url is None:
            return self.file.exists()
        engine = self._engine()
        with _named(self.label, engine), engine.begin() as connection:
            found = revision(connection) is not None
        engine.dispose()
        return found

    def open(self) -> Engine:
        """Return an engine on it, made where it is missing, with the tables of today.

        A SQLite file of an earlier version is brought up to date; on PostgreSQL, where other
        processes of that version may be at work, only ``authority migrate`` does that.

        Raises:
            BadConfig: the driver is not installed.
            DatabaseUnusable: it cannot be opened, is not ours, or is of another version.
        """
        return self._open(upgrade=self.url is None)[0]

    def migrate(self) -> Step:
        """Bring it to the tables of today, wherever it is; return what was done.

        Raises:
            BadConfig, DatabaseUnusable: as above.
        """
        engine, step = self._open(upgrade=True)
        engine.dispose()
        return step

    @contextmanager
    def filling(self) -> Iterator[Connection]:
        """Yield the one transaction that fills it, where nothing is in it yet.

        Raises:
            BadConfig: as above.
            DatabaseUnusable: something is in it, or it cannot be written.
        """
        engine = self._engine()
        with _named(self.label, engine):
            if self.url is None:
                _touch(self.file)
            with writing(engine) as connection:
                if self.url is not None:
                    postgres.check_server(connection, self.layout.name)
                    postgres.make_schema(connection, self.layout.name)
                    postgres.take_time(connection)
                if not vacant(connection, self.layout):
                    raise DatabaseUnusable(
                        f"The database {self.label} is not empty; nothing was changed.",
                        hint="name another one; what an earlier attempt left may be dropped",
                    )
                yield connection
        engine.dispose()

    def now(self) -> datetime:
        """Return the time by the clock of the machine that it is on.

        Raises:
            BadConfig, DatabaseUnusable: as above.
        """
        engine = self._engine()
        with _named(self.label, engine), engine.begin() as connection:
            told = postgres.time_of(connection) if self.url is not None else datetime.now(UTC)
        engine.dispose()
        return told

    def _engine(self) -> Engine:
        if self.url is not None:
            return postgres.postgres_engine(self.url, self.layout.name)
        # Parameters stay out of error texts: they are codes' digests, keys and dates of illness.
        engine = create_engine(f"sqlite:///{self.file}", hide_parameters=True)
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
        return engine

    def _open(self, *, upgrade: bool) -> tuple[Engine, Step]:
        engine = self._engine()
        with _named(self.label, engine):
            if self.url is None:
                _touch(self.file)
            with engine.begin() as connection:
                if self.url is not None:
                    postgres.check_server(connection, self.layout.name)
                if revision(connection) == self.layout.revision:
                    return engine, Step.NOTHING
                if self.url is None:
                    connection.exec_driver_sql(f"PRAGMA busy_timeout = {LAID_OUT_MILLISECONDS}")
            # Others may open it for the first time, too: what is true now is seen under the lock.
            with writing(engine) as connection:
                if self.url is not None:
                    postgres.make_schema(connection, self.layout.name)
                step = bring_up(connection, self.layout, upgrade=upgrade)
                if self.url is None:
                    connection.exec_driver_sql(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
                return engine, step


def open_sqlite(path: Path, layout: Layout) -> Engine:
    """Return an engine on the SQLite file *path* (made, 0600, where missing) with its tables.

    Raises:
        DatabaseUnusable: the file cannot be opened or is no database, or of another version.
    """
    return Database(layout, path).open()


def _touch(file: Path) -> None:
    file.touch(mode=0o600)
    hand_over(file)  # before SQLite's own files, which it makes its owner's


@contextmanager
def _named(label: str, engine: Engine) -> Iterator[None]:
    """Turn what goes wrong inside into a sentence about the database, which is let go."""
    try:
        yield
    except (OSError, SQLAlchemyError) as error:
        engine.dispose()
        cause = " ".join(str(getattr(error, "orig", None) or error).split())
        raise DatabaseUnusable(f"The database {label} cannot be used: {cause}") from error
    except BluezoneError:
        engine.dispose()
        raise


@contextmanager
def writing(engine: Engine, *, alone: bool = True) -> Iterator[Connection]:
    """Run one transaction that sees no other writer between its reads and its writes.

    Those which are not *alone* may write side by side, where the engine can: they must settle
    among themselves what they both touch. Beside one that is alone there is none.
    """
    writes = "alone" if alone else "beside"
    with engine.connect().execution_options(writes=writes) as connection, connection.begin():
        yield connection


def scrub(engine: Engine) -> None:
    """Remove what was deleted from the write-ahead log too, where there is one."""
    if engine.dialect.name != "sqlite":
        return
    connection = engine.raw_connection()
    try:
        connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
    finally:
        connection.close()


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    # Python's sqlite3 would begin transactions by itself, and too late: see `_begin`.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
    write_ahead(connection, BUSY_MILLISECONDS / 1000)
    connection.execute("PRAGMA synchronous = FULL")
    # What is deleted is overwritten: dates of illness must not outlive their rows.
    connection.execute("PRAGMA secure_delete = ON")


def _begin(connection: Connection) -> None:
    # A transaction that reads first and writes later must take the lock at once, or two of them
    # would read the same and the second would fail.
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
