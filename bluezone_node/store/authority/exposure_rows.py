"""A published key as a row, and back: what the publisher's and the exporter's stores share."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, func, insert, select

from bluezone_node.authority.ports.exposures import Exposure, Revision
from bluezone_node.store.authority.exposure_tables import export_batches, exposures

# Those of an `Exposure`, in the order of its fields; every statement names the origin apart.
EXPOSURE = [column for column in exposures.c if column.name != "origin"]


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
    if added:
        rows = [_columns(exposure) | {"origin": origin} for exposure in added]
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
        **revision_columns(exposure.revision),
    }


def revision_columns(revision: Revision | None) -> dict[str, object]:
    return {
        "revised_report_type": revision and revision.report_type,
        "revised_days_since_onset": revision and revision.days_since_onset,
        "revised": revision and revision.at,
    }


def exposure_of(row: Row[Any]) -> Exposure:
    values: list[Any] = list(row)
    report_type, days, at = values[-3:]
    exposure = Exposure(*values[:-3])
    return replace(exposure, revision=Revision(report_type, days, at)) if at else exposure
