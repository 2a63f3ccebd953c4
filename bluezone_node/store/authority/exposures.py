"""``authority.db``: published keys, each taken once. It names nobody."""

from collections.abc import Sequence

from sqlalchemy import Engine, func, select, update
from sqlalchemy.exc import IntegrityError

from bluezone_node.authority.ports.exposures import Changes, Decide, Exposure, ExposureCounts
from bluezone_node.store.authority.database import writing
from bluezone_node.store.authority.exposure_rows import (
    add,
    by_key,
    exposure_of,
    newest_end,
    of_origin,
    revision_columns,
)
from bluezone_node.store.authority.exposure_tables import export_batches, exposures

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
                rows = db.execute(by_key(self._origin, among).with_for_update())
                stored.update((row.key, exposure_of(row)) for row in rows)
            changes = decide(stored, db.scalar(newest_end(self._origin)))
            add(db, self._origin, sorted(changes.added, key=lambda exposure: exposure.key))
            for exposure in changes.revised:
                db.execute(
                    update(exposures)
                    .where(of_origin(exposures, self._origin), exposures.c.key == exposure.key)
                    .values(**revision_columns(exposure.revision))
                )
            return changes

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
            newest = db.scalar(newest_end(self._origin))
            return ExposureCounts(keys[0], keys[1], batches, newest)
