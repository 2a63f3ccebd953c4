"""The map of identifiers on the air stays small."""

from bluezone_node.proximity.model import IdentifierProtocol
from bluezone_node.store.node.recent import ROW_SECONDS, RecentRows, Whose


def whose(number: int) -> Whose:
    return IdentifierProtocol.GAEN, number.to_bytes(16, "big"), None


def test_an_identifier_keeps_its_row_for_half_an_hour() -> None:
    """Counted from its first hearing; a hearing before that is another row's."""
    recent = RecentRows()
    recent.add(whose(1), 7, 1000)
    assert recent.row_of(whose(1), 1000) == 7
    assert recent.row_of(whose(1), 1000 + ROW_SECONDS) == 7
    assert recent.row_of(whose(1), 1001 + ROW_SECONDS) is None
    assert recent.row_of(whose(1), 999) is None
    assert recent.row_of(whose(2), 1000) is None


def test_what_is_too_old_is_dropped() -> None:
    """A day of rotating identifiers leaves those of the last half hour."""
    recent = RecentRows()
    for minute in range(24 * 60):
        recent.add(whose(minute), minute + 1, minute * 60)
    assert len(recent) == 31


def test_a_flood_does_not_fill_the_memory() -> None:
    """Beyond the capacity the oldest goes first."""
    recent = RecentRows(capacity=3)
    for number in range(5):
        recent.add(whose(number), number + 1, number)
    assert [recent.row_of(whose(number), 10) for number in range(5)] == [None, None, 3, 4, 5]


def test_forgotten_rows_are_not_used_again() -> None:
    """A row first heard before the limit may be gone from the database."""
    recent = RecentRows()
    recent.add(whose(1), 1, 100)
    recent.add(whose(2), 2, 200)
    recent.forget(200)
    assert recent.row_of(whose(1), 200) is None
    assert recent.row_of(whose(2), 200) == 2
