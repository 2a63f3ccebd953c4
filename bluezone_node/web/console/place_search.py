"""Which places a list shows: as it was asked for in its address."""

from bluezone_node.authority.places.communes import Communes
from bluezone_node.authority.places.directory import Directory
from bluezone_node.authority.places.orders import EDITION
from bluezone_node.authority.ports.venues import Venue, VenueState
from bluezone_node.web.console.visit import Visit

MOST_SHOWN = 200


def found_by(directory: Directory, communes: Communes, visit: Visit) -> list[Venue]:
    """Return the places with words, commune and state that *visit* asks for, newest first.

    Raises:
        AuthorityRefused: one of `CommuneBook.code`.
    """
    words, state, named = (visit.query.get(name, "") for name in ("q", "state", "commune"))
    only = VenueState(state) if state in {*VenueState} else None
    commune = None
    if named.strip():
        commune = EDITION, communes.book(visit.actor.realm, EDITION).code(named)
    return directory.search(words, visit.actor, only, MOST_SHOWN, commune)
