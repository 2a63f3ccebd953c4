"""Which row an identifier that is still on the air has: a bounded map, in memory only."""

from bluezone_node.proximity.model import IdentifierProtocol

ROW_SECONDS = 1800
"""How long after its first hearing an identifier keeps its row.  None is on the air for longer
than 20 minutes (GAEN); one that is gets a row for every half hour, so that readers know how far
to look for the scans of a row."""

CAPACITY = 50_000
"""Identifiers remembered: 15 MB.  Beyond it, the oldest gets a new row when it is heard again."""

Whose = tuple[IdentifierProtocol, bytes, bytes | None]
"""Protocol, identifier, metadata: what makes two hearings the same encounter."""


class RecentRows:
    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        # In order of addition, so that the oldest comes first.
        self._rows: dict[Whose, tuple[int, int]] = {}

    def row_of(self, whose: Whose, second: int) -> int | None:
        """Return the row for *whose*, heard at Unix *second*, if it has one that reaches so far."""
        row, first = self._rows.get(whose, (None, 0))
        return row if 0 <= second - first <= ROW_SECONDS else None

    def add(self, whose: Whose, row: int, first: int) -> None:
        """Remember that *whose*, first heard at Unix second *first*, has *row*."""
        self._rows.pop(whose, None)
        self._rows[whose] = (row, first)
        while len(self._rows) > self._capacity or self._oldest() < first - ROW_SECONDS:
            del self._rows[next(iter(self._rows))]

    def _oldest(self) -> int:
        _, first = next(iter(self._rows.values()))
        return first

    def forget(self, before: int) -> None:
        """Drop what was first heard before Unix second *before*: its rows may be gone."""
        self._rows = {whose: known for whose, known in self._rows.items() if known[1] >= before}

    def clear(self) -> None:
        self._rows.clear()

    def __len__(self) -> int:
        return len(self._rows)
