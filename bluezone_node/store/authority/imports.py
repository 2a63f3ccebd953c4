"""Imported keys in ``authority.db``, beside one's own, and the ledger of the files they came in."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import (
    Connection,
    Engine,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from bluezone_node.authority.ports.exposures import Exposure, Revision
from bluezone_node.authority.ports.imports import (
    ImportCounts,
    ImportedFile,
    ImportSource,
    Read,
    Settle,
    Taken,
)
from bluezone_node.store.authority.alone import alone
from bluezone_node.store.authority.database import writing
from bluezone_node.store.authority.exposure_rows import add, forget_keys, newest_end, of_origin
from bluezone_node.store.authority.exposure_tables import (
    exposures,
    import_sources,
    imported_files,
)

_CHUNK = 500
"""Values in one IN (…): SQLite stops at 999 parameters where it is old."""

_REVISE = (
    update(exposures)
    .where(exposures.c.key == bindparam("of_key"), exposures.c.origin == bindparam("of_origin"))
    .values(
        revised_report_type=bindparam("to_type"),
        revised_days_since_onset=bindparam("to_days"),
        revised=bindparam("at"),
    )
)


class SqlImports:
    """`ImportStore` on any database that SQLAlchemy speaks to."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def alone(self, origin: str) -> AbstractContextManager[bool]:
        return alone(self._engine, f"import-{origin}")

    def put_source(self, source: ImportSource) -> None:
        with writing(self._engine, alone=False) as db:
            db.execute(delete(import_sources).where(of_origin(import_sources, source.origin)))
            db.execute(insert(import_sources).values(asdict(source)))

    def sources(self) -> list[ImportSource]:
        with self._engine.begin() as db:
            kept = select(import_sources).order_by(import_sources.c.origin)
            return [ImportSource(*row) for row in db.execute(kept)]

    def files(self, origin: str) -> list[ImportedFile]:
        with self._engine.begin() as db:
            kept = select(imported_files).where(of_origin(imported_files, origin))
            return [ImportedFile(*row) for row in db.execute(kept.order_by(imported_files.c.name))]

    def take(self, origin: str, read: Read, settle: Settle) -> ImportedFile:
        try:
            return self._take(origin, read, settle, alone=False)
        except IntegrityError:
            # Another took the same file, when its turn was over and ours had begun.
            return self._take(origin, read, settle, alone=True)

    def _take(self, origin: str, read: Read, settle: Settle, *, alone: bool) -> ImportedFile:
        offered = keys = revised = waiting = 0
        with writing(self._engine, alone=alone) as db:
            incoming = read(db.scalar(newest_end(origin)))
            for batch in incoming.keys:
                offered += len(batch)
                keys += _add_new(db, origin, batch)
            for revisions in incoming.revised:
                offered += len(revisions)
                changed, unknown = _revise(db, origin, revisions)
                revised += changed
                waiting += unknown
            file = settle(Taken(offered, keys, revised, waiting))
            _put(db, file)
            return file

    def note(self, file: ImportedFile) -> None:
        with writing(self._engine, alone=False) as db:
            _put(db, file)

    def drop(self, origin: str, names: Sequence[str]) -> None:
        with writing(self._engine, alone=False) as db:
            for first in range(0, len(names), _CHUNK):
                among = imported_files.c.name.in_(names[first : first + _CHUNK])
                db.execute(delete(imported_files).where(of_origin(imported_files, origin), among))

    def forget(self, before: datetime, kept: Collection[str]) -> int:
        return forget_keys(self._engine, exposures.c.origin.not_in(["", *kept]), before)

    def counts(self) -> list[ImportCounts]:
        keys = (
            select(exposures.c.origin, func.count(), func.count(exposures.c.revised))
            .where(exposures.c.origin != "")
            .group_by(exposures.c.origin)
        )
        bad = func.count(func.nullif(imported_files.c.problem, ""))
        files = select(imported_files.c.origin, func.count(), bad).group_by(imported_files.c.origin)
        with self._engine.begin() as db:
            stored = {origin: (number, changed) for origin, number, changed in db.execute(keys)}
            listed = {origin: (number, failed) for origin, number, failed in db.execute(files)}
        return [
            ImportCounts(origin, *stored.get(origin, (0, 0)), number - failed, failed)
            for origin in sorted({*stored, *listed})
            for number, failed in [listed.get(origin, (0, 0))]
        ]


def _stored(
    db: Connection, origin: str, keys: Sequence[bytes]
) -> dict[bytes, tuple[datetime, datetime | None]]:
    """Return when those of *keys* that are stored were created and revised; they are held."""
    found: dict[bytes, tuple[datetime, datetime | None]] = {}
    columns = (exposures.c.key, exposures.c.created, exposures.c.revised)
    for first in range(0, len(keys), _CHUNK):
        among = exposures.c.key.in_(keys[first : first + _CHUNK])
        asked = select(*columns).where(of_origin(exposures, origin), among)
        rows = db.execute(asked.order_by(exposures.c.key).with_for_update())
        found.update((key, (created, revised)) for key, created, revised in rows)
    return found


def _add_new(db: Connection, origin: str, batch: Sequence[Exposure]) -> int:
    # The first of two with the same key, as it is the first of two files that stands.
    by_key = {exposure.key: exposure for exposure in reversed(batch)}
    known = _stored(db, origin, sorted(by_key))
    new = [by_key[key] for key in sorted(by_key.keys() - known.keys())]
    add(db, origin, new)
    return len(new)


def _revise(db: Connection, origin: str, revisions: Mapping[bytes, Revision]) -> tuple[int, int]:
    """Return how many keys were revised, and how many are not known."""
    known = _stored(db, origin, sorted(revisions))
    rows = [
        {
            "of_key": key,
            "of_origin": origin,
            "to_type": revisions[key].report_type,
            "to_days": revisions[key].days_since_onset,
            "at": max(revisions[key].at, created),
        }
        for key, (created, before) in known.items()
        if before is None
    ]
    if rows:
        db.execute(_REVISE, rows)
    return len(rows), len(revisions) - len(known)


def _put(db: Connection, file: ImportedFile) -> None:
    line = (of_origin(imported_files, file.origin), imported_files.c.name == file.name)
    db.execute(delete(imported_files).where(*line))
    db.execute(insert(imported_files).values(asdict(file)))
