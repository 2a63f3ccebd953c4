"""A visit as a kiosk at the door knows it: when, by which way, how many; never who."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, IntFlag

from bluezone_node.venues import visits
from bluezone_node.venues.card import VIETNAM, Card, SignedCard
from bluezone_node.venues.visits import OutKind, Visit


class Way(Enum):
    """How somebody was checked in."""

    PASS = "pass"  # noqa: S105
    """The code on a visitor's own device."""
    TAP = "tap"
    """A device held to the kiosk, over Bluetooth."""
    PHONE = "phone"
    """A number that staff typed."""
    SLIP = "slip"
    """A slip of paper that the kiosk gave out."""
    PERSONAL_CODE = "personal_code"
    ID_CARD = "id_card"
    INSURANCE_CARD = "insurance_card"


class Doubt(IntFlag):
    """What speaks against taking an entry at its word."""

    UNVERIFIED = 1
    """Nothing shows that the person was there: a number can be typed from anywhere."""
    OFF_HOURS = 2
    """Outside the place's opening hours."""
    CLOCK = 4
    """Nothing vouched for the time."""
    FULL = 8
    """More were inside than the place holds."""


NO_DOUBT = Doubt(0)


@dataclass(frozen=True, slots=True)
class Checkin:
    """One entry of the kiosk's ledger."""

    id: int
    """0: not in the ledger yet."""
    came: datetime
    way: Way
    party: int = 1
    doubts: Doubt = NO_DOUBT
    left: datetime | None = None
    """None: inside."""
    ending: OutKind | None = None
    seen: datetime | None = None
    """When the same person was scanned last while inside; None: when they came, only."""
    digest: bytes = field(default=b"", repr=False)
    """Recognises the same person on the way out, under a key of the day; empty once that day is
    over."""


def expected_end(entry: Checkin, card: SignedCard) -> tuple[datetime, OutKind]:
    """Return when somebody who is not scanned again is taken to have left, and why."""
    return visits.expected_end(Visit(entry.came, entry.seen or entry.came, card=card))


def is_open(card: Card, at: datetime) -> bool:
    """Tell whether the place is open at that time, by the hours on its *card*."""
    if card.hours is None:
        return True
    opens, closes = card.hours
    here = at.astimezone(VIETNAM)
    minute = here.hour * 60 + here.minute
    if opens < closes:
        return opens <= minute < closes
    return minute >= opens or minute < closes
