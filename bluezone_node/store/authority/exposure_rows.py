"""A published key as a row, and back: what the publisher's and the exporter's stores share."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Select,
    Table,
    and_,
    delete,
    func,
    select,
    tuple_,
)

from bluezone_node.authority.ports.exposures import Exposure, Revision
from bluezone_node.intervals import to_unix
from bluezone_node.store.authority.bulk import add_rows
from bluezone_node.store.authority.database import writing
from bluezone_node.store.authority.exposure_tables import export_batches, exposures

# Those of an `Exposure`, in the order of its fields; every statement names the origin apart.
EXPOSURE = [column for column in exposures.c if column.name != "origin"]

_FORGOTTEN_AT_ONCE = 5_000
"""Keys removed in one transaction: publications wait no longer than a moment for it."""

_COLUMNS = [column.name for column in exposures.c]


def of_origin(table: Table, origin: str) -> ColumnElement[bool]:
    """Return the condition that a row came from *origin*; empty: from this authority."""
    return table.c.origin == origin


def by_key(origin: str, *where: ColumnElement[bool]) -> Select[Any]:
    """Return the query of the keys of *origin*, ascending; each row is `exposure_of`'s."""
    return select(*EXPOSURE).where(of_origin(exposures, origin), *where).order_by(exposures.c.key)


def newest_end(origin: str) -> Select[Any]:
    """Return the query of the end of the newest window drawn."""
    return select(func.max(export_batches.c.end)).where(of_origin(export_batches, origin))


def add(db: Connection, origin: str, added: Sequence[Exposure]) -> None:
    """Store new keys of *origin*."""
    add_rows(db, exposures, _COLUMNS, [_row(exposure, origin) for exposure in added])


def _row(exposure: Exposure, origin: str) -> tuple[object, ...]:
    revision = exposure.revision
    return (
        exposure.key,
        exposure.rolling_start,
        exposure.rolling_period,
        exposure.transmission_risk,
        exposure.report_type,
        exposure.days_since_onset,
        to_unix(exposure.created),
        exposure.owner,
        exposure.traveler,
        revision and revision.report_type,
        revision and revision.days_since_onset,
        revision and to_unix(revision.at),
        origin,
    )


def forget_keys(engine: Engine, whose: ColumnElement[bool], before: datetime) -> int:
    """Remove keys neither created nor revised since *before*; return how many."""
    stale = and_(
        whose,
        exposures.c.created < before,
        exposures.c.revised.is_(None) | (exposures.c.revised < before),
    )
    some = select(exposures.c.origin, exposures.c.key).where(stale).limit(_FORGOTTEN_AT_ONCE)
    # Said twice: a key that is revised while we look for it stays.
    removal = delete(exposures).where(tuple_(exposures.c.origin, exposures.c.key).in_(some), stale)
    forgotten = 0
    while True:
        with writing(engine, alone=False) as db:
            removed = db.execute(removal).rowcount
        forgotten += removed
        if removed < _FORGOTTEN_AT_ONCE:
            return forgotten


def exposure_of(row: Sequence[Any]) -> Exposure:
    values: list[Any] = list(row)
    report_type, days, at = values[-3:]
    exposure = Exposure(*values[:-3])
    return replace(exposure, revision=Revision(report_type, days, at)) if at else exposure
