"""Which place is meant, of several."""

from datetime import UTC, datetime

import pytest

from bluezone_node.authority.places.likely import MOST_WORDS, lesser, nearest_first
from bluezone_node.authority.places.orders import VenueOrder, venue_of

NAMES = ("Nhà hàng Chợ Mới", "Chợ Long Biên Mở Rộng", "Chợ đêm Long Biên", "Chợ Long Biên")
PLACES = [
    venue_of(VenueOrder(name, 5, 26_740), bytes(15) + bytes([number]), "01", datetime.now(UTC))
    for number, name in enumerate(NAMES)
]


@pytest.mark.parametrize(
    ("typed", "order"),
    [
        ("cho long bien", (3, 1, 2, 0)),
        ("CHỢ ĐÊM", (2,)),
        ("nha hang cho", (0,)),
    ],
)
def test_the_nearest_name_comes_first(typed: str, order: tuple[int, ...]) -> None:
    """The very name, then one that begins so, then what is most alike."""
    found = [each.name for each in nearest_first(typed, PLACES)]
    assert found[: len(order)] == [NAMES[number] for number in order]


def test_what_was_not_found_is_searched_by_less() -> None:
    """Each word is left out once, of a lone one the second half; a novel is no work."""
    assert lesser("Chợ Long Biênn") == ["long bienn", "cho bienn", "cho long"]
    assert lesser("Biênn") == ["bie"]
    assert len(lesser("a " * 1000)) == MOST_WORDS
