"""The right to be the only one who does something to a database, on whichever machine.

Held by the process, not by a row: it ends with the process, and no crash leaves it behind.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from zlib import crc32

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from bluezone_node.store.authority.postgres import LOCK_SPACE

_KEEPALIVE = {"idle": 30, "interval": 10, "count": 3}
"""Seconds, and tries: a machine that lost its power holds the right for a minute. By default the
server would ask after it for the first time when two hours have passed."""


@contextmanager
def alone(engine: Engine, work: str) -> Iterator[bool]:
    """Yield True, and keep everybody else from the same *work*; False where another is at it.

    Beside a SQLite file lies an empty one for each work, which is locked and stays; on PostgreSQL
    a session of its own holds an advisory lock.
    """
    held = _file(engine, work) if engine.dialect.name == "sqlite" else _session(engine, work)
    with held as got:
        yield got


@contextmanager
def _file(engine: Engine, work: str) -> Iterator[bool]:
    path = f"{engine.url.database}.{work}.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


@contextmanager
def _session(engine: Engine, work: str) -> Iterator[bool]:
    # Without a transaction: an idle one would be ended by the server while files are written.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # Not back into the pool: the lock goes when the connection does.
        connection.detach()
        for setting, value in _KEEPALIVE.items():
            connection.execute(text(f"SET tcp_keepalives_{setting} = {value}"))
        schema = connection.scalar(text("SELECT current_schema()"))
        number = crc32(f"{schema} {work}".encode()) & 0x7FFF_FFFF
        lock = {"space": LOCK_SPACE, "number": number}
        got = bool(connection.scalar(text("SELECT pg_try_advisory_lock(:space, :number)"), lock))
        try:
            yield got
        finally:
            # The server notices a closed connection a moment later: the next would be sent away.
            if got:
                with suppress(DBAPIError):  # the connection is lost, and the lock with it
                    connection.execute(text("SELECT pg_advisory_unlock(:space, :number)"), lock)
