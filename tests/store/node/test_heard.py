"""What was heard in a minute goes into a few bytes and comes out the same."""

from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.store.node.heard import Heard, moments, pack, unpack

HEARD = st.builds(
    Heard,
    encounter=st.integers(1, 2**32 - 1),
    second=st.integers(0, 59),
    seconds=st.integers(1, 300),
    rssi=st.binary(min_size=1, max_size=300).map(lambda half: half + half),
)


@given(st.lists(HEARD, max_size=30))
def test_everything_comes_back_in_order(heard: list[Heard]) -> None:
    """Packing loses nothing, and orders by encounter and second."""
    assert list(unpack(pack(heard))) == sorted(heard)


@given(st.lists(HEARD, max_size=30))
def test_moments_need_no_histograms(heard: list[Heard]) -> None:
    """Which encounters were heard, and at which second, can be read alone."""
    assert list(moments(pack(heard))) == [(row.encounter, row.second) for row in sorted(heard)]


@given(st.lists(HEARD, max_size=30), st.sets(st.integers(1, 2**32 - 1)))
def test_only_what_is_wanted_is_unpacked(heard: list[Heard], others: set[int]) -> None:
    """Histograms of skipped encounters do not shift those that are taken."""
    wanted = others | {row.encounter for row in heard[::2]}
    taken = [row for row in sorted(heard) if row.encounter in wanted]
    assert list(unpack(pack(heard), wanted)) == taken


def test_a_minute_near_two_hundred_people_fits_in_two_pages() -> None:
    """240 packets of each of them take under 6 kB."""
    levels = bytes(range(180, 207))
    counts = bytes((7 * number * number) % 29 + 1 for number in range(27))
    rssi = bytes(byte for pair in zip(levels, counts, strict=True) for byte in pair)
    assert len(pack(Heard(n, n % 60, 60, rssi) for n in range(200))) < 6000
