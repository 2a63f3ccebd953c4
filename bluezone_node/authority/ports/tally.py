"""Counts by day and province: what the funnel and the statistics are drawn from."""

from collections.abc import Mapping
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


@dataclass(frozen=True, slots=True)
class Counted:
    """What one transaction adds to the counts."""

    day: date
    realm: str
    events: Mapping[str, int]


class Tally(Protocol):
    """What was counted. Counting itself is part of each transaction that is counted."""

    def days(self, first: date, last: date, realm: str | None = None) -> list[DayCount]:
        """Return the counts of *first* to *last*, both included, ascending; None: all realms."""


class PublicationStats(Protocol):
    """What the publisher tells of uploads: only what can be tied to nobody."""

    def days(self, first: date, last: date) -> list[DayCount]:
        """Return the counts of *first* to *last*, both included, that may be released.

        Raises:
            Unreachable: the publisher cannot be asked.
            AuthorityRefused: it does not believe us.
        """
