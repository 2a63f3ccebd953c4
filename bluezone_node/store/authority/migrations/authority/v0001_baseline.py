"""The tables as they were before there were migrations."""

import sqlalchemy as sa
from alembic import op

revision: str = "0001"
down_revision: str | None = None


def upgrade() -> None:
    op.create_table(
        "exposures",
        sa.Column("key", sa.LargeBinary(16), primary_key=True),
        sa.Column("rolling_start", sa.Integer, nullable=False),
        sa.Column("rolling_period", sa.SmallInteger, nullable=False),
        sa.Column("transmission_risk", sa.SmallInteger, nullable=False),
        sa.Column("report_type", sa.String(16), nullable=False),
        sa.Column("days_since_onset", sa.SmallInteger),
        sa.Column("created", sa.BigInteger, nullable=False, index=True),
        sa.Column("owner", sa.LargeBinary(32), nullable=False),
        sa.Column("traveler", sa.Boolean, nullable=False),
        sa.Column("revised_report_type", sa.String(16)),
        sa.Column("revised_days_since_onset", sa.SmallInteger),
        sa.Column("revised", sa.BigInteger, index=True),
    )
    op.create_table(
        "export_batches",
        # An instant: without a number of its own, which an integer key would be given.
        sa.Column("start", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("end", sa.BigInteger, nullable=False),
        sa.Column("files", sa.Integer, nullable=False),
        sa.Column("max_records", sa.Integer, nullable=False),
    )
