"""The windows of the export in ``authority.db``, and the keys that lie in each."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    Engine,
    Integer,
    case,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from bluezone_node.authority.ports.windows import (
    AFTER_AIR,
    LONGEST_WAIT,
    ExportBatch,
    Fill,
    files_of,
)
from bluezone_node.export.keys import KeyRow
from bluezone_node.intervals import ROLLING_PERIOD, interval_at
from bluezone_node.store.authority.alone import alone
from bluezone_node.store.authority.database import UnixTime, writing
from bluezone_node.store.authority.exposure_rows import (
    EXPOSURE,
    add,
    exposure_of,
    forget_keys,
    newest_end,
    of_origin,
)
from bluezone_node.store.authority.exposure_tables import export_batches, exposures

_BATCH = [column for column in export_batches.c if column.name != "origin"]
_KEY = [exposures.c.key, exposures.c.rolling_start, exposures.c.rolling_period]
_FIRST = [
    *_KEY,
    exposures.c.report_type,
    exposures.c.transmission_risk,
    exposures.c.days_since_onset,
]
_REVISED = [
    *_KEY,
    exposures.c.revised_report_type,
    exposures.c.transmission_risk,
    exposures.c.revised_days_since_onset,
]

_ROWS = 2_000
"""Read at a time: some 100 kB, and enough to spread the cost of a call over."""


class SqlWindows:
    """`WindowStore` on any database that SQLAlchemy speaks to."""

    def __init__(self, engine: Engine, origin: str = "") -> None:
        """*origin*: of whom the keys are; empty: this authority's own."""
        self._engine = engine
        self._origin = origin
        self._ours = of_origin(exposures, origin)
        self._our_batches = of_origin(export_batches, origin)

    def alone(self) -> AbstractContextManager[bool]:
        return alone(self._engine, f"export{self._origin and '-'}{self._origin}")

    def created_in(self, start: datetime, end: datetime) -> Iterator[Sequence[KeyRow]]:
        return self._rows(_FIRST, exposures.c.created >= start, exposures.c.created < end)

    def revised_in(self, start: datetime, end: datetime) -> Iterator[Sequence[KeyRow]]:
        return self._rows(_REVISED, exposures.c.revised >= start, exposures.c.revised < end)

    def oldest_created(self) -> datetime | None:
        with self._engine.begin() as db:
            oldest: datetime | None = db.scalar(
                select(func.min(exposures.c.created)).where(self._ours)
            )
            return oldest

    def waiting(self, after: datetime | None) -> int:
        query = select(func.count()).select_from(exposures).where(self._ours)
        if after is not None:
            query = query.where(or_(exposures.c.created >= after, exposures.c.revised >= after))
        with self._engine.begin() as db:
            return db.scalar(query) or 0

    def draw(self, batch: ExportBatch, least: int, fill: Fill) -> None:
        within = (self._ours, exposures.c.created >= batch.start, exposures.c.created < batch.end)
        some = select(exposures.c.created).where(*within).limit(least)
        with self._engine.begin() as db:
            # Keys are only added to a window: where there are enough, nobody need wait for this.
            enough = db.scalar(select(func.count()).select_from(some.subquery())) == least
        with writing(self._engine) as db:
            drawn = select(_BATCH[0]).where(self._our_batches, _BATCH[0] == batch.start)
            if db.execute(drawn).first():
                return
            real = [] if enough else db.execute(select(*EXPOSURE).where(*within)).all()
            if 0 < len(real) < least:
                add(db, self._origin, fill([exposure_of(row) for row in real]))
            db.execute(insert(export_batches).values(asdict(batch) | {"origin": self._origin}))

    def settle(self) -> None:
        for batch in self.batches():
            if batch.files is not None:
                continue
            records = 0
            with self._engine.begin() as db:
                for when in (exposures.c.created, exposures.c.revised):
                    among = select(func.count()).select_from(exposures).where(self._ours)
                    records += db.scalar(among.where(when >= batch.start, when < batch.end)) or 0
            with writing(self._engine, alone=False) as db:
                db.execute(
                    update(export_batches)
                    .where(self._our_batches, export_batches.c.start == batch.start)
                    .values(files=files_of(records, batch.max_records))
                )

    def batches(self) -> list[ExportBatch]:
        with self._engine.begin() as db:
            kept = select(*_BATCH).where(self._our_batches).order_by(export_batches.c.start)
            return [ExportBatch(*row) for row in db.execute(kept)]

    def withdraw(self, now: datetime) -> int:
        with writing(self._engine) as db:
            full = select(func.max(export_batches.c.end)).where(
                self._our_batches, export_batches.c.files.is_(None) | (export_batches.c.files > 0)
            )
            last = db.scalar(full)
            ahead = delete(export_batches).where(self._our_batches, export_batches.c.end > now)
            if last is not None:
                ahead = ahead.where(export_batches.c.start >= last)
            opened = db.execute(ahead).rowcount
            begin = max(now, db.scalar(newest_end(self._origin)) or now)
            later = begin + timedelta(days=1) + AFTER_AIR
            end = exposures.c.rolling_start + exposures.c.rolling_period
            stale = end <= literal(interval_at(now), Integer)
            # What says of itself that it is from the future is no honest phone's, and waits.
            due = end <= literal(interval_at(now) + ROLLING_PERIOD, Integer)
            back = case((stale, literal(begin, UnixTime)), else_=literal(later, UnixTime))
            for column in (exposures.c.created, exposures.c.revised):
                late = (self._ours, column > now + LONGEST_WAIT, due)
                db.execute(update(exposures).where(*late).values({column: back}))
            return opened

    def forget(self, before: datetime) -> int:
        with writing(self._engine) as db:
            newest = newest_end(self._origin).scalar_subquery()
            batches = delete(export_batches).where(self._our_batches)
            db.execute(batches.where(export_batches.c.end <= before, export_batches.c.end < newest))
        return forget_keys(self._engine, self._ours, before)

    def _rows(
        self, columns: Sequence[ColumnElement[Any]], *where: ColumnElement[bool]
    ) -> Iterator[Sequence[KeyRow]]:
        query = select(*columns).where(self._ours, *where).order_by(exposures.c.key)
        # The server keeps the rows, and we no more of them than these.
        with self._engine.connect().execution_options(yield_per=_ROWS) as db, db.begin():
            for rows in db.execute(query).partitions():
                yield cast("Sequence[KeyRow]", rows)
