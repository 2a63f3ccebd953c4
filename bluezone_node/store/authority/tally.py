"""Counts of what happened, by day and province: all that is kept of it for longer than it takes."""

from collections.abc import Mapping
from datetime import date
from functools import cache

import msgspec
from sqlalchemy import (
    Column,
    Connection,
    Date,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    TextClause,
    select,
    text,
)

from bluezone_node.authority.ports.tally import DayCount


def count_table(tables: MetaData) -> Table:
    """Return the table of counts of one database."""
    return Table(
        "daily_counts",
        tables,
        Column("day", Date, primary_key=True),
        Column("realm", String(64), primary_key=True),
        Column("event", String(32), primary_key=True),
        Column("count", Integer, nullable=False),
    )


def count(db: Connection, table: Table, day: date, realm: str, event: str, number: int = 1) -> None:
    """Add *number* to a count, in the transaction of what is counted."""
    count_all(db, table, {(day, realm, event): number})


def count_all(db: Connection, table: Table, numbers: Mapping[tuple[date, str, str], int]) -> None:
    """Add to several counts, by day, realm and event; in one order, so that none waits forever."""
    if not numbers:
        return
    db.execute(_statement(table, db.dialect.name), {"rows": as_json(numbers)})


def as_json(numbers: Mapping[tuple[date, str, str], int]) -> str:
    """Return *numbers* as the one value of `add_to`, in the order in which all count."""
    rows = [[day.isoformat(), *rest, number] for (day, *rest), number in sorted(numbers.items())]
    return msgspec.json.encode(rows).decode()


@cache
def _statement(table: Table, dialect: str) -> TextClause:
    return text(add_to(table, dialect))


def add_to(table: Table, dialect: str) -> str:
    """Return the statement that counts.

    It has one value, ``:rows``, whatever their number: the lists differ each time.
    """
    if dialect == "postgresql":
        listed = "json_array_elements(CAST(:rows AS json)) AS row"
        source = f"(row->>0)::date, row->>1, row->>2, (row->>3)::int FROM {listed}"
    else:
        fields = ", ".join(f"json_extract(value, '$[{n}]')" for n in range(4))
        source = f"{fields} FROM json_each(:rows) WHERE true"
    return (
        f"INSERT INTO {table.name} (day, realm, event, count) SELECT {source}"
        " ON CONFLICT (day, realm, event)"
        f" DO UPDATE SET count = {table.name}.count + excluded.count"
    )


class SqlTally:
    """`Tally` on any database that SQLAlchemy speaks to."""

    def __init__(self, engine: Engine, table: Table) -> None:
        self._engine = engine
        self._table = table

    def days(self, first: date, last: date, realm: str | None = None) -> list[DayCount]:
        table = self._table
        asked = select(table).where(table.c.day.between(first, last))
        if realm is not None:
            asked = asked.where(table.c.realm == realm)
        with self._engine.begin() as db:
            return [DayCount(*row) for row in db.execute(asked.order_by(*table.primary_key))]
