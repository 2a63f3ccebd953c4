"""Many rows at once, by the shortest road that the engine has.

On PostgreSQL that is COPY; elsewhere one statement with many parameters.  Neither goes through
SQLAlchemy's types, so that the rows hold what the driver takes: instants are whole seconds.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, Table

from bluezone_node.store.authority.postgres import driver

_TYPES = {
    "BIGINT": "int8",
    "BOOLEAN": "bool",
    "BYTEA": "bytea",
    "DATE": "date",
    "INTEGER": "int4",
    "SMALLINT": "int2",
}


def add_rows(
    db: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[object, ...]]
) -> None:
    """Add *rows* of *columns* to *table*.

    Raises:
        sqlalchemy.exc.IntegrityError: a row is there already; the transaction is over.
    """
    if not rows:
        return
    quote = db.dialect.identifier_preparer.quote
    names = ", ".join(quote(name) for name in columns)
    if db.dialect.name != "postgresql":
        marks = ", ".join("?" * len(columns))
        db.exec_driver_sql(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", list(rows))  # noqa: S608
        return
    types = [_TYPES.get(str(table.c[name].type.compile(db.dialect)), "varchar") for name in columns]
    with (
        driver(db) as connection,
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table.name} ({names}) FROM STDIN (FORMAT BINARY)") as copy,
    ):
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)
