"""Places: venues with their cards and kiosks, outbreak notices, proposals, warrants."""

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"


def upgrade() -> None:
    op.create_table(
        "venues",
        sa.Column("venue_id", sa.LargeBinary(16), primary_key=True),
        sa.Column("realm", sa.String(64), nullable=False, index=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("name", sa.String(96), nullable=False),
        sa.Column("kind", sa.Integer, nullable=False),
        sa.Column("commune", sa.Integer, nullable=False),
        sa.Column("edition", sa.Integer, nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("opens", sa.Integer),
        sa.Column("closes", sa.Integer),
        sa.Column("stay_minutes", sa.Integer, nullable=False),
        sa.Column("flags", sa.Integer, nullable=False),
        sa.Column("rooms", sa.Text, nullable=False),
        sa.Column("contact", sa.String(64), nullable=False),
        sa.Column("claimed", sa.BigInteger, nullable=False),
        sa.Column("decided", sa.BigInteger),
        sa.Column("decided_by", sa.String(64), nullable=False),
        sa.Column("closed", sa.BigInteger),
        sa.Column("identity", sa.LargeBinary(32), nullable=False, index=True),
        sa.Column("searched", sa.String(256), nullable=False),
    )
    op.create_table(
        "communes",
        sa.Column("edition", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("code", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", sa.String(96), nullable=False),
        sa.Column("province", sa.Integer, nullable=False),
    )
    op.create_table(
        "venue_cards",
        sa.Column("location_id", sa.LargeBinary(32), primary_key=True),
        sa.Column("venue_id", sa.LargeBinary(16), nullable=False, index=True),
        sa.Column("room", sa.String(32), nullable=False),
        sa.Column("spoken_code", sa.String(8), nullable=False, index=True),
        sa.Column("cose", sa.LargeBinary, nullable=False),
        sa.Column("from_day", sa.Integer, nullable=False),
        sa.Column("to_day", sa.Integer, nullable=False),
        sa.Column("issued", sa.BigInteger, nullable=False),
        sa.Column("revoked", sa.BigInteger),
    )
    op.create_table(
        "venue_claims",
        sa.Column("digest", sa.LargeBinary(32), primary_key=True),
        sa.Column("code", sa.LargeBinary(32), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False, index=True),
    )
    op.create_table(
        "kiosks",
        sa.Column("digest", sa.LargeBinary(32), primary_key=True),
        sa.Column("venue_id", sa.LargeBinary(16), nullable=False, index=True),
        sa.Column("room", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("revoked", sa.BigInteger),
        sa.Column("seen", sa.BigInteger),
    )
    op.create_table(
        "notices",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("venue_id", sa.LargeBinary(16), nullable=False, index=True),
        sa.Column("room", sa.String(32), nullable=False),
        sa.Column("realm", sa.String(64), nullable=False),
        sa.Column("start", sa.BigInteger, nullable=False),
        sa.Column("end", sa.BigInteger, nullable=False),
        sa.Column("tail", sa.Integer, nullable=False),
        sa.Column("level", sa.Integer, nullable=False),
        sa.Column("advice", sa.Integer, nullable=False),
        sa.Column("min_overlap", sa.Integer, nullable=False),
        sa.Column("phone", sa.String(32), nullable=False),
        sa.Column("texts", sa.Text, nullable=False),
        sa.Column("issued", sa.BigInteger, nullable=False),
        sa.Column("issued_by", sa.String(64), nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False, index=True),
        sa.Column("released", sa.BigInteger),
        sa.Column("released_by", sa.String(64), nullable=False),
        sa.Column("retracted", sa.BigInteger),
        sa.Column("retracted_by", sa.String(64), nullable=False),
        sa.Column("replaces", sa.Integer),
        sa.Column("proposal", sa.LargeBinary(16)),
    )
    op.create_table(
        "notice_parts",
        sa.Column("notice_id", sa.LargeBinary(16), primary_key=True),
        sa.Column("number", sa.Integer, nullable=False, index=True),
        sa.Column("location_id", sa.LargeBinary(32), nullable=False),
        sa.Column("fields", sa.LargeBinary, nullable=False),
        sa.Column("published_in", sa.Integer),
        sa.Column("retracted_in", sa.Integer),
    )
    op.create_table(
        "bundles",
        sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("breaker", sa.Boolean, nullable=False),
        sa.Column("revoked", sa.LargeBinary, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("made_up", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "proposals",
        sa.Column("proposal_id", sa.LargeBinary(16), primary_key=True),
        sa.Column("venue_id", sa.LargeBinary(16), nullable=False, index=True),
        sa.Column("room", sa.String(32), nullable=False),
        sa.Column("realm", sa.String(64), nullable=False),
        sa.Column("start", sa.BigInteger, nullable=False),
        sa.Column("end", sa.BigInteger, nullable=False),
        sa.Column("evidence", sa.Text, nullable=False),
        sa.Column("received", sa.BigInteger, nullable=False, index=True),
        sa.Column("decided", sa.BigInteger),
        sa.Column("decided_by", sa.String(64), nullable=False),
        sa.Column("accepted", sa.Boolean),
        sa.Column("reason", sa.String(200), nullable=False),
    )
    op.create_table(
        "warrants",
        sa.Column("warrant_id", sa.LargeBinary(16), primary_key=True),
        sa.Column("venue_id", sa.LargeBinary(16), nullable=False, index=True),
        sa.Column("realm", sa.String(64), nullable=False),
        sa.Column("start", sa.BigInteger, nullable=False),
        sa.Column("end", sa.BigInteger, nullable=False),
        sa.Column("issued", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False, index=True),
        sa.Column("requested", sa.LargeBinary, nullable=False),
        sa.Column("requested_by", sa.String(64), nullable=False),
        sa.Column("approved", sa.LargeBinary),
        sa.Column("approved_by", sa.String(64), nullable=False),
    )
    op.create_table(
        "warrant_answers",
        sa.Column("warrant_id", sa.LargeBinary(16), primary_key=True),
        sa.Column("room", sa.String(32), primary_key=True),
        sa.Column("part", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("last", sa.Boolean, nullable=False),
        sa.Column("received", sa.BigInteger, nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("released", sa.LargeBinary),
        sa.Column("untold", sa.LargeBinary),
    )
    op.create_table(
        "switches",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("on", sa.Boolean, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
    )
