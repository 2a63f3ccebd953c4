"""Visits: when somebody came to a place, when they left, and how that is known.

Nobody scans a code on the way out.  So the end of a visit is inferred, by the best that is known,
and which it was is kept: a scan on the way out, the next place, silence of the place's radio, or
else the earliest of the usual stay, closing time and midnight.

Kept "kín" (private), a visit that is over has neither name nor card: only a tag and a key for each
slot, as if it had been heard by radio.  They tell nobody without the card where that was, nor that
two visits were to one place, and open notices about those slots alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum

from bluezone_node.errors import BadInput
from bluezone_node.intervals import from_unix
from bluezone_node.venues.card import MAX_STAY, VIETNAM, CardFlag, SignedCard, day_number
from bluezone_node.venues.kinds import RULES, VenueKind
from bluezone_node.venues.tags import (
    AIR_TAG_BYTES,
    slot_key_of,
    slots_between,
    step_of,
    tags_of,
    venue_keys,
)
from bluezone_node.venues.text import Direction, Proof

VISIT_RETENTION = timedelta(days=21)
"""How long visits and bundles of notices are kept: as long as NHS Test and Trace kept venues, an
incubation of 14 days and a week in which a case becomes known."""
SILENCE = timedelta(minutes=5)
"""After a place's radio was heard last: a device looks once a minute, and misses some."""
LONGEST = timedelta(minutes=MAX_STAY)
MAX_PARTY = 20
"""People that one scan stands for: a large family. A coach has a list of its own, and registers and
kiosks take no more."""
PROOF_STEPS = 2
"""By so many times five minutes a proof may differ from the device's clock; an older one is of a
screen that was photographed."""

_OVERNIGHT = frozenset(
    {
        VenueKind.HEALTH_FACILITY,
        VenueKind.LODGING,
        VenueKind.TRANSPORT,
        VenueKind.RESIDENTIAL_BLOCK,
        VenueKind.FACTORY,
    }
)
"""Where people sleep, travel or work through the night: midnight tells nothing of them."""

_USUAL_STAY = timedelta(minutes=RULES[VenueKind.OTHER].stay_minutes)


class OutKind(Enum):
    """How the end of a visit is known, best first."""

    SCAN = "scan"
    """The visitor said so."""
    NEXT = "next"
    """They were seen at another place."""
    SILENCE = "silence"
    """The place's radio was not heard any more."""
    STAY = "stay"
    """So long a visit usually lasts."""
    CLOSING = "closing"
    MIDNIGHT = "midnight"
    EDITED = "edited"
    """Set afterwards by hand."""


GUESSED = frozenset({OutKind.SILENCE, OutKind.STAY, OutKind.CLOSING, OutKind.MIDNIGHT})
"""Ends that a scan on the way out still corrects."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What a visit without a card is matched by, for one slot."""

    tag: bytes = field(repr=False)
    """16 bytes, or the 12 that are on the air."""
    slot_key: bytes = field(repr=False)
    """10 bytes: unlock the notices that list the slot."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One stay at one place."""

    came: datetime
    confirmed: datetime
    """The last scan there."""
    label: str = field(default="", repr=False)
    """Name of the place; empty where it is not known, or not to be."""
    card: SignedCard | None = field(default=None, repr=False)
    """None for one that was only heard, is of another country's code, or private and over."""
    marks: tuple[Mark, ...] = field(default=(), repr=False)
    heard: datetime | None = None
    """When the place's radio was heard last."""
    left: datetime | None = None
    out: OutKind | None = None
    """None while it lasts."""
    party: int = 1
    proofs: tuple[Proof, ...] = field(default=(), repr=False)
    private: bool = False

    @property
    def is_staff(self) -> bool:
        return self.card is not None and bool(self.card.card.flags & CardFlag.STAFF_CODE)


@dataclass(frozen=True, slots=True)
class Seen:
    """One scan of one code."""

    at: datetime
    label: str = field(repr=False)
    card: SignedCard | None = field(default=None, repr=False)
    """None: a code of another country, kept as a diary."""
    direction: Direction | None = None
    party: int | None = None
    """None: not said."""
    proof: Proof | None = field(default=None, repr=False)
    private: bool = False


def arrive(visits: Sequence[Visit], seen: Seen) -> list[tuple[int, Visit]]:
    """Return which of *visits* (in order of time) the scan changes, and into what.

    A number beyond the last is a new one.  A code of the place where somebody is prolongs their
    visit, a code of another place ends it; one from the way out ends it, also where its end was
    only guessed.

    Raises:
        BadInput: reason ``party`` (out of 1..20) or ``not_checked_in``: a code from the way out of
            a place that the visitor was not known to be at.
    """
    if seen.party is not None and not 1 <= seen.party <= MAX_PARTY:
        raise BadInput(f"One scan stands for 1 to {MAX_PARTY} people.", reason="party")
    if seen.direction == "out":
        return [_departed(visits, seen)]
    settled = [(number, settle(visit, seen.at)) for number, visit in enumerate(visits)]
    changed = {number: visit for number, visit in settled if visit is not visits[number]}
    lasting = {number: visit for number, visit in settled if visit.left is None}
    here = [number for number, visit in lasting.items() if _is_at(visit, seen.card)]
    for number, visit in lasting.items():
        if number in here[-1:]:
            changed[number] = _prolonged(visit, seen)
        else:
            changed[number] = _over(visit, seen.at, OutKind.NEXT)
    if not here:
        changed[len(visits)] = _began(seen)
    return sorted(changed.items())


def leave(visit: Visit, at: datetime) -> Visit:
    """Return *visit* ended by its visitor, who knows better than a guess of the same day.

    Raises:
        BadInput: reason ``not_checked_in``: it is over already.
    """
    if not may_leave(visit, at):
        raise BadInput("You are not checked in anywhere.", reason="not_checked_in")
    return _over(visit, at, OutKind.SCAN)


def may_leave(visit: Visit, at: datetime) -> bool:
    """Tell whether *visit* lasts, or its end is a guess of today."""
    guessed = settle(visit, at)
    today = day_number(visit.came) == day_number(at)
    return guessed.left is None or (guessed.out in GUESSED and today and visit.came <= at)


def settle(visit: Visit, now: datetime) -> Visit:
    """Return *visit* as it stands at *now*: over where its end can be told."""
    if visit.left is not None:
        return visit
    end, kind = expected_end(visit)
    return _over(visit, end, kind) if end <= now else visit


def expected_end(visit: Visit) -> tuple[datetime, OutKind]:
    """Return when a visit that lasts will be taken to be over, and why."""
    if visit.heard is not None:
        return max(visit.heard, visit.confirmed) + SILENCE, OutKind.SILENCE
    ends = []
    card = visit.card.card if visit.card is not None else None
    if not visit.is_staff:
        stay = card.stay if card is not None else _USUAL_STAY
        ends.append((visit.confirmed + stay, OutKind.STAY))
    if card is not None and card.hours is not None:
        ends.append((_closing_after(visit.confirmed, card.hours), OutKind.CLOSING))
    elif card is None or card.kind not in _OVERNIGHT:
        ends.append((_midnight_after(visit.confirmed), OutKind.MIDNIGHT))
    ends.append((visit.came + LONGEST, OutKind.STAY))
    # Of two at one moment the first in the list.
    return min(ends, key=lambda end: end[0])


def edit(visit: Visit, came: datetime, left: datetime, now: datetime) -> Visit:
    """Return *visit* with other times, marked as set by hand.

    Raises:
        BadInput: reason ``visit_times``: it would end before it begins, last longer than a day,
            lie ahead or too long ago; or its place is not known, so that it can only be shortened.
    """
    within = visit.came <= came and (visit.left is None or left <= visit.left)
    if not (came < left <= now and left - came <= LONGEST and now - came < VISIT_RETENTION):
        raise BadInput(
            "A visit ends after it began, within 23 hours and 45 minutes, and not in the future.",
            reason="visit_times",
        )
    # Marks are of the slots that it had, and no more can be made of them.
    if visit.marks and not within:
        raise BadInput(
            "Of a visit whose place is not kept, the times can only be shortened.",
            reason="visit_times",
        )
    return _over(replace(visit, came=came), left, OutKind.EDITED)


def entered_afterwards(seen: Seen, until: datetime | None, now: datetime) -> Visit:
    """Return a visit that somebody remembers: begun at ``seen.at``, over by *now*, set by hand.

    Raises:
        BadInput: reason ``visit_times`` or ``party``, as of `edit` and `arrive`.
    """
    [(_, begun)] = arrive((), replace(seen, direction=None))
    left = until or min(expected_end(begun)[0], now)
    return edit(begun, seen.at, left, now)


def marks_of(visit: Visit, end: datetime) -> tuple[Mark, ...]:
    """Return what *visit* is matched by, until *end* where it lasts."""
    if visit.card is None:
        return visit.marks
    keys, slots = venue_keys(visit.card.payload), slots_between(visit.came, visit.left or end)
    return tuple(
        Mark(tag, slot_key_of(keys.note, slot))
        for slot, tag in zip(slots, tags_of(keys, slots), strict=True)
    )


def _began(seen: Seen) -> Visit:
    return Visit(
        seen.at,
        seen.at,
        seen.label,
        seen.card,
        party=seen.party or 1,
        proofs=_proofs((), seen),
        private=seen.private,
    )


def _departed(visits: Sequence[Visit], seen: Seen) -> tuple[int, Visit]:
    for number, visit in reversed([*enumerate(visits)]):
        undecided = visit.out is None or visit.out in GUESSED
        recent = visit.came <= seen.at <= visit.came + LONGEST
        if undecided and recent and _is_at(visit, seen.card):
            known = replace(visit, card=seen.card, label=seen.label, marks=())
            proofs = _proofs(visit.proofs, seen)
            return number, _over(replace(known, proofs=proofs), seen.at, OutKind.SCAN)
    raise BadInput(
        "This is the code of a way out, and you were not checked in there.",
        reason="not_checked_in",
        hint="bluezone-node visit in CODE --at HH:MM enters a visit afterwards",
    )


def _prolonged(visit: Visit, seen: Seen) -> Visit:
    return replace(
        visit,
        # One that was only heard until now gets its name, and is heard no further by its tags.
        label=seen.label,
        card=seen.card,
        marks=(),
        confirmed=max(visit.confirmed, seen.at),
        party=seen.party or visit.party,
        proofs=_proofs(visit.proofs, seen),
        private=visit.private or seen.private,
    )


def _proofs(known: tuple[Proof, ...], seen: Seen) -> tuple[Proof, ...]:
    if seen.proof is None or abs(seen.proof.step - step_of(seen.at)) > PROOF_STEPS:
        return known
    # The first and the last say as much as all of them.
    return (*known[:1], seen.proof)


def _over(visit: Visit, left: datetime, out: OutKind) -> Visit:
    ended = replace(visit, left=max(left, visit.came), out=out)
    if not ended.private:
        return ended
    return replace(ended, label="", card=None, marks=marks_of(ended, left))


def _is_at(visit: Visit, card: SignedCard | None) -> bool:
    """Tell whether *visit* is to the place of *card*, by its card or by a tag of its slots."""
    if card is None:
        return False
    if visit.card is not None:
        return visit.card.location_id == card.location_id
    slots = slots_between(visit.came, visit.heard or visit.came)
    own = {tag[:AIR_TAG_BYTES] for tag in tags_of(venue_keys(card.payload), slots)}
    return any(mark.tag[:AIR_TAG_BYTES] in own for mark in visit.marks)


def _midnight_after(at: datetime) -> datetime:
    seconds = (day_number(at) + 1) * 86_400 - VIETNAM.utcoffset(None).total_seconds()
    return from_unix(seconds)


def _closing_after(at: datetime, hours: tuple[int, int]) -> datetime:
    today = _midnight_after(at) - timedelta(days=1)
    closing = today + timedelta(minutes=hours[1])
    # At the very minute it closes counts as the day before: nobody is let in then.
    return closing if closing > at else closing + timedelta(days=1)
