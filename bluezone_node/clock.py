"""Clocks: the machine's, and one that jumps, for tests and simulations.

Both satisfy ``ports.Clock``, as does the paced one of a simulated air (``ble.timeline``).
Instants are UTC-aware.
"""

import asyncio
import heapq
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count


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


def _wake(sleeper: asyncio.Future[None]) -> None:
    if not sleeper.done():
        sleeper.set_result(None)
