"""The authority's databases of one test, on SQLite or on PostgreSQL, opened as often as wanted."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from bluezone_node.authority.ports.allowances import Allowances
from bluezone_node.authority.ports.exposures import Changes, Exposure, ExposureStore
from bluezone_node.authority.ports.imports import ImportStore
from bluezone_node.authority.ports.registry import RegistryStore
from bluezone_node.authority.ports.tally import Tally
from bluezone_node.authority.ports.windows import WindowStore
from bluezone_node.export.keys import KeyRow
from bluezone_node.store.authority import (
    allowances,
    exposure_tables,
    exposures,
    imports,
    registry,
    registry_tables,
    windows,
)
from bluezone_node.store.authority.database import Database
from bluezone_node.store.authority.postgres import parse_url
from bluezone_node.store.authority.schema import Layout
from bluezone_node.store.authority.tally import SqlTally

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)

SQL = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


class Kept:
    """Where a test's databases are: each call opens a store anew, as another process would."""

    def __init__(self, folder: Path, url: str | None) -> None:
        self._folder = folder
        self._url = None if url is None else parse_url(url)
        self._opened = ExitStack()

    def registry_engine(self) -> Engine:
        return self._open(registry_tables.LAYOUT)

    def registry(self) -> RegistryStore:
        return registry.SqlRegistry(self._open(registry_tables.LAYOUT))

    def allowances(self) -> Allowances:
        return allowances.SqlAllowances(self._open(registry_tables.LAYOUT))

    def tally(self) -> Tally:
        return SqlTally(self._open(registry_tables.LAYOUT), registry_tables.daily_counts)

    def exposures(self, origin: str = "") -> ExposureStore:
        return exposures.SqlExposures(self._open(exposure_tables.LAYOUT), origin)

    def windows(self, origin: str = "") -> WindowStore:
        return windows.SqlWindows(self._open(exposure_tables.LAYOUT), origin)

    def imports(self) -> ImportStore:
        return imports.SqlImports(self._open(exposure_tables.LAYOUT))

    def close(self) -> None:
        self._opened.close()

    def _open(self, layout: Layout) -> Engine:
        engine = Database(layout, self._folder / f"{layout.name}.db", self._url).open()
        self._opened.callback(engine.dispose)
        return engine


def kept_in(request: pytest.FixtureRequest, folder: Path) -> Iterator[Kept]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    kept = Kept(folder, url)
    yield kept
    kept.close()


def exposure(number: int, hours: float = 0, **changes: object) -> Exposure:
    """Return a key that arrived *hours* after noon."""
    made = Exposure(
        bytes([number]) * 16, 2956032, 144, 2, "likely", -1, NOON + hours * HOUR, b"o" * 32
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def adding(*added: Exposure) -> Callable[[Mapping[bytes, Exposure], datetime | None], Changes]:
    return lambda _stored, _drawn: Changes(added=added)


def rows_of(blocks: Iterator[Sequence[KeyRow]]) -> list[KeyRow]:
    """Return what a `WindowStore` yields, as one list of plain tuples."""
    return [tuple(row) for block in blocks for row in block]  # type: ignore[misc]
