"""Which places a list shows: as it was asked for in its address."""

from bluezone_node.authority.places.directory import Directory
from bluezone_node.authority.ports.venues import Venue, VenueState
from bluezone_node.web.console.visit import Visit

MOST_SHOWN = 200


def found_by(directory: Directory, visit: Visit) -> list[Venue]:
    """Return the places with the words and the state that *visit* asks for, newest first."""
    words, state = visit.query.get("q", ""), visit.query.get("state", "")
    only = VenueState(state) if state in {*VenueState} else None
    return directory.search(words, visit.actor, only, MOST_SHOWN)
