"""One advertising set of a controller: what its host asked for, and when the next event is due."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.vm.radio.hci import Own
from tests.vm.radio.pdu import ADDRESS_BYTES, Kind, Pdu

SLOT = 0.000625
"""Seconds: the unit of every interval on HCI."""

LONGEST_DELAY = 0.010
"""advDelay: 0 to 10 ms at random are added to each interval (Vol 6 Part B §4.4.2.2)."""

SHARE_OF_RANGE = 0.6
"""Where in the range that the host allows the interval lies.

Not the middle: that of 200 to 270 ms makes 240 ms with advDelay, which beats with the 60 ms of
BlueZ's passive scan, so that whole runs of advertisements fall between two scan windows."""

DEFAULT_INTERVAL = 0x800


@dataclass(slots=True, eq=False)
class AdvertisingSet:
    """Legacy controllers have one, with the handle None, on the controller's own random address."""

    handle: int | None
    tx_power: int
    own_type: int = Own.PUBLIC
    random_address: bytes = bytes(ADDRESS_BYTES)
    shortest: int = DEFAULT_INTERVAL
    longest: int = DEFAULT_INTERVAL
    """Units of SLOT."""
    kind: Kind = Kind.ADV_IND
    data: bytes = b""
    response: bytes = b""
    lasts: float = 0.0
    """Seconds until it ends by itself; 0: it does not."""
    enabled: bool = False
    events: int = 0
    """Sent since it was enabled."""
    cancel: Callable[[], None] | None = None
    """Stops the events; set by the air while enabled."""

    @property
    def is_random(self) -> bool:
        return self.own_type in (Own.RANDOM, Own.RESOLVABLE_OR_RANDOM)

    def pdu(self, public: bytes) -> Pdu:
        """Return what is sent now by a controller whose own address is *public*."""
        address = self.random_address if self.is_random else public
        return Pdu(self.kind, address, self.is_random, self.data, self.tx_power, self.response)

    def until_next(self, chance: random.Random) -> float:
        """Return the seconds from one event to the next."""
        units = self.shortest + SHARE_OF_RANGE * (self.longest - self.shortest)
        return units * SLOT + chance.uniform(0, LONGEST_DELAY)
