"""What may be said of a place when it is registered, checked before anything is kept."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from bluezone_node.authority.phones import parse_phone
from bluezone_node.authority.ports.venues import Venue, VenueState
from bluezone_node.errors import AuthorityRefused
from bluezone_node.venues.card import (
    MAX_ADDRESS_BYTES,
    MAX_NAME_BYTES,
    MAX_ROOM_BYTES,
    MAX_STAY,
    MIN_STAY,
    CardFlag,
    check_line,
)
from bluezone_node.venues.kinds import VenueKind
from bluezone_node.venues.names import composed

EDITION = 2
"""Of the list of communes: the one since 1 July 2025."""
MAX_COMMUNE = 99_999
MAX_ROOMS = 50
"""Of one place: each has a poster of its own."""
DAY_MINUTES = 1440
ALL_FLAGS = CardFlag(sum(CardFlag))


@dataclass(frozen=True, slots=True)
class VenueOrder:
    """What an owner or an officer says of a place."""

    name: str = field(repr=False)
    kind: int
    """`venues.kinds.VenueKind`."""
    commune: int
    realm: str = ""
    """Province; empty: the actor's own."""
    edition: int = EDITION
    address: str = field(default="", repr=False)
    opens: int | None = None
    closes: int | None = None
    """Minutes of the day; both or none."""
    stay_minutes: int = 0
    flags: CardFlag = CardFlag.CHECK_OUT_CODE
    rooms: tuple[str, ...] = field(default=(), repr=False)
    contact: str = field(default="", repr=False)
    """Telephone number; empty: none."""


def venue_of(order: VenueOrder, venue_id: bytes, realm: str, now: datetime) -> Venue:
    """Return the place, claimed *now*, with its names in their one writing.

    Raises:
        AuthorityRefused: reason ``invalid_phone``, ``venue_kind``, ``venue_commune``,
            ``venue_hours``, ``venue_stay`` or ``venue_rooms``.
        BadInput: reason ``text_malformed``: a name that no card takes.
    """
    _check_numbers(order)
    rooms = tuple(composed(room) for room in order.rooms)
    if len(rooms) > MAX_ROOMS or len({room.casefold() for room in rooms}) != len(rooms):
        raise AuthorityRefused(
            f"A place has at most {MAX_ROOMS} rooms, each with a name of its own.",
            reason="venue_rooms",
        )
    address = composed(order.address)
    return Venue(
        venue_id,
        realm,
        VenueState.CLAIMED,
        check_line(composed(order.name), MAX_NAME_BYTES, "name"),
        int(order.kind),
        order.commune,
        order.edition,
        check_line(address, MAX_ADDRESS_BYTES, "address") if address else "",
        order.opens,
        order.closes,
        order.stay_minutes,
        int(order.flags),
        tuple(check_line(room, MAX_ROOM_BYTES, "name of a room") for room in rooms),
        parse_phone(order.contact) if order.contact else "",
        now,
    )


def order_of(venue: Venue) -> VenueOrder:
    """Return the order that says of *venue* what is said of it already."""
    return VenueOrder(
        venue.name,
        venue.kind,
        venue.commune,
        venue.realm,
        venue.edition,
        venue.address,
        venue.opens,
        venue.closes,
        venue.stay_minutes,
        CardFlag(venue.flags),
        venue.rooms,
        venue.contact,
    )


def edited(venue: Venue, order: VenueOrder) -> Venue:
    """Return *venue* as *order* says, in its province and as far as it has come.

    Raises:
        AuthorityRefused, BadInput: as `venue_of`.
    """
    said = venue_of(order, venue.venue_id, venue.realm, venue.claimed)
    return replace(
        said,
        state=venue.state,
        decided=venue.decided,
        decided_by=venue.decided_by,
        closed=venue.closed,
    )


def _check_numbers(order: VenueOrder) -> None:
    if order.kind not in {*VenueKind}:
        raise AuthorityRefused("There is no such kind of place.", reason="venue_kind")
    if not (0 < order.commune <= MAX_COMMUNE and order.edition in (1, 2)):
        raise AuthorityRefused(
            "The commune is a number of up to five digits, of the list before (1) or since (2) "
            "1 July 2025.",
            reason="venue_commune",
        )
    hours = (order.opens, order.closes)
    told = [each for each in hours if each is not None]
    if (
        len(told) == 1
        or any(not 0 <= each <= DAY_MINUTES for each in told)
        or (order.opens == DAY_MINUTES)
    ):
        raise AuthorityRefused(
            "Opening and closing are two times of the day.",
            reason="venue_hours",
            hint="write them as 07:00-22:30; closing before opening is past midnight",
        )
    if order.stay_minutes and not MIN_STAY <= order.stay_minutes <= MAX_STAY:
        raise AuthorityRefused(
            f"A usual stay is of {MIN_STAY} to {MAX_STAY} minutes.", reason="venue_stay"
        )
    if order.flags & ~ALL_FLAGS:
        raise AuthorityRefused("There is no such mark of a place.", reason="venue_kind")


def parse_hours(text: str) -> tuple[int | None, int | None]:
    """Return opening and closing in minutes of the day, of ``07:00-22:30``; empty: none.

    Raises:
        AuthorityRefused: reason ``venue_hours``.
    """
    if not text.strip():
        return None, None
    first, dash, last = text.replace("–", "-").replace("h", ":").partition("-")
    opens, closes = _minutes(first), _minutes(last)
    if not dash or opens is None or closes is None:
        raise AuthorityRefused(
            "Opening and closing are two times of the day.",
            reason="venue_hours",
            hint="write them as 07:00-22:30; closing before opening is past midnight",
        )
    return opens, closes


def _minutes(text: str) -> int | None:
    hours, _, minutes = text.strip().partition(":")
    minutes = minutes or "0"
    if not (hours.isascii() and hours.isdigit() and minutes.isascii() and minutes.isdigit()):
        return None
    if len(hours) > 2 or len(minutes) > 2 or int(minutes) > 59:
        return None
    total = int(hours) * 60 + int(minutes)
    return total if total <= DAY_MINUTES else None


def masked(contact: str) -> str:
    """Return a telephone number as lists show it: enough to tell two apart, not to call."""
    return f"{contact[:3]}…{contact[-3:]}" if contact else ""
