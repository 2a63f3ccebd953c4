"""``authority.db``: published keys and the export batches made of them. It names nobody."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    Select,
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
from bluezone_node.store.authority.database import writing
from bluezone_node.store.authority.exposure_tables import export_batches, exposures

# Without the origin, which every statement names.
_EXPOSURE = [column for column in exposures.c if column.name != "origin"]
_BATCH = [column for column in export_batches.c if column.name != "origin"]

_LOOKUP_CHUNK = 500
"""Keys in one IN (…): SQLite stops at 999 parameters where it is old."""


class SqlExposures:
    """`ExposureStore` on any database that SQLAlchemy speaks to."""

    def __init__(self, engine: Engine, origin: str = "") -> None:
        """*origin*: of whom the keys are; empty: this authority's own."""
        self._engine = engine
        self._origin = origin

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
                among = exposures.c.key.in_(keys[first : first + _LOOKUP_CHUNK])
                # FOR UPDATE holds the rows where writers run side by side; SQLite has one.
                rows = db.execute(self._ordered(among).with_for_update())
                stored.update((row.key, _exposure(row)) for row in rows)
            changes = decide(stored, db.scalar(self._newest_end()))
            self._add(db, sorted(changes.added, key=lambda exposure: exposure.key))
            for exposure in changes.revised:
                db.execute(
                    update(exposures)
                    .where(self._own(exposures), exposures.c.key == exposure.key)
                    .values(**_revision_columns(exposure.revision))
                )
            return changes

    def created_in(self, start: datetime, end: datetime) -> list[Exposure]:
        return self._select(exposures.c.created >= start, exposures.c.created < end)

    def revised_in(self, start: datetime, end: datetime) -> list[Exposure]:
        return self._select(exposures.c.revised >= start, exposures.c.revised < end)

    def oldest_created(self) -> datetime | None:
        with self._engine.begin() as db:
            oldest: datetime | None = db.scalar(
                select(func.min(exposures.c.created)).where(self._own(exposures))
            )
            return oldest

    def draw_batch(self, start: datetime, end: datetime, draw: Draw) -> None:
        created = (exposures.c.created >= start, exposures.c.created < end)
        revised = (exposures.c.revised >= start, exposures.c.revised < end)
        with writing(self._engine) as db:
            drawn = select(export_batches.c.start).where(
                self._own(export_batches), export_batches.c.start == start
            )
            if db.execute(drawn).first():
                return
            primary = [_exposure(row) for row in db.execute(self._ordered(*created))]
            among = select(func.count()).select_from(exposures).where(self._own(exposures))
            count = db.scalar(among.where(*revised)) or 0
            filling, batch = draw(primary, count)
            self._add(db, filling)
            db.execute(insert(export_batches).values(asdict(batch) | {"origin": self._origin}))

    def batches(self) -> list[ExportBatch]:
        with self._engine.begin() as db:
            kept = select(*_BATCH).where(self._own(export_batches))
            return [ExportBatch(*row) for row in db.execute(kept.order_by(export_batches.c.start))]

    def forget(self, before: datetime) -> int:
        with writing(self._engine) as db:
            newest = self._newest_end().scalar_subquery()
            batches = delete(export_batches).where(self._own(export_batches))
            db.execute(batches.where(export_batches.c.end <= before, export_batches.c.end < newest))
            stale = (
                self._own(exposures),
                exposures.c.created < before,
                exposures.c.revised.is_(None) | (exposures.c.revised < before),
            )
            return db.execute(delete(exposures).where(*stale)).rowcount

    def counts(self) -> ExposureCounts:
        with self._engine.begin() as db:
            keys = db.execute(
                select(func.count(), func.count(exposures.c.revised)).where(self._own(exposures))
            ).one()
            batches = db.scalar(select(func.count()).where(self._own(export_batches))) or 0
            newest = db.scalar(self._newest_end())
            return ExposureCounts(keys[0], keys[1], batches, newest)

    def _select(self, *where: ColumnElement[bool]) -> list[Exposure]:
        with self._engine.begin() as db:
            return [_exposure(row) for row in db.execute(self._ordered(*where))]

    def _own(self, table: Table) -> ColumnElement[bool]:
        return table.c.origin == self._origin

    def _ordered(self, *where: ColumnElement[bool]) -> Select[Any]:
        return select(*_EXPOSURE).where(self._own(exposures), *where).order_by(exposures.c.key)

    def _newest_end(self) -> Select[Any]:
        return select(func.max(export_batches.c.end)).where(self._own(export_batches))

    def _add(self, db: Connection, added: Sequence[Exposure]) -> None:
        if added:
            rows = [_columns(exposure) | {"origin": self._origin} for exposure in added]
            db.execute(insert(exposures), rows)


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
