"""Cards on their way to a printer: in the order in which somebody carries posters out."""

from collections.abc import Iterable

from bluezone_node.authority.places.communes import Communes
from bluezone_node.authority.places.directory import Directory
from bluezone_node.authority.ports.accounts import Actor
from bluezone_node.authority.ports.venues import Venue, VenueState
from bluezone_node.venues.card import SignedCard
from bluezone_node.venues.names import folded


def cards_to_print(
    directory: Directory, communes: Communes, found: Iterable[Venue], actor: Actor
) -> list[tuple[SignedCard, str]]:
    """Return the current cards of those of *found* that are approved, each with its commune's name.

    They are in order of commune and name; a place's own card comes before those of its rooms.
    """
    approved = [each for each in found if each.state is VenueState.APPROVED]
    names = communes.names(approved)
    approved.sort(key=lambda each: (folded(names[each.venue_id]), each.commune, each.searched))
    return [
        (row.signed, names[each.venue_id])
        for each in approved
        for row in directory.view(each.venue_id, actor).cards
    ]
