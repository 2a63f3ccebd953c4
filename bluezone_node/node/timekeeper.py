"""Notice when the wall clock is set: a Raspberry Pi has no clock of its own at boot.

Keys and encounters are named by wall-clock time.  A jump is logged and counted, the identifier
on the air is renewed for the new time, and nothing is forgotten on the word of a clock that has
just moved.
"""

import logging
from collections.abc import Callable

from bluezone_node.ports import Clock

log = logging.getLogger(__name__)

CHECK_EVERY = 5.0
"""Seconds between looks: an identifier of the wrong time is on the air no longer than this."""

TOLERATED = 2.0
"""Seconds of difference between the clocks that slewing and scheduling explain."""

SETTLED_AFTER = 3600.0
"""Seconds after a jump during which the new time is not yet trusted to delete by."""


class Timekeeper:
    """Compares the wall clock with the monotonic one."""

    def __init__(self, clock: Clock, jumped: Callable[[], None]) -> None:
        self._clock = clock
        self._jumped = jumped
        self._offset, _ = self._measure()
        self._last_jump: float | None = None
        self.jumps = 0
        """How often the wall clock was set since the node started."""

    def settled(self) -> bool:
        """Whether the wall clock has not been set lately."""
        return self._last_jump is None or self._clock.monotonic() - self._last_jump >= SETTLED_AFTER

    async def run(self) -> None:
        while True:
            await self._clock.sleep(CHECK_EVERY)
            self.look()

    def look(self) -> None:
        """Compare once; tell of a jump."""
        offset, doubt = self._measure()
        moved = offset - self._offset
        if abs(moved) <= TOLERATED + doubt:
            return
        self._offset = offset
        self.jumps += 1
        self._last_jump = self._clock.monotonic()
        log.warning("the wall clock was set by %+.0f s", moved)
        self._jumped()

    def _measure(self) -> tuple[float, float]:
        """Return wall minus monotonic, and by how much it may be off, in seconds.

        Two clocks cannot be read at one instant: whatever happens in between (another process,
        a simulation that runs 20 000 times faster) is doubt, not a jump.
        """
        before = self._clock.monotonic()
        wall = self._clock.now().timestamp()
        after = self._clock.monotonic()
        return wall - (before + after) / 2, (after - before) / 2
