"""Fetch signed exports, match them against the log, and tell of exposures.

For each source: read the index, take every export not yet matched, verify, match, write the
ledger line, the matched keys and the alerts, and only then tell.  Whatever fails is named in the
ledger and in ``status`` and tried again; no failure ever raises an alert or skips a file for good.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import islice

from bluezone_node.alerts import Alert
from bluezone_node.crypto.signing import PublicKey
from bluezone_node.errors import BadExport, DatabaseUnusable, Unreachable
from bluezone_node.intervals import RETENTION, interval_at
from bluezone_node.node.chance import between
from bluezone_node.node.exposure import Yardstick, judge
from bluezone_node.node.matching import match_export, verify_export
from bluezone_node.node.waiting import sleep_unless
from bluezone_node.ports import (
    Clock,
    Entropy,
    ExportRecord,
    ExportState,
    InThread,
    KeySource,
    NodeStore,
    Notifier,
    OnStore,
    SourceState,
)
from bluezone_node.proximity.matching import HeardIndex
from bluezone_node.proximity.model import HeardIdentifier, IdentifierProtocol

log = logging.getLogger(__name__)

JITTER = 0.2
"""Share by which each wait differs: thousands of nodes must not call at the same second."""

FIRST_RETRY = 60.0
LONGEST_RETRY = 3600.0
"""Seconds between tries while something is wrong: doubled each time, an hour at most."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where exports come from, and whose signature they must carry."""

    exports: KeySource
    public_keys: tuple[PublicKey, ...]
    keeps_index: bool = True
    """Whether its index goes on listing what it listed before; files brought by hand do not."""


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
        yardstick: Yardstick,
        notifier: Notifier,
        every: float,
        in_thread: InThread,
    ) -> None:
        self._sources = sources
        self._clock = clock
        self._on_store = on_store
        self._entropy = entropy
        self._yardstick = yardstick
        self._notifier = notifier
        self._every = every
        self._in_thread = in_thread
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
        index = _LazyIndex(self._on_store, self._in_thread)
        for source in self._sources:
            state = await self._take(source, index, records, progress)
            await self._on_store(partial(_put_state, state))
            states.append(state)
        alerts = await self._on_store(
            lambda store: judge(store, self._yardstick, self._clock.now())
        )
        for alert in alerts:
            await self._notifier.tell(alert)
        if alerts:
            now = self._clock.now()
            await self._on_store(lambda store: store.mark_told(alerts, now))
        self.last_round = self._clock.now()
        problems = tuple(state for state in states if state.problem)
        return Round(tuple(records), problems, tuple(alerts))

    async def _take(
        self,
        source: Source,
        index: "_LazyIndex",
        records: list[ExportRecord],
        progress: Callable[[int], None],
    ) -> SourceState:
        """Take every export of *source* that is new or failed before; return its state."""
        name = source.exports.name
        now = self._clock.now()
        before = await self._on_store(lambda store: store.source_state(name))
        state = replace(before, last_attempt=now, problem="")
        try:
            listed = await source.exports.index()
            await self._on_store(lambda store: store.note_seen(name, listed, now))
            ledger = {r.name: r for r in await self._on_store(lambda s: s.export_records(name))}
            if source.keeps_index and _rolled_back(listed, ledger.values(), now):
                state = replace(state, problem="rolled_back")
            for export in listed:
                known = ledger[export]
                if known.state is ExportState.MATCHED:
                    continue
                record = await self._match(source, export, known, index, progress)
                records.append(record)
                if record.state is ExportState.FAILED:
                    state = replace(state, problem=record.reason)
        except Unreachable as error:
            log.warning("source %s: %s", name, error)
            return replace(state, problem="unreachable")
        if state.problem:
            log.warning("source %s: %s", name, state.problem)
            return state
        return replace(state, last_success=now)

    async def _match(
        self,
        source: Source,
        export: str,
        known: ExportRecord,
        index: "_LazyIndex",
        progress: Callable[[int], None],
    ) -> ExportRecord:
        name, now = source.exports.name, self._clock.now()
        record = ExportRecord(name, export, ExportState.VERIFIED, now, attempts=known.attempts + 1)
        try:
            data = await source.exports.fetch(export)
            verified = await self._in_thread(
                lambda _: verify_export(data, source.public_keys, interval_at(now))
            )
        except BadExport as error:
            log.warning("export refused: %s", error)
            failed = replace(record, state=ExportState.FAILED, reason=error.reason)
            await self._on_store(lambda store: store.record_export(failed, [], []))
            return failed
        record = replace(
            record,
            keys=verified.key_count,
            revised_keys=verified.revised_key_count,
            end_timestamp=verified.end_timestamp,
        )
        await self._on_store(lambda store: store.record_export(record, [], []))
        heard = await index.get()
        matches = await self._in_thread(
            lambda stopping: match_export(verified, heard, progress, stopping)
        )
        primary, revised = matches.attributed_to(name, export)
        done = replace(record, state=ExportState.MATCHED, matched_keys=len(primary))
        await self._on_store(lambda store: store.record_export(done, primary, revised))
        return done


class _LazyIndex:
    """The heard identifiers, read once a round and only if there is an export to match.

    In pieces: two weeks of a busy place take seconds to read, in which the minute that is due
    must be written, and a node that is told to stop must stop.
    """

    AT_ONCE = 5000
    """Identifiers read at a time: less than a tenth of a second."""

    def __init__(self, on_store: OnStore, in_thread: InThread) -> None:
        self._on_store = on_store
        self._in_thread = in_thread
        self._index: HeardIndex | None = None

    async def get(self) -> HeardIndex:
        if self._index is None:
            rows = await self._on_store(
                lambda store: store.heard_identifiers(IdentifierProtocol.GAEN)
            )
            heard: list[HeardIdentifier] = []
            # The iterator is only ever advanced on the store's own thread.
            while some := await self._on_store(lambda _: list(islice(rows, self.AT_ONCE))):
                heard += some
            self._index = await self._in_thread(lambda _: HeardIndex(heard))
        return self._index


def _put_state(state: SourceState, store: NodeStore) -> None:
    store.put_source_state(state)


def _rolled_back(listed: Sequence[str], ledger: Iterable[ExportRecord], now: datetime) -> bool:
    """Whether the index no longer lists the newest export that was matched, though not yet due.

    An authority drops files after fourteen days, oldest first.  A newest file that vanished means
    an old index is being served again, or another authority's.
    """
    matched = [record for record in ledger if record.state is ExportState.MATCHED]
    newest = max(matched, key=lambda record: record.end_timestamp, default=None)
    return (
        newest is not None
        and newest.name not in listed
        and newest.end_timestamp > (now - RETENTION).timestamp()
    )
