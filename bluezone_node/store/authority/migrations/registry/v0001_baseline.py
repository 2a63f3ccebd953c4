"""The tables as they were before there were migrations."""

import sqlalchemy as sa
from alembic import op

revision: str = "0001"
down_revision: str | None = None


def upgrade() -> None:
    op.create_table(
        "codes",
        sa.Column("digest", sa.LargeBinary(32), primary_key=True),
        sa.Column("report_type", sa.String(16), nullable=False),
        sa.Column("symptom_date", sa.Date),
        sa.Column("test_date", sa.Date),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False, index=True),
        sa.Column("claimed", sa.BigInteger),
    )
    op.create_table(
        "tokens",
        sa.Column("digest", sa.LargeBinary(32), primary_key=True),
        sa.Column("report_type", sa.String(16), nullable=False),
        sa.Column("symptom_date", sa.Date),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False, index=True),
        sa.Column("spent_on", sa.LargeBinary(32)),
        sa.Column("claimed_with", sa.LargeBinary(32), unique=True),
    )
