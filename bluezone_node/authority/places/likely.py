"""Which of many places is meant: by what a patient said, and an officer typed in haste.

Lists begin with what comes nearest, since the first of them is chosen at night.
"""

from collections.abc import Iterable
from difflib import SequenceMatcher

from bluezone_node.authority.ports.venues import Venue
from bluezone_node.venues.names import folded

MOST_WORDS = 8
"""Of a search that found nothing, each of which is left out once."""


def nearest_first(text: str, found: Iterable[Venue]) -> list[Venue]:
    """Return *found* with the place called *text* first, then those that begin so, then others."""
    wanted = folded(text)

    def distance(venue: Venue) -> tuple[bool, bool, float, str]:
        name = folded(venue.name)
        likeness = SequenceMatcher(None, wanted, name, autojunk=False).ratio()
        return name != wanted, not name.startswith(wanted), -likeness, name

    return sorted(found, key=distance)


def lesser(text: str) -> list[str]:
    """Return what to search for where *text* was not found: without one word, or half of one."""
    words = folded(text).split()[:MOST_WORDS]
    if len(words) == 1:
        return [words[0][: (len(words[0]) + 1) // 2]]
    return [" ".join(words[:number] + words[number + 1 :]) for number in range(len(words))]
