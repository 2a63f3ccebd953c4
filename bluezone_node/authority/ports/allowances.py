"""How often something may be done, counted where all worker processes see it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Rate:
    """So many at once, and as many again in each period, evenly spread."""

    number: int
    period: timedelta

    @property
    def interval(self) -> timedelta:
        """After which one more is allowed."""
        return self.period / self.number


class Allowances(Protocol):
    """Buckets that are taken from and fill up again. Every method is one transaction, and blocks.

    A bucket is named by 32 bytes, a digest: what it is for is not to be read from it.
    """

    def take(self, bucket: bytes, rate: Rate, now: datetime) -> timedelta:
        """Take one and return 0; or take nothing and return how long until one is allowed."""

    def wait(self, bucket: bytes, rate: Rate, now: datetime) -> timedelta:
        """Return what `take` would, and take nothing."""

    def forget(self, now: datetime) -> int:
        """Remove the buckets that are full again; return how many."""
