"""The importer: keys that other authorities export are kept beside one's own, by their origin.

A file is fetched, verified and stored with its line in the ledger in one transaction; whatever
fails is named in the ledger and tried again later, and stops neither other files nor other
sources.  Nothing here reaches one's own series of exports.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from bluezone_node.authority.distribution.imported import Terms
from bluezone_node.authority.ports.imports import (
    ImportedFile,
    ImportSource,
    ImportStore,
    Incoming,
    Taken,
)
from bluezone_node.crypto.signing import PublicKey
from bluezone_node.errors import BadExport, Unreachable
from bluezone_node.export.container import Export, open_verified
from bluezone_node.intervals import from_unix, interval_at
from bluezone_node.ports import Clock, InThread, KeySource

log = logging.getLogger(__name__)

MAX_LISTED = 10_000
"""Lines of an index: two weeks of a file each five minutes are 4 032."""
ROUND_FILES = 1_000
ROUND_BYTES = 1 << 30
ROUND_SECONDS = 900.0
"""Of one source in one round, after which the others have their turn and the next round goes on:
a server that drips may not keep them waiting, nor fill the disk unwatched."""
UNREACHABLE, INTERRUPTED = "unreachable", "interrupted"
BROKEN_OFF = (UNREACHABLE, INTERRUPTED)
"""Problems of a round that did not see the whole index."""
RETRY = timedelta(minutes=5)
"""After such a round; sooner only where the period is shorter."""
CLOCKS_DIFFER = timedelta(hours=1)
"""At most, between two machines that import, or before and after a clock was set."""
GONE_FILES = 3
"""So many files in a row that cannot be had are not files that vanished, but a lost connection."""
LONGEST_RETRY = timedelta(days=1)
"""Between two tries of a file that fails; doubled each time up to this."""

Item = TypeVar("Item")


class Stopped(Exception):
    """The server was told to stop in the middle of a file; nothing of it was stored."""


@dataclass(frozen=True, slots=True)
class Import:
    """One other authority: where its files are, whose signature they carry, on which terms."""

    exports: KeySource
    public_keys: tuple[PublicKey, ...] = field(repr=False)
    terms: Terms

    @property
    def origin(self) -> str:
        return self.terms.imports.name


@dataclass(frozen=True, slots=True)
class ImportRound:
    """What one round did with one source."""

    origin: str
    problem: str
    """Machine name; empty when all is well."""
    files: tuple[ImportedFile, ...]
    """Tried in this round, taken or not."""
    left: int = 0
    """Files that the next round goes on with."""


class Importer:
    """Takes what is new. `run` is safe to repeat at any time, and beside others."""

    def __init__(
        self,
        imports: Sequence[Import],
        store: ImportStore,
        clock: Clock,
        *,
        in_thread: InThread,
        retention: timedelta,
    ) -> None:
        self._imports = imports
        self._store = store
        self._clock = clock
        self._in_thread = in_thread
        self._retention = retention

    async def run(self, *, due: bool = False) -> list[ImportRound]:
        """Go over all sources once, or only over those whose period is over (*due*).

        Sources that another process is at are left out.
        """
        rounds = [await self._round(each, due=due) for each in self._imports]
        before = self._clock.now() - self._retention
        # What is handed out is the exporter's to forget, which still needs it for whole windows.
        handed_out = [each.origin for each in self._imports if each.terms.imports.republish]
        await self._in_thread(lambda _: self._store.forget(before, handed_out))
        return [each for each in rounds if each is not None]

    async def _round(self, source: Import, *, due: bool) -> ImportRound | None:
        with ExitStack() as held:
            if not await self._in_thread(
                lambda _: held.enter_context(self._store.alone(source.origin))
            ):
                return None
            now = self._clock.now()
            before = await self._state(source.origin)
            period = timedelta(minutes=source.terms.imports.period_minutes)
            wait = min(period, RETRY) if before.problem in BROKEN_OFF else period
            if due and _is_recent(before.tried, now, wait):
                return None
            # Until it is over, in case that it never is.
            state = replace(before, tried=now, problem=INTERRUPTED)
            await self._in_thread(lambda _: self._store.put_source(state))
            done = await _Round(source, self._store, self._clock, self._in_thread, now).take()
            after = replace(
                state, problem=done.problem, succeeded=before.succeeded if done.problem else now
            )
            await self._in_thread(lambda _: self._store.put_source(after))
            return done

    async def _state(self, origin: str) -> ImportSource:
        known = await self._in_thread(lambda _: self._store.sources())
        return next((each for each in known if each.origin == origin), ImportSource(origin))


def _is_recent(tried: datetime | None, now: datetime, within: timedelta) -> bool:
    """Tell whether *tried* lies less than *within* ago; the future is of a clock that was wrong."""
    return tried is not None and now - within < tried <= now


class _Round:
    """One round over one source."""

    def __init__(
        self,
        source: Import,
        store: ImportStore,
        clock: Clock,
        in_thread: InThread,
        now: datetime,
    ) -> None:
        self._source = source
        self._store = store
        self._clock = clock
        self._in_thread = in_thread
        self._now = now
        self._deadline = clock.monotonic() + ROUND_SECONDS
        self._bytes = ROUND_BYTES
        self._gone = 0
        self._tried: list[ImportedFile] = []

    async def take(self) -> ImportRound:
        origin = self._source.origin
        try:
            listed = list(dict.fromkeys(await self._source.exports.index()))
        except Unreachable as error:
            log.warning("import of %s: %s", origin, error)
            return ImportRound(origin, UNREACHABLE, ())
        if len(listed) > MAX_LISTED:
            log.warning("import of %s: its index has more than %d lines", origin, MAX_LISTED)
            return ImportRound(origin, "index_too_long", ())
        ledger = {
            file.name: file for file in await self._in_thread(lambda _: self._store.files(origin))
        }
        if vanished := sorted(ledger.keys() - set(listed)):
            await self._in_thread(lambda _: self._store.drop(origin, vanished))
        wanted = [name for name in listed if self._is_due(ledger.get(name))]
        left = await self._take_each(wanted, ledger)
        left += await self._take_each(await self._no_longer_waiting(listed, ledger), ledger)
        problems = [ledger[name].problem for name in listed if name in ledger]
        problem = UNREACHABLE if self._is_cut_off else next(filter(None, problems), "")
        return ImportRound(origin, problem, tuple(self._tried), left)

    @property
    def _is_cut_off(self) -> bool:
        return self._gone >= GONE_FILES

    def _is_due(self, known: ImportedFile | None) -> bool:
        if known is None or known.tried > self._now + CLOCKS_DIFFER:
            # What was taken in the future was judged by a clock that was wrong.
            return True
        if not known.problem:
            return False
        period = timedelta(minutes=self._source.terms.imports.period_minutes)
        # Not 2 to the power of a number that grows for weeks.
        wait = min(period * 2 ** min(known.attempts - 1, 16), LONGEST_RETRY)
        return not _is_recent(known.tried, self._now, wait)

    async def _no_longer_waiting(
        self, listed: Sequence[str], ledger: dict[str, ImportedFile]
    ) -> list[str]:
        """Return the files that revise keys which an older file may have brought by now.

        Only an older file: each new one would otherwise have them all fetched again.
        """
        brought = [file for file in self._tried if file.keys and not file.problem]
        waiting = [ledger[name] for name in listed if name in ledger and ledger[name].waiting]
        found = [file for file in waiting if any(_is_older(each, file) for each in brought)]
        for file in found:
            # They are due, also where this round does not come to it.
            ledger[file.name] = replace(file, problem=INTERRUPTED)
            await self._note(ledger[file.name])
        return [file.name for file in found]

    async def _take_each(self, names: Sequence[str], ledger: dict[str, ImportedFile]) -> int:
        """Take *names* in order, as far as the round's allowance goes; return how many are left."""
        for number, name in enumerate(names):
            spent = len(self._tried) >= ROUND_FILES or self._bytes <= 0
            if spent or self._is_cut_off or self._clock.monotonic() >= self._deadline:
                return len(names) - number
            file = await self._take(name, ledger.get(name))
            ledger[name] = file
            self._tried.append(file)
        return 0

    async def _take(self, name: str, known: ImportedFile | None) -> ImportedFile:
        source, now = self._source, self._clock.now()
        line = known or ImportedFile(source.origin, name, now, 0)
        line = replace(line, tried=now, attempts=line.attempts + 1, problem="")
        try:
            data = await source.exports.fetch(name)
            self._gone = 0
            self._bytes -= len(data)
            export = await self._in_thread(
                lambda _: open_verified(data, source.public_keys, now_interval=interval_at(now))
            )
            source.terms.check(export, now)
        except Unreachable as error:
            self._gone += 1
            return await self._failed(replace(line, problem="file_unreachable"), error)
        except BadExport as error:
            return await self._failed(replace(line, problem=error.reason), error)
        return await self._in_thread(
            lambda stopping: self._store.take(
                source.origin,
                partial(_read, source.terms, export, now, stopping),
                partial(_settled, line, export),
            )
        )

    async def _failed(self, line: ImportedFile, error: Exception) -> ImportedFile:
        log.warning("import of %s: %s", line.origin, error)
        await self._note(line)
        return line

    async def _note(self, line: ImportedFile) -> None:
        await self._in_thread(lambda _: self._store.note(line))


def _is_older(one: ImportedFile, other: ImportedFile) -> bool:
    if one.window_end is None or other.window_end is None or one.name == other.name:
        return False
    return one.window_end <= other.window_end


def _read(
    terms: Terms,
    export: Export,
    now: datetime,
    stopping: Callable[[], bool],
    drawn: datetime | None,
) -> Incoming:
    return Incoming(
        _unless(stopping, terms.keys(export, now, drawn)),
        _unless(stopping, terms.revised(export, now, drawn)),
    )


def _settled(line: ImportedFile, export: Export, taken: Taken) -> ImportedFile:
    return replace(
        line,
        window_end=from_unix(export.end_timestamp),
        keys=line.keys + taken.keys,
        revised=line.revised + taken.revised,
        left_out=export.key_count + export.revised_key_count - taken.offered,
        waiting=taken.waiting,
    )


def _unless(stopping: Callable[[], bool], batches: Iterable[Item]) -> Iterator[Item]:
    for batch in batches:
        if stopping():
            raise Stopped
        yield batch
