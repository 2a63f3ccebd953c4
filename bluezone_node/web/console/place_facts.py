"""What is said of a place, in words."""

from bluezone_node.authority.places.orders import masked
from bluezone_node.authority.ports.accounts import SUPERVISOR
from bluezone_node.authority.ports.venues import Venue
from bluezone_node.venues.card import CardFlag
from bluezone_node.web.console.visit import Visit


def facts_of(visit: Visit, venue: Venue, commune: str) -> dict[str, str]:
    """Return what *venue* is by what each fact is called; empty: not told.

    *commune*: its name; empty: not known. An issuer sees no whole telephone number.
    """
    _ = visit.language.gettext
    register = venue.flags & CardFlag.REGISTER_REQUIRED
    return {
        _("Name of the place"): venue.name,
        _("Kind of place"): visit.wording.kind_of_place(venue.kind),
        _("Province"): visit.wording.realm(venue.realm),
        _("Commune or ward"): commune or f"{venue.commune:05}",
        _("Address"): venue.address,
        _("Open"): _hours(venue),
        _("Rooms"): ", ".join(venue.rooms),
        _("Register of names"): _("The law requires one here") if register else "",
        _("Telephone of who answers for it"): (
            venue.contact if visit.actor.may(SUPERVISOR) else masked(venue.contact)
        ),
    }


def _hours(venue: Venue) -> str:
    if venue.opens is None or venue.closes is None:
        return ""
    return " – ".join(f"{each // 60:02}:{each % 60:02}" for each in (venue.opens, venue.closes))
