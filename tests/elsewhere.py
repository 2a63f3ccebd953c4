"""Other authorities, as an importer and a mirror meet them: their files, and a store in dicts."""

import random
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from bluezone_node.authority.distribution.imported import Terms
from bluezone_node.authority.distribution.importing import Import, Importer
from bluezone_node.authority.ports.exposures import Exposure
from bluezone_node.authority.ports.imports import (
    ImportCounts,
    ImportedFile,
    ImportSource,
    ImportStore,
    Read,
    Settle,
    Taken,
)
from bluezone_node.authority.settings import ImportSettings, PublisherSettings
from bluezone_node.clock import SimClock
from bluezone_node.crypto.signing import PublicKey
from bluezone_node.intervals import interval_at, rolling_start
from bluezone_node.ports import KeySource
from bluezone_node.proximity.model import DiagnosisKey, ReportType
from tests.sources import SIGNING_KEY, at_once

NOW = datetime(2026, 3, 10, 9, 30, tzinfo=UTC)
RETENTION = timedelta(days=14)


def key_of(number: int, days_ago: int = 1, **changes: object) -> DiagnosisKey:
    """Return the key that *number* stands for, valid on the day that long before `NOW`."""
    start = rolling_start(interval_at(NOW)) - 144 * days_ago
    made = DiagnosisKey(
        number.to_bytes(16, "big"), start, 144, ReportType.CONFIRMED_CLINICAL, 3, -1
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def settings_of(name: str = "laos", **changes: object) -> ImportSettings:
    """Return the settings of an import, of files as `tests.sources.signed_export` makes them."""
    chosen = {"url": "http://laos.example/exports", "public_keys": ["-"], "region": "VN"} | changes
    return ImportSettings(name=name, **chosen)  # type: ignore[arg-type]


def importer_of(
    source: KeySource,
    store: ImportStore,
    clock: SimClock,
    *,
    keys: Sequence[PublicKey] = (SIGNING_KEY.public_key(),),
    **changes: object,
) -> Importer:
    """Return the importer of one source, named as it is."""
    terms = Terms(
        settings_of(source.name, **changes), PublisherSettings(), random.Random(0).randbytes
    )
    return Importer(
        [Import(source, tuple(keys), terms)],
        store,
        clock,
        in_thread=at_once,
        retention=RETENTION,
    )


@dataclass
class MemoryImports:
    """`ImportStore` in dicts."""

    rows: dict[tuple[str, bytes], Exposure] = field(default_factory=dict)
    states: dict[str, ImportSource] = field(default_factory=dict)
    busy: set[str] = field(default_factory=set)
    lines: dict[tuple[str, str], ImportedFile] = field(default_factory=dict)
    drawn: dict[str, datetime] = field(default_factory=dict)
    """By origin, the end of the newest window."""

    @contextmanager
    def alone(self, origin: str) -> Iterator[bool]:
        if origin in self.busy:
            yield False
            return
        self.busy.add(origin)
        try:
            yield True
        finally:
            self.busy.remove(origin)

    def put_source(self, source: ImportSource) -> None:
        self.states[source.origin] = source

    def sources(self) -> list[ImportSource]:
        return [state for _, state in sorted(self.states.items())]

    def files(self, origin: str) -> list[ImportedFile]:
        return [line for (of, _), line in sorted(self.lines.items()) if of == origin]

    def take(self, origin: str, read: Read, settle: Settle) -> ImportedFile:
        rows = dict(self.rows)
        offered = keys = revised = waiting = 0
        incoming = read(self.drawn.get(origin))
        for batch in incoming.keys:
            offered += len(batch)
            for exposure in batch:
                keys += (origin, exposure.key) not in rows
                rows.setdefault((origin, exposure.key), exposure)
        for revisions in incoming.revised:
            offered += len(revisions)
            for key, revision in revisions.items():
                known = rows.get((origin, key))
                if known is None:
                    waiting += 1
                elif known.revision is None:
                    revised += 1
                    later = replace(revision, at=max(revision.at, known.created))
                    rows[origin, key] = replace(known, revision=later)
        line = settle(Taken(offered, keys, revised, waiting))
        self.rows = rows
        self.note(line)
        return line

    def note(self, file: ImportedFile) -> None:
        self.lines[file.origin, file.name] = file

    def drop(self, origin: str, names: Sequence[str]) -> None:
        for name in names:
            self.lines.pop((origin, name), None)

    def forget(self, before: datetime, kept: Collection[str]) -> int:
        still = {
            at: row
            for at, row in self.rows.items()
            if at[0] in kept
            or row.created >= before
            or (row.revision and row.revision.at >= before)
        }
        gone = len(self.rows) - len(still)
        self.rows = still
        return gone

    def counts(self) -> list[ImportCounts]:
        origins = sorted({origin for origin, _ in (*self.rows, *self.lines)})
        return [
            ImportCounts(
                origin,
                len(self._of(origin)),
                sum(row.revision is not None for row in self._of(origin)),
                sum(not line.problem for line in self.files(origin)),
                sum(bool(line.problem) for line in self.files(origin)),
            )
            for origin in origins
        ]

    def _of(self, origin: str) -> list[Exposure]:
        return [row for (of, _), row in self.rows.items() if of == origin]
