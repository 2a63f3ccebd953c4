"""What the parts of the store share: the connection they work on, and how values are kept."""

import json
from collections.abc import Sequence
from datetime import date, datetime
from math import ceil
from sqlite3 import Connection
from typing import Any

from bluezone_node.intervals import from_unix, to_unix
from bluezone_node.store.node.database import Database


class Tables:
    """Methods over some tables of one database; the store is made of several of these."""

    def __init__(self, database: Database) -> None:
        self._database = database


def next_row(connection: Connection, table: str) -> int:
    """Return the number of the next row of *table*: a cell is bound to it before it is written."""
    (row,) = connection.execute(f"SELECT coalesce(max(id), 0) + 1 FROM {table}").fetchone()  # noqa: S608
    return int(row)


def to_cell(values: Sequence[object]) -> bytes:
    """Return text and numbers as one cell, which can be sealed."""
    return json.dumps(values).encode()


def from_cell(cell: bytes) -> list[Any]:
    """Return the values that `to_cell` made into *cell*."""
    values: list[Any] = json.loads(cell)
    return values


def to_seconds(instant: datetime | None) -> int | None:
    """Return *instant* as whole Unix seconds."""
    return None if instant is None else to_unix(instant)


def to_instant(seconds: int | None) -> datetime | None:
    """Return the UTC instant of *seconds* since the Unix epoch."""
    return None if seconds is None else from_unix(seconds)


def to_day(text: str | None) -> date | None:
    """Return the day of the ISO date *text*."""
    return None if text is None else date.fromisoformat(text)


def first_second(instant: datetime) -> int:
    """Return the first whole Unix second not before *instant*: a bound for ``>=`` and ``<``."""
    return ceil(instant.timestamp())
