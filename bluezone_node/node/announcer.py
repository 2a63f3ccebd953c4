"""What the node of a place sends beside its identifier: the tag of the place, slot by slot.

The tag is worth as much as the poster on the door: who hears it has been there.  It changes at
each quarter of an hour exactly, because a notice lists tags by slot and a device believes a tag in
its own slot only.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from bluezone_node.venues.card import SignedCard
from bluezone_node.venues.tags import AirTag, VenueKeys, air_tag_of, slot_of, start_of, venue_keys

KeysAt = Callable[[datetime], VenueKeys | None]
"""Returns the keys of the card that is valid at an instant; None: there is none."""


def keys_of(cards: Sequence[SignedCard]) -> KeysAt:
    """Return which keys hold when, among those of a place's *cards*; a later one comes first.

    A rotation prints the next card before the last one ends: where two are valid, the one that
    began later counts, as on the poster that hangs.
    """
    ordered = sorted(cards, key=lambda each: each.card.from_day, reverse=True)
    known = [(each.card, venue_keys(each.payload)) for each in ordered]

    def keys_at(at: datetime) -> VenueKeys | None:
        return next((keys for card, keys in known if card.valid_at(at)), None)

    return keys_at


class Announcer:
    """Knows what is to be sent now, and until when."""

    def __init__(self, keys_at: KeysAt) -> None:
        self._keys_at = keys_at

    def tag(self, at: datetime) -> AirTag | None:
        """Return the tag of the place at *at*, or None while no card of it is valid."""
        keys = self._keys_at(at)
        return None if keys is None else air_tag_of(keys, slot_of(at))

    def change_after(self, at: datetime) -> datetime:
        """Return when the next slot begins: a card begins and ends with one, too."""
        return start_of(slot_of(at) + 1)
