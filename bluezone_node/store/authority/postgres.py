"""The engine on PostgreSQL: all that is particular to it is here.

One URL serves both databases of the authority: each is a schema of its own, and a connection sees
that one schema only, so no statement can cross and a role needs rights on no more than one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import Any
from zlib import crc32

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import ArgumentError, DBAPIError

from bluezone_node.errors import BadConfig, DatabaseUnusable

OLDEST = (15,)
"""Before it, everybody may make tables in ``public``, and nobody tests older ones here."""

CONNECT_SECONDS = "10"
"""For a server that does not answer at all: sooner than a service manager gives up on a start."""

LOCK_MILLISECONDS = 5_000
"""A writer waits that long for another, as on SQLite."""
IDLE_MILLISECONDS = 60_000
"""A process that froze or lost its network in the middle of writing holds up all others no longer
than that; the longest pause that we make ourselves is the drawing of a batch, seconds."""

LOCK_SPACE = 0x425A
"""'BZ': the first half of our advisory locks' number, so that other programs' are not met."""

_LOCKS = {"alone": "pg_advisory_xact_lock", "beside": "pg_advisory_xact_lock_shared"}
"""By what a transaction says of its writing; see `database.writing`."""

_SECRETS = ("password", "sslpassword")


def parse_url(given: str) -> URL:
    """Return the URL of a PostgreSQL database; the reasons given never quote it.

    Raises:
        BadConfig: it is none.
    """
    hint = "postgresql://USER@HOST/DATABASE; in a password, write %40 for @ and %2F for /"
    try:
        url = make_url(given)
    except (ArgumentError, ValueError):
        raise BadConfig("The address of the database is not a URL.", hint=hint) from None
    if url.drivername not in ("postgresql", "postgres", "postgresql+psycopg"):
        raise BadConfig("The address of the database is not PostgreSQL's.", hint=hint)
    if "@" in f"{url.host}{url.database}":
        # What stands before the last @ is a part of the password, and would be shown as a host.
        raise BadConfig("The address of the database has more than one @.", hint=hint)
    if not url.database:
        raise BadConfig("The address of the database names no database.", hint=hint)
    return url.set(drivername="postgresql+psycopg")


def label(url: URL, schema: str) -> str:
    """Return what the database is called before people: without user and password."""
    place = url.host or url.query.get("host") or "this machine"
    port = f":{url.port}" if url.port else ""
    return f"{url.database} on {place}{port}, schema {schema}"


def postgres_engine(url: URL, schema: str) -> Engine:
    """Return an engine on which *schema* is all there is; nothing is connected yet.

    Raises:
        BadConfig: the driver is not installed.
    """
    # Passwords may stand among the parameters too, and those a URL shows.
    arguments = {name: str(url.query[name]) for name in _SECRETS if name in url.query}
    if "connect_timeout" not in url.query:
        arguments["connect_timeout"] = CONNECT_SECONDS
    arguments["options"] = (
        f"{url.query.get('options', '')} -c search_path={schema} "
        f"-c lock_timeout={LOCK_MILLISECONDS} "
        f"-c idle_in_transaction_session_timeout={IDLE_MILLISECONDS} "
        # A plan made while a table was empty reads all of it, and would be kept as it grows.
        "-c plan_cache_mode=force_custom_plan"
    )
    try:
        engine = create_engine(
            url.difference_update_query(_SECRETS),
            connect_args=arguments,
            # Parameters stay out of error texts: they are codes' digests, keys, dates of illness.
            hide_parameters=True,
            # Said, because the server may be set otherwise: under a snapshot that was taken
            # before the lock was had, what the writer before us wrote would not be seen.
            isolation_level="READ COMMITTED",
            pool_pre_ping=True,
        )
    except ImportError as error:
        if find_spec("psycopg") is not None and not _lacks_library(error):
            raise
        raise BadConfig(
            "PostgreSQL needs a driver that is not installed: psycopg.",
            hint="pip install '.[authority,postgres]'",
        ) from error
    lock = crc32(schema.encode()) & 0x7FFF_FFFF

    def begin(connection: Connection) -> None:
        # Until the end of the transaction, as BEGIN IMMEDIATE on SQLite.
        if function := _LOCKS.get(connection.get_execution_options().get("writes", "")):
            # With the driver's BEGIN in one message.
            with driver(connection) as raw, raw.pipeline():
                raw.execute(f"SELECT {function}(%s, %s)", (LOCK_SPACE, lock))

    event.listen(engine, "begin", begin)
    event.listen(engine, "handle_error", _without_values)
    return engine


def check_server(connection: Connection, schema: str) -> None:
    """See that the server will do, and that we may use *schema* if it is there.

    Raises:
        DatabaseUnusable: it will not.
    """
    version = connection.dialect.server_version_info or (0,)
    if version < OLDEST:
        raise DatabaseUnusable(
            f"PostgreSQL {OLDEST[0]} or newer is needed; the server is {version[0]}."
        )
    allowed = "SELECT has_schema_privilege(oid, 'USAGE') FROM pg_namespace WHERE nspname = :name"
    if connection.scalar(text(allowed), {"name": schema}) is False:
        raise DatabaseUnusable(
            f"This role may not use the schema {schema}.",
            hint="connect as the role that owns it, or serve only the other --role",
        )


def make_schema(connection: Connection, schema: str) -> None:
    """Make *schema* where it is missing. IF NOT EXISTS would ask for the right in any case."""
    there = text("SELECT 1 FROM pg_namespace WHERE nspname = :name")
    if connection.scalar(there, {"name": schema}) is None:
        connection.exec_driver_sql(f'CREATE SCHEMA "{schema}"')


def time_of(connection: Connection) -> datetime:
    """Return the time by the server's clock."""
    told: datetime = connection.scalar(text("SELECT clock_timestamp() AT TIME ZONE 'UTC'"))
    return told.replace(tzinfo=UTC)


def take_time(connection: Connection) -> None:
    """Let the transaction wait for its program as long as it likes: it holds up nobody."""
    connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")


@contextmanager
def driver(db: Connection) -> Iterator[Any]:
    """Yield the driver's own connection, for what SQLAlchemy has no words for or takes long over.

    Raises:
        sqlalchemy.exc.DBAPIError: as where SQLAlchemy had spoken to it; the transaction is over.
    """
    connection = db.connection.driver_connection
    try:
        yield connection
    except db.dialect.loaded_dbapi.Error as error:
        # The rest of the server's message quotes the row.
        said = getattr(getattr(error, "diag", None), "message_primary", None)
        error.args = (said or "the server broke off",)
        raise DBAPIError.instance(
            None, None, error, db.dialect.loaded_dbapi.Error, dialect=db.dialect
        ) from None


def _without_values(context: ExceptionContext) -> None:
    """Leave of the server's message its first sentence: the detail quotes keys and digests."""
    error = context.original_exception
    said = getattr(getattr(error, "diag", None), "message_primary", None)
    if said is None:
        return
    error.args = (said,)
    if context.sqlalchemy_exception is not None:
        context.sqlalchemy_exception.args = (said,)


def _lacks_library(error: ImportError) -> bool:
    """Tell whether psycopg is there but not the C library that it speaks through."""
    return "pq wrapper" in str(error)
