"""Simulated time: announced by an air, and followed by everyone on this machine.

The air says from which instant of the wall simulated time passes at which pace.  All processes of
a machine share CLOCK_MONOTONIC, so all of them work out the same simulated time at every moment
without asking.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from bluezone_node.intervals import from_unix

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
