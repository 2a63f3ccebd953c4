"""What the node of a place sends beside its identifier: the tag of the place, slot by slot.

The tag is worth as much as the poster on the door: who hears it has been there.  It changes at
each quarter of an hour exactly, because a notice lists tags by slot and a device believes a tag in
its own slot only.
"""

from collections.abc import Callable
from datetime import datetime

from bluezone_node.venues.tags import AirTag, VenueKeys, air_tag_of, slot_of, start_of

KeysAt = Callable[[datetime], VenueKeys | None]
"""Returns the keys of the place's card where it counts at an instant, or None."""


class Announcer:
    """Knows what is to be sent now, and until when."""

    def __init__(self, keys_at: KeysAt) -> None:
        self._keys_at = keys_at

    def tag(self, at: datetime) -> AirTag | None:
        """Return the tag of the place at *at*, or None while its card does not count."""
        keys = self._keys_at(at)
        return None if keys is None else air_tag_of(keys, slot_of(at))

    def change_after(self, at: datetime) -> datetime:
        """Return when the next slot begins: a card begins and ends with one, too."""
        return start_of(slot_of(at) + 1)
