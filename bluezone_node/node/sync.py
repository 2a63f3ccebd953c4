"""Fetch what authorities sign, match it against the log and the visits, and tell of exposures.

For each source: read the index, take every file not yet matched, verify, match, write the ledger
line, what was matched and the alerts, and only then tell.  Whatever fails is named in the ledger
and in ``status`` and tried again; no failure ever raises an alert or skips a file for good.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Protocol

from bluezone_node.alerts import Alert
from bluezone_node.errors import DatabaseUnusable, Refused, Unreachable
from bluezone_node.intervals import RETENTION
from bluezone_node.node.chance import between
from bluezone_node.node.waiting import sleep_unless
from bluezone_node.ports import (
    Clock,
    Entropy,
    ExportRecord,
    ExportState,
    KeySource,
    NodeStore,
    Notifier,
    OnStore,
    SourceState,
)

log = logging.getLogger(__name__)

JITTER = 0.2
"""Share by which each wait differs: thousands of nodes must not call at the same second."""

FIRST_RETRY = 60.0
LONGEST_RETRY = 3600.0
"""Seconds between tries while something is wrong: doubled each time, an hour at most."""


class Source(Protocol):
    """Somewhere that signed files come from, and what becomes of each (`keys`, `notices`)."""

    @property
    def exports(self) -> KeySource: ...

    @property
    def keeps_index(self) -> bool:
        """Whether its index goes on listing what it listed before; files brought by hand do not."""

    @property
    def chained(self) -> bool:
        """Whether each file builds upon the one before: after one that fails the others wait."""

    def begin(self) -> None:
        """Begin a round: nothing that was read from the store in the last one holds."""

    async def prepare(self, now: datetime) -> None:
        """Fetch what is needed to believe the files.

        Raises:
            Unreachable: no answer, or not a usable one.
            Refused: it must not be believed.
        """

    async def wanted(self, listed: Sequence[str]) -> list[str]:
        """Return those names of an index that may be taken, or were taken last, oldest first."""

    async def take(
        self, data: bytes, record: ExportRecord, progress: Callable[[int], None]
    ) -> ExportRecord:
        """Verify *data*, keep what is in it, and return its ledger line, written as well.

        Raises:
            Refused: it must not be used.
        """

    async def verdict(self, now: datetime) -> str:
        """Return the machine name of what is wrong though all files were taken; empty: nothing."""


Judge = Callable[[datetime], Awaitable[list[Alert]]]
"""Weighs what was taken so far, stores the alerts, and returns those that are to be told."""


@dataclass(frozen=True, slots=True)
class Round:
    """What one pass over all sources did."""

    records: tuple[ExportRecord, ...]
    """Exports taken up in this round, matched or failed."""
    problems: tuple[SourceState, ...]
    """Sources with something wrong."""
    alerts: tuple[Alert, ...]
    """Alerts that are new or grew."""


class Sync:
    """Keeps the node up to date with what its authorities publish."""

    def __init__(
        self,
        sources: Sequence[Source],
        *,
        clock: Clock,
        on_store: OnStore,
        entropy: Entropy,
        judges: Sequence[Judge],
        notifier: Notifier,
        every: float,
    ) -> None:
        self._sources = sources
        self._clock = clock
        self._on_store = on_store
        self._entropy = entropy
        self._judges = judges
        self._notifier = notifier
        self._every = every
        self._asked = asyncio.Event()
        self.last_round: datetime | None = None

    def ask(self) -> None:
        """Sync now rather than at the next turn."""
        self._asked.set()

    async def due(self) -> bool:
        """Whether any source was last asked longer ago than a turn."""
        names = [source.exports.name for source in self._sources]
        states = await self._on_store(lambda s: [s.source_state(name) for name in names])
        now = self._clock.now()
        return any(
            state.last_attempt is None or (now - state.last_attempt).total_seconds() >= self._every
            for state in states
        )

    async def run(self) -> None:
        retry = FIRST_RETRY
        while True:
            self._asked.clear()
            try:
                troubled = bool((await self.once()).problems)
            except DatabaseUnusable as error:
                log.error("sync could not be written and will be tried again: %s", error)
                troubled = True
            wait = min(retry, self._every) if troubled else self._every
            retry = min(retry * 2, LONGEST_RETRY) if troubled else FIRST_RETRY
            wait *= between(1 - JITTER, 1 + JITTER, self._entropy)
            await sleep_unless(self._asked, self._clock, wait)

    async def once(self, progress: Callable[[int], None] = lambda _keys: None) -> Round:
        """Go over all sources once; *progress* is told how many keys were matched."""
        records: list[ExportRecord] = []
        states: list[SourceState] = []
        for source in self._sources:
            source.begin()
        for source in self._sources:
            state = await self._take(source, records, progress)
            await self._on_store(partial(_put_state, state))
            states.append(state)
        alerts = [alert for judge in self._judges for alert in await judge(self._clock.now())]
        for alert in alerts:
            await self._notifier.tell(alert)
        if alerts:
            now = self._clock.now()
            await self._on_store(lambda store: store.mark_told(alerts, now))
        self.last_round = self._clock.now()
        problems = tuple(state for state in states if state.problem)
        return Round(tuple(records), problems, tuple(alerts))

    async def _take(
        self, source: Source, records: list[ExportRecord], progress: Callable[[int], None]
    ) -> SourceState:
        """Take every file of *source* that is new or failed before; return its state."""
        name = source.exports.name
        now = self._clock.now()
        before = await self._on_store(lambda store: store.source_state(name))
        state = replace(before, last_attempt=now, problem="")
        try:
            offered = await source.exports.index()
            await source.prepare(now)
            listed = await source.wanted(offered)
            await self._on_store(lambda store: store.note_seen(name, listed, now))
            ledger = {r.name: r for r in await self._on_store(lambda s: s.export_records(name))}
            if source.keeps_index and _rolled_back(listed, ledger.values(), now, source.chained):
                state = replace(state, problem="rolled_back")
            for export in listed:
                known = ledger[export]
                if known.state is ExportState.MATCHED:
                    continue
                record = await self._take_one(source, export, known, progress)
                records.append(record)
                if record.state is ExportState.FAILED:
                    state = replace(state, problem=record.reason)
                    if source.chained:
                        break
            state = replace(state, problem=state.problem or await source.verdict(now))
        except Unreachable as error:
            log.warning("source %s: %s", name, error)
            return replace(state, problem="unreachable")
        except Refused as error:
            log.warning("source %s: %s", name, error)
            return replace(state, problem=error.reason)
        if state.problem:
            log.warning("source %s: %s", name, state.problem)
            return state
        return replace(state, last_success=now)

    async def _take_one(
        self,
        source: Source,
        export: str,
        known: ExportRecord,
        progress: Callable[[int], None],
    ) -> ExportRecord:
        name, now = source.exports.name, self._clock.now()
        record = ExportRecord(name, export, ExportState.VERIFIED, now, attempts=known.attempts + 1)
        try:
            return await source.take(await source.exports.fetch(export), record, progress)
        except Refused as error:
            log.warning("export refused: %s", error)
            failed = replace(record, state=ExportState.FAILED, reason=error.reason)
            await self._on_store(lambda store: store.record_export(failed, [], []))
            return failed


def _put_state(state: SourceState, store: NodeStore) -> None:
    store.put_source_state(state)


def _rolled_back(
    listed: Sequence[str], ledger: Iterable[ExportRecord], now: datetime, chained: bool
) -> bool:
    """Whether the index no longer lists the newest export that was matched, though not yet due.

    An authority drops files after fourteen days, oldest first.  A newest file that vanished means
    an old index is being served again, or another authority's.
    """
    matched = [record for record in ledger if record.state is ExportState.MATCHED]
    # Of a chain by its number: its authority's clock may have been set back in between.
    newest = max(
        matched,
        key=lambda record: (record.name if chained else "", record.end_timestamp),
        default=None,
    )
    return (
        newest is not None
        and newest.name not in listed
        and newest.end_timestamp > (now - RETENTION).timestamp()
    )
