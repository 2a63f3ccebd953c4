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
LAYOUT = Layout("registry", TABLES, revision="0002")

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
