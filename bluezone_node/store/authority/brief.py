"""A publication's transaction on PostgreSQL in as few messages as it can be.

With each message the writing thread waits for the database, and then for its turn in Python:
under load that was most of what a transaction took.  So what needs no answer is not waited for.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection

from bluezone_node.authority.ports.exposures import Exposure
from bluezone_node.intervals import from_unix
from bluezone_node.store.authority.database import UnixTime
from bluezone_node.store.authority.exposure_rows import EXPOSURE, exposure_of
from bluezone_node.store.authority.exposure_tables import daily_counts
from bluezone_node.store.authority.postgres import driver
from bluezone_node.store.authority.tally import add_to, as_json

_NAMES = ", ".join(column.name for column in EXPOSURE)
_INSTANTS = [number for number, column in enumerate(EXPOSURE) if isinstance(column.type, UnixTime)]

# All keys, of 16 bytes each, as one value: a list would be quoted and parsed one by one. FOR
# UPDATE holds the rows where writers run side by side.
_FIND = (
    f"SELECT {_NAMES} FROM exposures WHERE origin = %s"  # noqa: S608 - our own names
    " AND key = ANY(ARRAY(SELECT substring(%s::bytea FROM 1 + 16 * n FOR 16)"
    " FROM generate_series(0, %s) AS n)) ORDER BY key FOR UPDATE"
)
_NEWEST_END = 'SELECT max("end") FROM export_batches WHERE origin = %s'
_COUNT = add_to(daily_counts, "postgresql").replace(":rows", "%s")


def find(
    db: Connection, origin: str, keys: Sequence[bytes]
) -> tuple[dict[bytes, Exposure], datetime | None]:
    """Return which of *keys*, ascending, are stored, and the end of the newest window drawn."""
    with driver(db) as connection, connection.pipeline():
        stored = connection.execute(_FIND, (origin, b"".join(keys), len(keys) - 1))
        drawn = connection.execute(_NEWEST_END, (origin,))
        found = {row[0]: exposure_of(_typed(row)) for row in stored}
        (end,) = drawn.fetchone()
    return found, None if end is None else from_unix(end)


def count_and_commit(db: Connection, numbers: Mapping[tuple[date, str, str], int]) -> None:
    """Count, and end the transaction: the counts are everybody's, and held no longer than that."""
    with driver(db) as connection, connection.pipeline():
        if numbers:
            connection.execute(_COUNT, (as_json(numbers),))
        connection.commit()


def _typed(row: Sequence[Any]) -> list[Any]:
    """Return *row* as SQLAlchemy would have."""
    return [
        from_unix(value) if column in _INSTANTS and value is not None else value
        for column, value in enumerate(row)
    ]
