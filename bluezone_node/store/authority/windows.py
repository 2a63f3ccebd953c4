"""The windows of the export in ``authority.db``, and the keys that lie in each."""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import ColumnElement, Engine, delete, func, insert, select

from bluezone_node.authority.ports.exposures import Exposure
from bluezone_node.authority.ports.windows import Draw, ExportBatch
from bluezone_node.store.authority.database import writing
from bluezone_node.store.authority.exposure_rows import (
    add,
    by_key,
    exposure_of,
    newest_end,
    of_origin,
)
from bluezone_node.store.authority.exposure_tables import export_batches, exposures

_BATCH = [column for column in export_batches.c if column.name != "origin"]


class SqlWindows:
    """`WindowStore` on any database that SQLAlchemy speaks to."""

    def __init__(self, engine: Engine, origin: str = "") -> None:
        """*origin*: of whom the keys are; empty: this authority's own."""
        self._engine = engine
        self._origin = origin

    def created_in(self, start: datetime, end: datetime) -> list[Exposure]:
        return self._select(exposures.c.created >= start, exposures.c.created < end)

    def revised_in(self, start: datetime, end: datetime) -> list[Exposure]:
        return self._select(exposures.c.revised >= start, exposures.c.revised < end)

    def oldest_created(self) -> datetime | None:
        with self._engine.begin() as db:
            oldest: datetime | None = db.scalar(
                select(func.min(exposures.c.created)).where(of_origin(exposures, self._origin))
            )
            return oldest

    def draw_batch(self, start: datetime, end: datetime, draw: Draw) -> None:
        created = (exposures.c.created >= start, exposures.c.created < end)
        revised = (exposures.c.revised >= start, exposures.c.revised < end)
        with writing(self._engine) as db:
            drawn = select(export_batches.c.start).where(
                of_origin(export_batches, self._origin), export_batches.c.start == start
            )
            if db.execute(drawn).first():
                return
            primary = [exposure_of(row) for row in db.execute(by_key(self._origin, *created))]
            among = (
                select(func.count())
                .select_from(exposures)
                .where(of_origin(exposures, self._origin))
            )
            count = db.scalar(among.where(*revised)) or 0
            filling, batch = draw(primary, count)
            add(db, self._origin, filling)
            db.execute(insert(export_batches).values(asdict(batch) | {"origin": self._origin}))

    def batches(self) -> list[ExportBatch]:
        with self._engine.begin() as db:
            kept = select(*_BATCH).where(of_origin(export_batches, self._origin))
            return [ExportBatch(*row) for row in db.execute(kept.order_by(export_batches.c.start))]

    def forget(self, before: datetime) -> int:
        with writing(self._engine) as db:
            newest = newest_end(self._origin).scalar_subquery()
            batches = delete(export_batches).where(of_origin(export_batches, self._origin))
            db.execute(batches.where(export_batches.c.end <= before, export_batches.c.end < newest))
            stale = (
                of_origin(exposures, self._origin),
                exposures.c.created < before,
                exposures.c.revised.is_(None) | (exposures.c.revised < before),
            )
            return db.execute(delete(exposures).where(*stale)).rowcount

    def _select(self, *where: ColumnElement[bool]) -> list[Exposure]:
        with self._engine.begin() as db:
            return [exposure_of(row) for row in db.execute(by_key(self._origin, *where))]
