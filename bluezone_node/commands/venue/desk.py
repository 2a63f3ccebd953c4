"""What the commands of places share: the desk, how a place is named, and how one is told."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import click

from bluezone_node.authority.ports.accounts import OPERATOR
from bluezone_node.commands.authority.options import ROLES, clock_of
from bluezone_node.errors import BadConfig
from bluezone_node.venues.kinds import RULES, VenueKind

if TYPE_CHECKING:
    from bluezone_node.authority.places.directory import VenueView
    from bluezone_node.authority.ports.venues import Venue, VenueCardRow
    from bluezone_node.wiring.venues import VenueParts

Result = TypeVar("Result")

_EPOCH = date(1970, 1, 1)

venue_argument = click.argument("venue")
room_option = click.option("--room", default="", help="A room of it; otherwise the whole place.")


def with_places(folder: Any, clock_spec: str, work: "Callable[[VenueParts], Result]") -> Result:
    """Return what *work* makes of the services of places.

    Raises:
        BadConfig: the keys of places were never made.
    """
    from bluezone_node.wiring.authority import open_authority

    async def run() -> Result:
        async with clock_of(clock_spec) as clock:
            with open_authority(folder, clock, ROLES["registrar"]) as parts:
                if parts.places is None:
                    raise BadConfig(
                        "This authority has no keys for places.",
                        hint=f"bluezone-node trust init --dir {folder.path}",
                    )
                return work(parts.places)

    return asyncio.run(run())


def found(places: "VenueParts", text: str) -> bytes:
    """Return the id of the place that *text* names."""
    return places.directory.find(text, OPERATOR).venue_id


def summaries(places: "VenueParts", venues: "Sequence[Venue]") -> list[dict[str, Any]]:
    """Return places for a list; telephone numbers so that two can be told apart."""
    communes = places.communes.names(venues)
    return [_summary(each, communes[each.venue_id]) for each in venues]


def _summary(venue: "Venue", commune: str) -> dict[str, Any]:
    from bluezone_node.authority.places.orders import masked

    return {
        "id": venue.venue_id.hex(),
        "name": venue.name,
        "kind": VenueKind(venue.kind).name.lower(),
        "realm": venue.realm,
        "commune": venue.commune,
        "commune_name": commune,
        "edition": venue.edition,
        "address": venue.address,
        "state": venue.state,
        "hours": hours(venue),
        "stay_minutes": venue.stay_minutes or RULES[VenueKind(venue.kind)].stay_minutes,
        "flags": venue.flags,
        "rooms": list(venue.rooms),
        "contact": masked(venue.contact),
        "claimed": venue.claimed,
        "decided": venue.decided,
        "decided_by": venue.decided_by,
        "closed": venue.closed,
    }


def details(places: "VenueParts", view: "VenueView") -> dict[str, Any]:
    """Return a place with its cards and kiosks; the telephone number as it is."""
    (summary,) = summaries(places, [view.venue])
    return summary | {
        "contact": view.venue.contact,
        "code": view.spoken_code,
        "cards": [_card(row) for row in (*view.cards, *view.ending)],
        "kiosks": [
            {
                "room": each.room,
                "number": each.number,
                "created": each.created,
                "seen": each.seen,
            }
            for each in view.kiosks
        ],
    }


def hours(venue: "Venue") -> str:
    """Return the opening hours as ``07:00-22:30``; empty: not told."""
    if venue.opens is None or venue.closes is None:
        return ""
    return "-".join(f"{each // 60:02}:{each % 60:02}" for each in (venue.opens, venue.closes))


def _card(row: "VenueCardRow") -> dict[str, Any]:
    return {
        "room": row.room,
        "code": row.signed.spoken_code,
        "location_id": row.signed.location_id.hex(),
        "from": _EPOCH + timedelta(days=row.signed.card.from_day),
        "to": _EPOCH + timedelta(days=row.signed.card.to_day),
        "issued": row.issued,
        "revoked": row.revoked,
    }
