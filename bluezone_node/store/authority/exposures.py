"""``authority.db``: published keys, each taken once. It names nobody."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import Connection, Engine, func, select, update
from sqlalchemy.exc import IntegrityError

from bluezone_node.authority.ports.exposures import Changes, Decide, Exposure, ExposureCounts
from bluezone_node.store.authority import brief
from bluezone_node.store.authority.database import writing
from bluezone_node.store.authority.exposure_rows import (
    add,
    by_key,
    exposure_of,
    newest_end,
    of_origin,
)
from bluezone_node.store.authority.exposure_tables import daily_counts, export_batches, exposures
from bluezone_node.store.authority.gathered import Gathered, Publication
from bluezone_node.store.authority.tally import count_all

_LOOKUP_CHUNK = 500
"""Keys in one IN (…): SQLite stops at 999 parameters where it is old."""


@dataclass(slots=True)
class _View:
    """What is stored, as each of several publications in one transaction finds it."""

    stored: dict[bytes, Exposure] = field(repr=False)
    added: dict[bytes, Exposure] = field(default_factory=dict, repr=False)
    revised: dict[bytes, Exposure] = field(default_factory=dict, repr=False)
    counted: Counter[tuple[date, str, str]] = field(default_factory=Counter)

    def of(self, keys: Iterable[bytes]) -> Mapping[bytes, Exposure]:
        return {key: self.stored[key] for key in keys if key in self.stored}

    def take(self, changes: Changes) -> None:
        for exposure in changes.added:
            self.added[exposure.key] = self.stored[exposure.key] = exposure
        for exposure in changes.revised:
            # One that was added a moment ago has no row yet to be revised.
            among = self.added if exposure.key in self.added else self.revised
            among[exposure.key] = self.stored[exposure.key] = exposure
        if (counted := changes.counted) is not None:
            for event, number in counted.events.items():
                self.counted[counted.day, counted.realm, event] += number


class SqlExposures:
    """`ExposureStore` on any database that SQLAlchemy speaks to."""

    def __init__(self, engine: Engine, origin: str = "") -> None:
        """*origin*: of whom the keys are; empty: this authority's own."""
        self._engine = engine
        self._origin = origin
        # Made once: making them took longer than running them.
        self._newest_end = newest_end(origin)
        self._gathered = Gathered(self._write)

    def publish(self, keys: Sequence[bytes], decide: Decide) -> Changes:
        return self._gathered.publish(keys, decide)

    async def publish_soon(self, keys: Sequence[bytes], decide: Decide) -> Changes:
        return await self._gathered.publish_soon(keys, decide)

    def _write(self, group: Sequence[Publication]) -> None:
        try:
            self._write_together(group, alone=False)
        except IntegrityError:
            # Another process stored one of the keys after we had looked for it; now nobody can.
            self._write_together(group, alone=True)

    def _write_together(self, group: Sequence[Publication], *, alone: bool) -> None:
        with writing(self._engine, alone=alone) as db:
            # In one order, both reading and adding: of two that wait for one another one would
            # fail.
            quick = db.dialect.name == "postgresql"
            keys = sorted({key for one in group for key in one.keys})
            stored, drawn = brief.find(db, self._origin, keys) if quick else self._find(db, keys)
            view = _View(stored)
            outcomes: list[Changes | Exception] = []
            for publication in group:
                try:
                    changes = publication.decide(view.of(publication.keys), drawn)
                except Exception as refusal:
                    outcomes.append(refusal)
                else:
                    view.take(changes)
                    outcomes.append(changes)
            add(db, self._origin, [view.added[key] for key in sorted(view.added)])
            self._revise(db, view.revised.values())
            # Last: these rows are everybody's, and are held until the commit.
            if quick:
                brief.count_and_commit(db, view.counted)
            else:
                count_all(db, daily_counts, view.counted)
        for publication, outcome in zip(group, outcomes, strict=True):
            publication.outcome = outcome

    def _find(
        self, db: Connection, keys: Sequence[bytes]
    ) -> tuple[dict[bytes, Exposure], datetime | None]:
        stored: dict[bytes, Exposure] = {}
        for first in range(0, len(keys), _LOOKUP_CHUNK):
            among = exposures.c.key.in_(keys[first : first + _LOOKUP_CHUNK])
            rows = db.execute(by_key(self._origin, among))
            stored.update((row.key, exposure_of(row)) for row in rows)
        return stored, db.scalar(self._newest_end)

    def _revise(self, db: Connection, revised: Iterable[Exposure]) -> None:
        for exposure in sorted(revised, key=lambda revised: revised.key):
            assert exposure.revision is not None  # noqa: S101 - that is what it is here for
            db.execute(
                update(exposures)
                .where(of_origin(exposures, self._origin), exposures.c.key == exposure.key)
                .values(
                    revised_report_type=exposure.revision.report_type,
                    revised_days_since_onset=exposure.revision.days_since_onset,
                    revised=exposure.revision.at,
                )
            )

    def counts(self) -> ExposureCounts:
        with self._engine.begin() as db:
            keys = db.execute(
                select(func.count(), func.count(exposures.c.revised)).where(
                    of_origin(exposures, self._origin)
                )
            ).one()
            batches = (
                db.scalar(select(func.count()).where(of_origin(export_batches, self._origin))) or 0
            )
            newest = db.scalar(self._newest_end)
            return ExposureCounts(keys[0], keys[1], batches, newest)
