"""What any service needs of the world: time, chance, threads, and somebody to tell."""

from collections.abc import Callable
from datetime import datetime
from enum import Enum
from typing import Protocol, TypeVar

from bluezone_node.alerts import Alert

Result = TypeVar("Result")


Entropy = Callable[[int], bytes]
"""Returns that many random bytes: the operating system's in earnest, seeded in tests."""


class Clock(Protocol):
    """Where time comes from. Simulated clocks run faster than the wall, or jump."""

    def now(self) -> datetime:
        """Return the wall-clock time, UTC-aware. It may jump when the system is set right."""

    def monotonic(self) -> float:
        """Return seconds that only ever go forward, at the pace of this clock."""

    async def sleep(self, seconds: float) -> None:
        """Wait until ``monotonic`` has advanced by *seconds*."""


class Voucher(Enum):
    """What vouches for a reading of the wall clock; the value is said to a person."""

    NOBODY = "nothing"
    OWNER = "its owner"
    HARDWARE = "a real-time clock"
    NETWORK = "the network"
    SIMULATION = "the simulated air"


Witness = Callable[[datetime], Voucher]
"""Says what vouches for a reading of the wall clock that was just taken."""


class InThread(Protocol):
    """Runs heavy work off the event loop.

    The work is given a function that says whether to stop: a thread cannot be cancelled, and a
    node that is told to stop has two seconds.
    """

    async def __call__(self, work: Callable[[Callable[[], bool]], Result]) -> Result: ...


class Notifier(Protocol):
    """Tells a person."""

    async def tell(self, alert: Alert) -> None: ...
