"""Health workers and what they do: realms, users, sessions, audit trail, counts, allowances."""

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"


def upgrade() -> None:
    # Codes that are under way stay good: they were issued by the one desk that there was.
    with op.batch_alter_table("codes") as codes:
        codes.add_column(sa.Column("handle", sa.LargeBinary(16)))
        codes.add_column(sa.Column("kind", sa.String(8), nullable=False, server_default="short"))
        codes.add_column(sa.Column("realm", sa.String(64), nullable=False, server_default=""))
        codes.add_column(sa.Column("issuer", sa.String(64), nullable=False, server_default=""))
        codes.add_column(sa.Column("revoked", sa.BigInteger))
        codes.create_unique_constraint("uq_codes_handle", ["handle"])
    with op.batch_alter_table("tokens") as tokens:
        tokens.add_column(sa.Column("realm", sa.String(64), nullable=False, server_default=""))
    op.create_table(
        "daily_counts",
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("realm", sa.String(64), primary_key=True),
        sa.Column("event", sa.String(32), primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
    )
    op.create_table(
        "users",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("realm", sa.String(64), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("password", sa.String(255), nullable=False),
        sa.Column("password_due", sa.Boolean, nullable=False),
        sa.Column("password_set", sa.BigInteger, nullable=False),
        sa.Column("totp_secret", sa.LargeBinary, nullable=False),
        sa.Column("totp_step", sa.BigInteger),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("locked_until", sa.BigInteger),
        sa.Column("disabled", sa.BigInteger),
        sa.Column("created", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "sessions",
        sa.Column("digest", sa.LargeBinary(32), primary_key=True),
        sa.Column("user", sa.String(64), nullable=False, index=True),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("seen", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False, index=True),
    )
    op.create_table(
        "audit",
        sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("realm", sa.String(64), nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
    )
    op.create_table(
        "allowances",
        sa.Column("bucket", sa.LargeBinary(32), primary_key=True),
        sa.Column("until", sa.BigInteger, nullable=False, index=True),
    )
    op.create_table(
        "shown",
        sa.Column("digest", sa.LargeBinary(32), primary_key=True),
        sa.Column("expires", sa.BigInteger, nullable=False, index=True),
        sa.Column("sealed", sa.LargeBinary),
    )
