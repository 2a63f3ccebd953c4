"""The one notion of time that a node acts by: the wall clock's, once something vouches for it.

Keys and encounters are named by wall-clock time, and a Raspberry Pi has no clock of its own at
boot.  The timekeeper is a ``Clock``: it takes the wall clock's word when that can be believed, and
from then on goes by the monotonic clock, which nobody can set.  A wall clock that is set later is
followed only if something vouches for the new time; what vouched once need not go on doing so (the
kernel forgets its time server after nine hours without network).
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bluezone_node.node.trust import newest_entry, objection
from bluezone_node.ports import Clock, OnStore, Voucher, Witness

log = logging.getLogger(__name__)

CHECK_EVERY = 5.0
"""Seconds between looks: an identifier of the wrong time is on the air no longer than this."""

TOLERATED = 2.0
"""Seconds of difference between the clocks that slewing and scheduling explain."""

IN_QUEUE = 10.0
"""Seconds after the clock was set in which a reading may still be from before."""

_GOING_ON = "going on by the time known before"
_ONLY_LISTENING = "only listening until the time is known"


@dataclass(frozen=True, slots=True)
class TimeCondition:
    known: bool
    """Whether the node knows the time; while not, it only listens."""
    vouched_by: str
    """What vouched for it, in words; empty while it is not known."""
    problem: str
    """What speaks against the wall clock now, in words; empty: nothing."""
    jumps: int
    """How often the wall clock was set since the node started."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """Both clocks read at once, or as nearly as may be.

    Two clocks cannot be read at one instant: whatever happens in between (another process, a
    simulation that runs 20 000 times faster) is doubt, not a jump.
    """

    wall: datetime
    monotonic: float
    doubt: float

    def at(self, monotonic: float) -> datetime:
        """Return the time at *monotonic* if nobody had set the wall clock since."""
        return self.wall + timedelta(seconds=monotonic - self.monotonic)

    def moved(self, later: "_Reading") -> timedelta:
        """Return by how much the wall clock was set between this and *later*; 0: it was not."""
        moved = later.wall - self.at(later.monotonic)
        unset = abs(moved.total_seconds()) <= TOLERATED + self.doubt + later.doubt
        return timedelta(0) if unset else moved


class Timekeeper:
    """The node's clock. Satisfies ``ports.Clock``.

    While `known` is not set, `now` starts from whatever the wall clock said at first and goes on
    evenly, so that what is heard can be dated by the difference when the time becomes known.
    """

    def __init__(
        self, clock: Clock, witness: Witness, on_store: OnStore, released: date = date.min
    ) -> None:
        self._clock = clock
        self._witness = witness
        self._on_store = on_store
        self._released = released
        self._newest: datetime | None = None
        self._base = self._seen = self._read()
        self._moved_at: float | None = None
        self._voucher = Voucher.NOBODY
        self._problem = ""
        self._jumps = 0
        self._told: list[Callable[[timedelta], None]] = []
        self.known = asyncio.Event()
        """Set once the wall clock was believed; never cleared."""

    def now(self) -> datetime:
        """Return the time, UTC. It moves only when those told by `tell` are."""
        reading = self._read()
        moved = self._base.moved(reading)
        return self._base.at(reading.monotonic) if moved else reading.wall

    def monotonic(self) -> float:
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)

    def dated(self, at: datetime) -> datetime:
        """Return the time of *at*, which was read off the wall clock a moment ago.

        The same, unless the wall clock has been set and not been followed, or may have been
        between the two.
        """
        reading = self._read()
        if self._base.moved(reading):
            return self._base.at(reading.monotonic)
        lately = self._moved_at is not None and reading.monotonic - self._moved_at < IN_QUEUE
        return reading.wall if lately else at

    def tell(self, act: Callable[[timedelta], None]) -> None:
        """Call *act* when the time becomes known, and whenever it is set after that.

        It is given by how much the time moved; `now` is the new time already, and `known` is not
        set yet when this happens for the first time.
        """
        self._told.append(act)

    def condition(self) -> TimeCondition:
        known = self.known.is_set()
        vouched_by = self._voucher.value if known else ""
        return TimeCondition(known, vouched_by, self._problem, self._jumps)

    async def run(self) -> None:
        self._newest = await self._on_store(newest_entry)
        while True:
            self.look()
            await self._clock.sleep(CHECK_EVERY)

    def look(self) -> None:
        """Compare the clocks once, and believe the wall clock if something vouches for it."""
        reading = self._read()
        self._count_jump(reading)
        if self.known.is_set() and not self._base.moved(reading):
            self._problem = ""
            return
        voucher = self._witness(reading.wall)
        problem = objection(reading.wall, voucher, self._released, self._newest)
        if problem:
            self._complain(problem)
        elif not reading.moved(self._read()):
            # Else it was set while the witness was asked; who knows which time it meant.
            self._believe(reading, voucher)

    def _count_jump(self, reading: _Reading) -> None:
        if moved := self._seen.moved(reading):
            self._seen = reading
            self._jumps += 1
            log.warning("the wall clock was set by %+.0f s", moved.total_seconds())

    def _complain(self, problem: str) -> None:
        if problem != self._problem:
            known = self.known.is_set()
            log.warning("%s: %s", problem, _GOING_ON if known else _ONLY_LISTENING)
        self._problem = problem

    def _believe(self, reading: _Reading, voucher: Voucher) -> None:
        moved = self._base.moved(reading)
        if moved:
            self._moved_at = reading.monotonic
        self._base = reading
        self._voucher = voucher
        self._problem = ""
        log.info("the time is known: %s vouches for the clock", voucher.value)
        for act in self._told:
            act(moved)
        self.known.set()

    def _read(self) -> _Reading:
        before = self._clock.monotonic()
        wall = self._clock.now()
        after = self._clock.monotonic()
        return _Reading(wall, (before + after) / 2, (after - before) / 2)
