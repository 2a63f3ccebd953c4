"""Keys of other authorities beside one's own, and counts by day."""

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"


def upgrade() -> None:
    _add_origin("exposures", "key")
    _add_origin("export_batches", "start", unknown="files")
    op.create_table(
        "import_sources",
        sa.Column("origin", sa.String(64), primary_key=True),
        sa.Column("tried", sa.BigInteger),
        sa.Column("succeeded", sa.BigInteger),
        sa.Column("problem", sa.String(64), nullable=False),
    )
    op.create_table(
        "imported_files",
        sa.Column("origin", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(512), primary_key=True),
        sa.Column("tried", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("problem", sa.String(64), nullable=False),
        sa.Column("window_end", sa.BigInteger),
        sa.Column("keys", sa.Integer, nullable=False),
        sa.Column("revised", sa.Integer, nullable=False),
        sa.Column("left_out", sa.Integer, nullable=False),
        sa.Column("waiting", sa.Integer, nullable=False),
    )
    op.create_table(
        "daily_counts",
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("realm", sa.String(64), primary_key=True),
        sa.Column("event", sa.String(32), primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
    )


def _add_origin(name: str, key: str, unknown: str | None = None) -> None:
    """What is there is one's own: its origin is empty. *unknown* may be NULL from now on."""
    origin = sa.Column("origin", sa.String(64), nullable=False, server_default="")
    if op.get_bind().dialect.name == "postgresql":
        op.add_column(name, origin)
        op.drop_constraint(f"{name}_pkey", name)
        op.create_primary_key(f"{name}_pkey", name, ["origin", key])
        if unknown:
            op.alter_column(name, unknown, nullable=True)
        return
    # SQLite cannot change a primary key: the rows move into a table made anew.
    before = sa.Table(name, sa.MetaData(), autoload_with=op.get_bind())
    indexed = {column.name for index in before.indexes for column in index.columns}
    for index in before.indexes:
        op.drop_index(str(index.name), name)
    op.rename_table(name, "before")
    columns = [
        sa.Column(
            column.name,
            column.type,
            nullable=column.nullable or column.name == unknown,
            primary_key=column.primary_key,
            autoincrement=False,
            index=column.name in indexed,
        )
        for column in before.columns
    ]
    origin.primary_key = True
    op.create_table(name, *columns, origin)
    names = ", ".join(f'"{column.name}"' for column in before.columns)
    op.execute(f"INSERT INTO {name} ({names}) SELECT {names} FROM before")  # noqa: S608 - ours
    op.drop_table("before")
