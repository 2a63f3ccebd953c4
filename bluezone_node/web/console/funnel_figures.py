"""From counts by day and province to the figures of one page: sums, shares, what is withheld."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from bluezone_node.authority.ports.tally import DayCount

REGISTRAR = ("codes_issued", "codes_claimed", "certificates")
PUBLISHER = ("uploads", "keys")
"""Withheld by the publisher where they are new or few."""
EVENTS = (*REGISTRAR, *PUBLISHER)


@dataclass(frozen=True, slots=True)
class Total:
    """How often something happened."""

    count: int
    withheld: bool
    """Some of it, or all, is withheld: there may be more."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What the page shows."""

    days: Sequence[date]
    by_day: dict[str, list[Total]]
    """Of each event one for each day."""
    totals: dict[str, Total]
    by_realm: dict[str, dict[str, Total]]
    """Of each province, by event; ascending by province."""
    published: bool
    """The publisher could be asked."""


def figures(
    first: date,
    last: date,
    registered: Iterable[DayCount],
    published: Iterable[DayCount] | None,
    realm: str | None = None,
) -> Figures:
    """Return the figures of *first* to *last*, both included.

    Args:
        registered: counts of the registrar.
        published: counts that the publisher lets go; what is missing is withheld, not zero.
            None: it could not be asked.
        realm: of one province only; None: of all.
    """
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    counts: dict[tuple[str, str, date], int] = defaultdict(int)
    for each in (*registered, *(published or ())):
        if realm in (None, each.realm) and each.event in EVENTS and first <= each.day <= last:
            counts[each.event, each.realm, each.day] += each.count
    realms = sorted({place for _, place, _ in counts} | ({realm} if realm else set()))
    events = EVENTS if published is not None else REGISTRAR

    def total(event: str, places: Sequence[str], among: Sequence[date]) -> Total:
        cells = [(event, place, day) for place in places for day in among]
        return Total(
            sum(counts.get(cell, 0) for cell in cells),
            event in PUBLISHER and any(cell not in counts for cell in cells),
        )

    return Figures(
        days,
        {event: [total(event, realms, [day]) for day in days] for event in events},
        {event: total(event, realms, days) for event in events},
        {place: {event: total(event, [place], days) for event in events} for place in realms},
        published is not None,
    )
