"""``authority.db``: published keys and the export batches made of them. It names nobody."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    Select,
    SmallInteger,
    String,
    Table,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from bluezone_node.authority.ports.exposures import (
    Changes,
    Decide,
    Draw,
    ExportBatch,
    Exposure,
    ExposureCounts,
    Revision,
)
from bluezone_node.store.authority.database import UnixTime, writing
from bluezone_node.store.authority.schema import Layout

TABLES = MetaData()
LAYOUT = Layout("authority", TABLES, revision="0001")

# The columns of each table stand in the order of the fields of its value.
_exposures = Table(
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
)

_batches = Table(
    "export_batches",
    TABLES,
    Column("start", UnixTime, primary_key=True, autoincrement=False),
    Column("end", UnixTime, nullable=False),
    Column("files", Integer, nullable=False),
    Column("max_records", Integer, nullable=False),
)

_LOOKUP_CHUNK = 500
"""Keys in one IN (…): SQLite stops at 999 parameters where it is old."""


class SqlExposures:
    """`ExposureStore` on any database that SQLAlchemy speaks to."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def publish(self, keys: Sequence[bytes], decide: Decide) -> Changes:
        try:
            return self._publish(keys, decide, alone=False)
        except IntegrityError:
            # Another stored one of the keys after we had looked for it; now nobody can.
            return self._publish(keys, decide, alone=True)

    def _publish(self, keys: Sequence[bytes], decide: Decide, *, alone: bool) -> Changes:
        # In one order, both reading and adding: of two that wait for one another one would fail.
        keys = sorted(keys)
        with writing(self._engine, alone=alone) as db:
            stored: dict[bytes, Exposure] = {}
            for first in range(0, len(keys), _LOOKUP_CHUNK):
                among = _exposures.c.key.in_(keys[first : first + _LOOKUP_CHUNK])
                # FOR UPDATE holds the rows where writers run side by side; SQLite has one.
                rows = db.execute(_ordered(among).with_for_update())
                stored.update((row.key, _exposure(row)) for row in rows)
            changes = decide(stored, db.scalar(select(func.max(_batches.c.end))))
            _add(db, sorted(changes.added, key=lambda exposure: exposure.key))
            for exposure in changes.revised:
                db.execute(
                    update(_exposures)
                    .where(_exposures.c.key == exposure.key)
                    .values(**_revision_columns(exposure.revision))
                )
            return changes

    def created_in(self, start: datetime, end: datetime) -> list[Exposure]:
        return self._select(_exposures.c.created >= start, _exposures.c.created < end)

    def revised_in(self, start: datetime, end: datetime) -> list[Exposure]:
        return self._select(_exposures.c.revised >= start, _exposures.c.revised < end)

    def oldest_created(self) -> datetime | None:
        with self._engine.begin() as db:
            oldest: datetime | None = db.scalar(select(func.min(_exposures.c.created)))
            return oldest

    def draw_batch(self, start: datetime, end: datetime, draw: Draw) -> None:
        created = (_exposures.c.created >= start, _exposures.c.created < end)
        revised = (_exposures.c.revised >= start, _exposures.c.revised < end)
        with writing(self._engine) as db:
            if db.execute(select(_batches.c.start).where(_batches.c.start == start)).first():
                return
            primary = [_exposure(row) for row in db.execute(_ordered(*created))]
            count = db.scalar(select(func.count()).select_from(_exposures).where(*revised)) or 0
            filling, batch = draw(primary, count)
            _add(db, filling)
            db.execute(insert(_batches).values(asdict(batch)))

    def batches(self) -> list[ExportBatch]:
        with self._engine.begin() as db:
            rows = db.execute(select(_batches).order_by(_batches.c.start))
            return [ExportBatch(*row) for row in rows]

    def forget(self, before: datetime) -> int:
        with writing(self._engine) as db:
            newest = select(func.max(_batches.c.end)).scalar_subquery()
            db.execute(delete(_batches).where(_batches.c.end <= before, _batches.c.end < newest))
            stale = (
                _exposures.c.created < before,
                _exposures.c.revised.is_(None) | (_exposures.c.revised < before),
            )
            return db.execute(delete(_exposures).where(*stale)).rowcount

    def counts(self) -> ExposureCounts:
        with self._engine.begin() as db:
            keys = db.execute(
                select(func.count(), func.count(_exposures.c.revised)).select_from(_exposures)
            ).one()
            batches = db.scalar(select(func.count()).select_from(_batches)) or 0
            newest = db.scalar(select(func.max(_batches.c.end)))
            return ExposureCounts(keys[0], keys[1], batches, newest)

    def _select(self, *where: ColumnElement[bool]) -> list[Exposure]:
        with self._engine.begin() as db:
            return [_exposure(row) for row in db.execute(_ordered(*where))]


def _ordered(*where: ColumnElement[bool]) -> Select[Any]:
    return select(_exposures).where(*where).order_by(_exposures.c.key)


def _add(db: Connection, exposures: Sequence[Exposure]) -> None:
    if exposures:
        db.execute(insert(_exposures), [_columns(exposure) for exposure in exposures])


def _columns(exposure: Exposure) -> dict[str, object]:
    return {
        "key": exposure.key,
        "rolling_start": exposure.rolling_start,
        "rolling_period": exposure.rolling_period,
        "transmission_risk": exposure.transmission_risk,
        "report_type": exposure.report_type,
        "days_since_onset": exposure.days_since_onset,
        "created": exposure.created,
        "owner": exposure.owner,
        "traveler": exposure.traveler,
        **_revision_columns(exposure.revision),
    }


def _revision_columns(revision: Revision | None) -> dict[str, object]:
    return {
        "revised_report_type": revision and revision.report_type,
        "revised_days_since_onset": revision and revision.days_since_onset,
        "revised": revision and revision.at,
    }


def _exposure(row: Row[Any]) -> Exposure:
    values: list[Any] = list(row)
    report_type, days, at = values[-3:]
    exposure = Exposure(*values[:-3])
    return replace(exposure, revision=Revision(report_type, days, at)) if at else exposure
