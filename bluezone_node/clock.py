"""Clocks: the machine's, one that jumps for tests, and one that runs at another's pace.

All three satisfy ``ports.Clock``.  Instants are UTC-aware.
"""

import asyncio
import heapq
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count

from bluezone_node.intervals import from_unix


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class SimClock:
    """Time that stands still while anything runs and jumps when every task waits.

    The order of events is the same in every run: sleepers wake by time due, then by who lay down
    first.  Two weeks of a node pass in about a second.  Work that the event loop cannot see (a
    thread, another process) is wrapped in `held`, or time jumps on while it lasts.
    """

    _QUIET_ROUNDS = 2
    """Rounds of the event loop with nothing to run before time jumps: one lets the loop look at
    its sockets, the next runs what they brought."""

    def __init__(self, start: datetime) -> None:
        self._monotonic = 0.0
        self._wall_start = start
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()
        self._holders = 0
        self._watching = False

    def now(self) -> datetime:
        return self._wall_start + timedelta(seconds=self._monotonic)

    def monotonic(self) -> float:
        return self._monotonic

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        loop = asyncio.get_running_loop()
        woken: asyncio.Future[None] = loop.create_future()
        heapq.heappush(self._sleepers, (self._monotonic + seconds, next(self._order), woken))
        self._watch(loop)
        await woken

    def set_wall(self, instant: datetime) -> None:
        """Set the wall clock, as an administrator or a time server does; monotonic goes on."""
        self._wall_start = instant - timedelta(seconds=self._monotonic)

    def jump(self, delta: timedelta) -> None:
        """Move the wall clock by *delta*; monotonic goes on."""
        self._wall_start += delta

    def advance(self, seconds: float) -> None:
        """Let *seconds* pass at once, for code that does not sleep; who is due is woken."""
        until = self._monotonic + seconds
        while (due := self._next_due()) is not None and due <= until:
            self._wake(due)
        self._monotonic = until

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep time from jumping while work is done outside the event loop."""
        self._holders += 1
        try:
            yield
        finally:
            self._holders -= 1
            if self._sleepers:
                self._watch(asyncio.get_running_loop())

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._watching:
            self._watching = True
            loop.call_soon(self._look, loop, 0)

    def _look(self, loop: asyncio.AbstractEventLoop, quiet: int) -> None:
        """Jump if nothing ran for some rounds; else look again after everything that is ready."""
        if loop._ready:  # type: ignore[attr-defined] # noqa: SLF001 - no public way to ask
            quiet = -1
        elif quiet >= self._QUIET_ROUNDS:
            if self._holders:
                self._watching = False
                return
            if (due := self._next_due()) is not None:
                self._wake(due)
            quiet = -1
        if self._sleepers:
            loop.call_soon(self._look, loop, quiet + 1)
        else:
            self._watching = False

    def _next_due(self) -> float | None:
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)  # cancelled: time does not stop for them
        return self._sleepers[0][0] if self._sleepers else None

    def _wake(self, due: float) -> None:
        """Move time to *due* and wake everyone who sleeps until then."""
        self._monotonic = max(self._monotonic, due)
        while self._sleepers and self._sleepers[0][0] <= self._monotonic:
            _wake(heapq.heappop(self._sleepers)[2])


FASTEST_PACE = 1_000_000.0
"""Simulated seconds in a second: a year in half a minute; beyond it no process keeps up."""


@dataclass(frozen=True, slots=True)
class Segment:
    """From one instant on, simulated time passes at one pace."""

    wall: float
    """CLOCK_MONOTONIC seconds at which it begins; all processes of a machine share that clock."""
    simulated: float
    """Unix seconds of simulated time at that instant."""
    pace: float
    """Simulated seconds per wall second, above 0."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """Simulated time as a function of the wall's: segments ascending, each continuing the last."""

    segments: tuple[Segment, ...]

    def at(self, wall: float) -> float:
        """Return the simulated Unix seconds at *wall*."""
        segment = self.segments[0]
        for later in self.segments[1:]:
            if later.wall > wall:
                break
            segment = later
        return segment.simulated + (wall - segment.wall) * segment.pace

    def wall_at(self, simulated: float) -> float:
        """Return when simulated time will be, or was, *simulated* Unix seconds."""
        segment = self.segments[0]
        for later in self.segments[1:]:
            if later.simulated > simulated:
                break
            segment = later
        return segment.wall + (simulated - segment.simulated) / segment.pace

    def with_pace(self, wall: float, pace: float) -> "Timeline":
        """Return this line up to *wall* and *pace* from there; later changes are dropped."""
        kept = tuple(segment for segment in self.segments if segment.wall < wall)
        return Timeline((*kept, Segment(wall, self.at(wall), pace)))

    def since(self, wall: float) -> "Timeline":
        """Return this line without the segments that ended before *wall*."""
        over = sum(1 for segment in self.segments[1:] if segment.wall <= wall)
        return Timeline(self.segments[over:])


class PacedClock:
    """Follows a timeline that somebody announces; a change of pace reaches who sleeps already."""

    def __init__(
        self, timeline: Timeline, *, release: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self._timeline = timeline
        self._release = release
        self._sleepers: set[asyncio.Future[None]] = set()

    @property
    def timeline(self) -> Timeline:
        return self._timeline

    def now(self) -> datetime:
        return from_unix(self.monotonic())

    def monotonic(self) -> float:
        return self._timeline.at(time.monotonic())

    async def sleep(self, seconds: float) -> None:
        due = self.monotonic() + seconds
        if seconds <= 0:
            await asyncio.sleep(0)
        loop = asyncio.get_running_loop()
        while (wait := self._timeline.wall_at(due) - time.monotonic()) > 0:
            woken: asyncio.Future[None] = loop.create_future()
            alarm = loop.call_later(wait, _wake, woken)
            self._sleepers.add(woken)
            try:
                await woken
            finally:
                alarm.cancel()
                self._sleepers.discard(woken)

    def announce(self, timeline: Timeline) -> None:
        """Follow *timeline* from now on; sleepers work out anew how long they have to wait."""
        self._timeline = timeline
        for sleeper in self._sleepers:
            _wake(sleeper)

    async def close(self) -> None:
        """Let go of whoever announces; the clock runs on at the paces last announced."""
        if self._release is not None:
            await self._release()


def _wake(sleeper: asyncio.Future[None]) -> None:
    if not sleeper.done():
        sleeper.set_result(None)
