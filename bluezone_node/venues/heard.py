"""Places that were heard over the radio, and the visits that follow from that.

A tag that was heard has been sent, by whom is not said: somebody may record one and send it
elsewhere, later.  So a device keeps *when* it heard a tag, and whoever compares asks whether that
was the tag's own slot (`is_of`), or whether that lies in the window of the notice that lists it
(`matching`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from bluezone_node.venues.tags import (
    AIR_TAG_BYTES,
    AirTag,
    VenueKeys,
    slot_of,
    tags_of,
    venue_keys,
)
from bluezone_node.venues.visits import GUESSED, SILENCE, Mark, Visit, settle

SLOT_TOLERANCE = 1
"""Slots by which the place's clock may differ from the visitor's: each is vouched for, yet one of
the two may have been without network for days."""


@dataclass(frozen=True, slots=True)
class HeardTag:
    """One tag, and when it was heard."""

    air: AirTag = field(repr=False)
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class HeardStay:
    """A time near one place, by its tags: they follow one another from slot to slot."""

    tags: tuple[HeardTag, ...]
    """At least one, in order of time."""
    begins: bool = True
    """Whether it is told of for the first time; it is told again as it goes on."""

    @property
    def came(self) -> datetime:
        return self.tags[0].first

    @property
    def last(self) -> datetime:
        return self.tags[-1].last


def is_of(keys: VenueKeys, heard: HeardTag) -> bool:
    """Tell whether *heard* is of the place with *keys*, and was heard in its own slot."""
    first, last = slot_of(heard.first) - SLOT_TOLERANCE, slot_of(heard.last) + SLOT_TOLERANCE
    own = tags_of(keys, range(first, last + 1))
    return any(tag[:AIR_TAG_BYTES] == heard.air.tag for tag in own)


def visit_after(visit: Visit, stay: HeardStay) -> Visit | None:
    """Return *visit* as *stay* prolongs it; None where the two are not of one place and time.

    The visit is taken as it stood when the stay began: one of yesterday is over.
    An end that was guessed is taken back while the place is heard.  One that the visitor set, or
    another place, stands: then the visit is returned as it is.
    """
    visit = settle(visit, stay.came)
    if stay.last < visit.came or (visit.left is not None and stay.came > visit.left + SILENCE):
        return None
    if visit.card is not None:
        keys = venue_keys(visit.card.payload)
        its = [heard for heard in stay.tags if is_of(keys, heard)]
    else:
        known = {mark.tag[:AIR_TAG_BYTES] for mark in visit.marks}
        # One tag in common, and the whole stay is of that place.
        its = list(stay.tags) if any(heard.air.tag in known for heard in stay.tags) else []
    if not its:
        return None
    if visit.left is not None and visit.out not in GUESSED:
        return visit
    last = its[-1].last if visit.heard is None else max(visit.heard, its[-1].last)
    if visit.left is not None and last + SILENCE > visit.left:
        visit = replace(visit, left=None, out=None)
    marks = visit.marks
    if visit.card is None:
        marks += tuple(mark for mark in _marks(stay) if mark not in visit.marks)
    return replace(visit, heard=last, marks=marks)


def visit_of(stay: HeardStay) -> Visit:
    """Return the visit to a place of which nothing is known but that it was heard."""
    return Visit(stay.came, stay.came, marks=_marks(stay), heard=stay.last)


def enter(visits: Sequence[Visit], stay: HeardStay) -> tuple[int, Visit] | None:
    """Return which of *visits* (in order of time) the *stay* changes, and into what.

    A number beyond the last is a new one.  None: it changes nothing.  Of two visits to the place
    the later one counts.  A stay that goes on, and whose visit is not there any more, was forgotten
    by its owner, and stays so.
    """
    for number in reversed(range(len(visits))):
        changed = visit_after(visits[number], stay)
        if changed is not None:
            return None if changed == visits[number] else (number, changed)
    return (len(visits), visit_of(stay)) if stay.begins else None


def _marks(stay: HeardStay) -> tuple[Mark, ...]:
    return tuple(Mark(heard.air.tag, heard.air.slot_key) for heard in stay.tags)
