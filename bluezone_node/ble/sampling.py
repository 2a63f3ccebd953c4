"""How often each neighbour is heard: whether there are enough samples to judge a distance by."""

from collections import Counter
from statistics import median

MINUTE = 60.0

MOST_NEIGHBOURS = 1000
"""Counted in one minute: more than fit into a radio's reach, so a flood does not fill memory."""


class Sampling:
    """Counts by neighbour and minute; keeps no identifier longer than that."""

    def __init__(self, now: float) -> None:
        self._began = now
        self._counts: Counter[bytes] = Counter()
        self._last: float | None = None

    def heard(self, identifier: bytes, now: float) -> None:
        """Count one packet of *identifier* at *now* (monotonic seconds)."""
        self._turn(now)
        if identifier in self._counts or len(self._counts) < MOST_NEIGHBOURS:
            self._counts[identifier] += 1

    def per_minute(self, now: float) -> float | None:
        """Return the median over all neighbours in the last whole minute; None: nobody."""
        self._turn(now)
        return self._last

    def _turn(self, now: float) -> None:
        passed = now - self._began
        if passed < MINUTE:
            return
        # After a gap of more than a minute the counts are not of the last one.
        fresh = self._counts if passed < 2 * MINUTE else Counter()
        self._last = float(median(fresh.values())) if fresh else None
        self._counts = Counter()
        self._began += passed // MINUTE * MINUTE
