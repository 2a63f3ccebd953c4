"""The engine under both databases of the authority: all that is particular to SQLite is here.

The stores above speak SQLAlchemy Core only, so that another database is another engine.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Connection, Dialect, Engine, MetaData, create_engine, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.types import TypeDecorator

from bluezone_node.errors import DatabaseUnusable

BUSY_MILLISECONDS = 5_000
"""A writer waits that long for another, such as ``code issue`` beside the running server."""


class UnixTime(TypeDecorator[datetime]):
    """An aware UTC instant, stored as whole seconds: compares the same in every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else int(value.timestamp())

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        return None if value is None else datetime.fromtimestamp(value, UTC)


def open_sqlite(path: Path, tables: MetaData) -> Engine:
    """Return an engine on the SQLite file *path* (made, 0600, where missing) with its *tables*.

    Raises:
        DatabaseUnusable: the file cannot be opened or is no database.
    """
    # Parameters stay out of error texts: they are codes' digests, keys and dates of illness.
    engine = create_engine(f"sqlite:///{path}", hide_parameters=True)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    try:
        path.touch(mode=0o600)
        with writing(engine) as connection:
            tables.create_all(connection)
    except (OSError, SQLAlchemyError) as error:
        engine.dispose()
        cause = getattr(error, "orig", None) or error
        raise DatabaseUnusable(f"The database {path} cannot be used: {cause}") from error
    return engine


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Run one transaction that sees no other writer between its reads and its writes."""
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
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
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    # What is deleted is overwritten: dates of illness must not outlive their rows.
    connection.execute("PRAGMA secure_delete = ON")


def _begin(connection: Connection) -> None:
    # A transaction that reads first and writes later must take the lock at once, or two of them
    # would read the same and the second would fail.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
