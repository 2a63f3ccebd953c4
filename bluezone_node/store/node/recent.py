"""Which row an identifier that is still on the air has: a bounded map, in memory only."""

from bluezone_node.proximity.model import Encounter, IdentifierProtocol

SILENT_SECONDS = 1800
"""An identifier not heard for this long gets a new row: none is on the air for longer than 20
minutes (GAEN), and matching drops what is heard later."""

CAPACITY = 50_000
"""Identifiers remembered: 15 MB. Beyond it the longest silent gets a new row when heard again."""

Whose = tuple[IdentifierProtocol, bytes, bytes | None]


class RecentEncounters:
    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        # In order of last hearing, so that the longest silent is the first.
        self._rows: dict[Whose, tuple[int, int]] = {}

    def row_of(self, encounter: Encounter, heard: int) -> int | None:
        """Return the row of *encounter*, heard again at Unix second *heard*, if it is known."""
        row, last = self._rows.get(_whose(encounter), (None, 0))
        return row if heard - last <= SILENT_SECONDS else None

    def put(self, encounter: Encounter, row: int, last: int) -> None:
        """Remember that *encounter* has *row* and was heard at Unix second *last*."""
        whose = _whose(encounter)
        self._rows.pop(whose, None)
        self._rows[whose] = (row, last)
        while len(self._rows) > self._capacity or self._longest_silent() < last - SILENT_SECONDS:
            del self._rows[next(iter(self._rows))]

    def _longest_silent(self) -> int:
        _, last = next(iter(self._rows.values()))
        return last

    def clear(self) -> None:
        self._rows.clear()

    def __len__(self) -> int:
        return len(self._rows)


def _whose(encounter: Encounter) -> Whose:
    return encounter.protocol, encounter.identifier, encounter.metadata
