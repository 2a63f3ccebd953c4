"""The tables of ``authority.db``, or of the schema ``authority`` on PostgreSQL."""

from sqlalchemy import Boolean, Column, Integer, LargeBinary, MetaData, SmallInteger, String, Table

from bluezone_node.store.authority.database import UnixTime
from bluezone_node.store.authority.schema import Layout
from bluezone_node.store.authority.tally import count_table

TABLES = MetaData()
LAYOUT = Layout("authority", TABLES, revision="0002")

# The columns stand in the order of the fields of their values; *origin* is empty for one's own,
# and else names the authority that they were imported from.
exposures = Table(
    "exposures",
    TABLES,
    Column("key", LargeBinary(16), primary_key=True),
    Column("rolling_start", Integer, nullable=False),
    Column("rolling_period", SmallInteger, nullable=False),
    Column("transmission_risk", SmallInteger, nullable=False),
    Column("report_type", String(16), nullable=False),
    Column("days_since_onset", SmallInteger),
    Column("created", UnixTime, nullable=False, index=True),
    Column("owner", LargeBinary(32), nullable=False),
    Column("traveler", Boolean, nullable=False),
    Column("revised_report_type", String(16)),
    Column("revised_days_since_onset", SmallInteger),
    Column("revised", UnixTime, index=True),
    Column("origin", String(64), primary_key=True, server_default=""),
)

export_batches = Table(
    "export_batches",
    TABLES,
    Column("start", UnixTime, primary_key=True, autoincrement=False),
    Column("end", UnixTime, nullable=False),
    Column("files", Integer),
    Column("max_records", Integer, nullable=False),
    Column("origin", String(64), primary_key=True, server_default=""),
)

# The columns of these two are the fields of their values, in name and in order.
import_sources = Table(
    "import_sources",
    TABLES,
    Column("origin", String(64), primary_key=True),
    Column("tried", UnixTime),
    Column("succeeded", UnixTime),
    Column("problem", String(64), nullable=False),
)

imported_files = Table(
    "imported_files",
    TABLES,
    Column("origin", String(64), primary_key=True),
    Column("name", String(512), primary_key=True),
    Column("tried", UnixTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("problem", String(64), nullable=False),
    Column("window_end", UnixTime),
    Column("keys", Integer, nullable=False),
    Column("revised", Integer, nullable=False),
    Column("left_out", Integer, nullable=False),
    Column("waiting", Integer, nullable=False),
)

daily_counts = count_table(TABLES)
