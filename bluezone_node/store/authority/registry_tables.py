"""The tables of ``registry.db``, or of the schema ``registry`` on PostgreSQL."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

from bluezone_node.store.authority.database import UnixTime
from bluezone_node.store.authority.schema import Layout
from bluezone_node.store.authority.tally import count_table

TABLES = MetaData()
LAYOUT = Layout("registry", TABLES, revision="0003")

# The columns of `codes` and `tokens` are the fields of their values, in name and in order.
codes = Table(
    "codes",
    TABLES,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("report_type", String(16), nullable=False),
    Column("symptom_date", Date),
    Column("test_date", Date),
    Column("created", UnixTime, nullable=False),
    Column("expires", UnixTime, nullable=False, index=True),
    Column("claimed", UnixTime),
    Column("handle", LargeBinary(16), unique=True),
    Column("kind", String(8), nullable=False, server_default="short"),
    Column("realm", String(64), nullable=False, server_default=""),
    Column("issuer", String(64), nullable=False, server_default=""),
    Column("revoked", UnixTime),
)

# No column ties a token to its code: after the claim only the device needs to know, and to find
# *claimed_with* takes its nonce.
tokens = Table(
    "tokens",
    TABLES,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("report_type", String(16), nullable=False),
    Column("symptom_date", Date),
    Column("created", UnixTime, nullable=False),
    Column("expires", UnixTime, nullable=False, index=True),
    Column("spent_on", LargeBinary(32)),
    Column("claimed_with", LargeBinary(32), unique=True),
    Column("realm", String(64), nullable=False, server_default=""),
)

daily_counts = count_table(TABLES)

# The columns of these three are the fields of `User`, `StoredSession` and `AuditEntry`, in order.
users = Table(
    "users",
    TABLES,
    Column("name", String(64), primary_key=True),
    Column("realm", String(64), nullable=False),
    Column("role", String(16), nullable=False),
    Column("password", String(255), nullable=False),
    Column("password_due", Boolean, nullable=False),
    Column("password_set", UnixTime, nullable=False),
    Column("totp_secret", LargeBinary, nullable=False),
    Column("totp_step", BigInteger),
    Column("failures", Integer, nullable=False),
    Column("locked_until", UnixTime),
    Column("disabled", UnixTime),
    Column("created", UnixTime, nullable=False),
)

sessions = Table(
    "sessions",
    TABLES,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("user", String(64), nullable=False, index=True),
    Column("created", UnixTime, nullable=False),
    Column("seen", UnixTime, nullable=False),
    Column("expires", UnixTime, nullable=False, index=True),
)

audit = Table(
    "audit",
    TABLES,
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("at", UnixTime, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("realm", String(64), nullable=False),
    Column("action", String(32), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("detail", Text, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
)

allowances = Table(
    "allowances",
    TABLES,
    Column("bucket", LargeBinary(32), primary_key=True),
    Column("until", BigInteger, nullable=False, index=True),
)

# Results of forms, until their page has been looked at; encrypted under keys that stand nowhere.
shown = Table(
    "shown",
    TABLES,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("expires", UnixTime, nullable=False, index=True),
    Column("sealed", LargeBinary),
)


# Places. A venue's name and its owner's telephone number are here; nothing of any visitor is.
# The columns are the fields of `Venue`, in order, and two to look it up by.
venues = Table(
    "venues",
    TABLES,
    Column("venue_id", LargeBinary(16), primary_key=True),
    Column("realm", String(64), nullable=False, index=True),
    Column("state", String(16), nullable=False),
    Column("name", String(96), nullable=False),
    Column("kind", Integer, nullable=False),
    Column("commune", Integer, nullable=False),
    Column("edition", Integer, nullable=False),
    Column("address", String(64), nullable=False),
    Column("opens", Integer),
    Column("closes", Integer),
    Column("stay_minutes", Integer, nullable=False),
    Column("flags", Integer, nullable=False),
    Column("rooms", Text, nullable=False),
    Column("contact", String(64), nullable=False),
    Column("claimed", UnixTime, nullable=False),
    Column("decided", UnixTime),
    Column("decided_by", String(64), nullable=False),
    Column("closed", UnixTime),
    Column("identity", LargeBinary(32), nullable=False, index=True),
    Column("searched", String(256), nullable=False),
)

# The official lists that places are named by. The columns are the fields of `Commune`, in order.
communes = Table(
    "communes",
    TABLES,
    Column("edition", Integer, primary_key=True, autoincrement=False),
    Column("code", Integer, primary_key=True, autoincrement=False),
    Column("name", String(96), nullable=False),
    Column("province", Integer, nullable=False),
)

# One row for each room and each rotation of it.
venue_cards = Table(
    "venue_cards",
    TABLES,
    Column("location_id", LargeBinary(32), primary_key=True),
    Column("venue_id", LargeBinary(16), nullable=False, index=True),
    Column("room", String(32), nullable=False),
    Column("spoken_code", String(8), nullable=False, index=True),
    Column("cose", LargeBinary, nullable=False),
    Column("from_day", Integer, nullable=False),
    Column("to_day", Integer, nullable=False),
    Column("issued", UnixTime, nullable=False),
    Column("revoked", UnixTime),
)

venue_claims = Table(
    "venue_claims",
    TABLES,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("code", LargeBinary(32), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("expires", UnixTime, nullable=False, index=True),
)

kiosks = Table(
    "kiosks",
    TABLES,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("venue_id", LargeBinary(16), nullable=False, index=True),
    Column("room", String(32), nullable=False),
    Column("number", Integer, nullable=False),
    Column("created", UnixTime, nullable=False),
    Column("revoked", UnixTime),
    Column("seen", UnixTime),
)

# What an officer decided; its sealed parts, one a card, are in `notice_parts` once it is released.
notices = Table(
    "notices",
    TABLES,
    Column("number", Integer, primary_key=True),
    Column("venue_id", LargeBinary(16), nullable=False, index=True),
    Column("room", String(32), nullable=False),
    Column("realm", String(64), nullable=False),
    Column("start", UnixTime, nullable=False),
    Column("end", UnixTime, nullable=False),
    Column("tail", Integer, nullable=False),
    Column("level", Integer, nullable=False),
    Column("advice", Integer, nullable=False),
    Column("min_overlap", Integer, nullable=False),
    Column("phone", String(32), nullable=False),
    Column("texts", Text, nullable=False),
    Column("issued", UnixTime, nullable=False),
    Column("issued_by", String(64), nullable=False),
    Column("expires", UnixTime, nullable=False, index=True),
    Column("released", UnixTime),
    Column("released_by", String(64), nullable=False),
    Column("retracted", UnixTime),
    Column("retracted_by", String(64), nullable=False),
    Column("replaces", Integer),
    Column("proposal", LargeBinary(16)),
)

notice_parts = Table(
    "notice_parts",
    TABLES,
    Column("notice_id", LargeBinary(16), primary_key=True),
    Column("number", Integer, nullable=False, index=True),
    Column("location_id", LargeBinary(32), nullable=False),
    Column("fields", LargeBinary, nullable=False),
    Column("published_in", Integer),
    Column("retracted_in", Integer),
)

bundles = Table(
    "bundles",
    TABLES,
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("created", UnixTime, nullable=False),
    Column("breaker", Boolean, nullable=False),
    Column("revoked", LargeBinary, nullable=False),
    Column("content", LargeBinary, nullable=False),
    # Joined ids of its made-up notices that none has retracted.
    Column("made_up", LargeBinary, nullable=False),
)

proposals = Table(
    "proposals",
    TABLES,
    Column("proposal_id", LargeBinary(16), primary_key=True),
    Column("venue_id", LargeBinary(16), nullable=False, index=True),
    Column("room", String(32), nullable=False),
    Column("realm", String(64), nullable=False),
    Column("start", UnixTime, nullable=False),
    Column("end", UnixTime, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("received", UnixTime, nullable=False, index=True),
    Column("decided", UnixTime),
    Column("decided_by", String(64), nullable=False),
    Column("accepted", Boolean),
    Column("reason", String(200), nullable=False),
)

# The columns are the fields of `StoredWarrant`, in name and in order.
warrants = Table(
    "warrants",
    TABLES,
    Column("warrant_id", LargeBinary(16), primary_key=True),
    Column("venue_id", LargeBinary(16), nullable=False, index=True),
    Column("realm", String(64), nullable=False),
    Column("start", UnixTime, nullable=False),
    Column("end", UnixTime, nullable=False),
    Column("issued", UnixTime, nullable=False),
    Column("expires", UnixTime, nullable=False, index=True),
    Column("requested", LargeBinary, nullable=False),
    Column("requested_by", String(64), nullable=False),
    Column("approved", LargeBinary),
    Column("approved_by", String(64), nullable=False),
)

# What kiosks of the place sent, each of its own register, in parts. The columns are the fields of
# `AnswerPart`, in name and in order.
warrant_answers = Table(
    "warrant_answers",
    TABLES,
    Column("warrant_id", LargeBinary(16), primary_key=True),
    Column("room", String(32), primary_key=True),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("last", Boolean, nullable=False),
    Column("received", UnixTime, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("released", LargeBinary),
    Column("untold", LargeBinary),
)

# Switches of the places: the breaker, by name.
switches = Table(
    "switches",
    TABLES,
    Column("name", String(32), primary_key=True),
    Column("on", Boolean, nullable=False),
    Column("since", UnixTime, nullable=False),
    Column("by", String(64), nullable=False),
)
