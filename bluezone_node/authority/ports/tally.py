"""Counts by day and province: what the funnel and the statistics are drawn from."""

from dataclasses import dataclass
from datetime import date
from typing import Protocol


@dataclass(frozen=True, slots=True)
class DayCount:
    """How often something happened in one province on one UTC day."""

    day: date
    realm: str
    """Empty where it is not known."""
    event: str
    """In snake_case; the services that count say which there are."""
    count: int


class Tally(Protocol):
    """What was counted. Counting itself is part of each transaction that is counted."""

    def days(self, first: date, last: date, realm: str | None = None) -> list[DayCount]:
        """Return the counts of *first* to *last*, both included, ascending; None: all realms."""
