"""A limit on attempts per network address: eight digits can be guessed by whoever may try often.

A token bucket for each address, in memory: a restart forgives, and a restart is not for guessers.
"""

from collections import OrderedDict
from dataclasses import dataclass

from bluezone_node.authority.addresses import subscriber
from bluezone_node.ports import Clock

MAX_ADDRESSES = 20_000
"""Some 4 MB. The address that was quiet longest is forgotten first."""


@dataclass(slots=True)
class _Bucket:
    level: float
    at: float


class AddressLimit:
    """Allows *per_minute* attempts a minute to each address, with a burst of as many."""

    def __init__(self, clock: Clock, per_minute: int) -> None:
        self._clock = clock
        self._per_minute = per_minute
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def wait(self, address: str) -> float:
        """Take one attempt for *address*; return 0, or the seconds until one is allowed."""
        name, now = subscriber(address), self._clock.monotonic()
        bucket = self._buckets.setdefault(name, _Bucket(float(self._per_minute), now))
        self._buckets.move_to_end(name)
        if len(self._buckets) > MAX_ADDRESSES:
            self._buckets.popitem(last=False)
        gained = (now - bucket.at) * self._per_minute / 60
        bucket.level, bucket.at = min(float(self._per_minute), bucket.level + gained), now
        if bucket.level < 1:
            return (1 - bucket.level) * 60 / self._per_minute
        bucket.level -= 1
        return 0.0
