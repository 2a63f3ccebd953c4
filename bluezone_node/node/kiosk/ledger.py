"""What a desk is given and what it answers: the ledger on the disk, a register, rules, an entry."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Literal, Protocol

from bluezone_node.venues.checkins import Checkin
from bluezone_node.venues.opening import Opening
from bluezone_node.venues.register import Contact, SealedContact

Mode = Literal["both", "in", "out"]


class Movement(Enum):
    """What a scan did."""

    IN = "in"
    OUT = "out"
    SAME = "same"
    """It was scanned a moment ago, or again while inside: nothing but the time changed."""


@dataclass(frozen=True, slots=True)
class Entered:
    """What was written into the ledger."""

    movement: Movement
    entry: Checkin
    inside: int
    """People inside now."""
    slip: str = field(default="", repr=False)
    """Six letters of the slip that was made."""


@dataclass(frozen=True, slots=True)
class DeskRules:
    """How a place wants its door."""

    mode: Mode = "both"
    """Ways in and out at one kiosk, or one of them only."""
    capacity: int | None = None
    """People that the place holds; None: nobody counts."""
    hosts: Collection[str] = ()
    """That a place's link may lead to."""


USUAL_RULES = DeskRules()


class CheckinStore(Protocol):
    """The ledger on the disk. Every method is one transaction, and blocks."""

    def add_checkin(self, entry: Checkin, contact: SealedContact | None = None) -> int:
        """Append *entry*, and the row of the register that goes with it; return its number."""

    def change_checkins(self, entries: Collection[Checkin]) -> None: ...

    def checkins(self, start: datetime, end: datetime) -> list[Checkin]:
        """Return who came in [start, end), in that order."""

    def checkins_inside(self) -> list[Checkin]: ...

    def day_key(self, day: int, fresh: bytes) -> bytes:
        """Return the key of *day*, which is *fresh* where there was none."""

    def end_days(self, first: int, last: int) -> None:
        """Destroy the keys of all days but *first* to *last*, and the digests made with them."""

    def forget_checkins(self, before: datetime) -> int:
        """Erase who came before that; return how many entries there were."""


class ContactSealer(Protocol):
    """Where names are sealed, if the law requires a register of this kind of place."""

    def seal(self, contact: Contact, came: datetime, nonce: bytes | None) -> SealedContact:
        """Return the row of *contact*. *nonce*: of the device's code, by which it knows its own.

        Raises:
            Refused: it does not say enough of the visitor.
        """

    def openings(self) -> list[Opening]:
        """Return who opened the register, oldest first."""
