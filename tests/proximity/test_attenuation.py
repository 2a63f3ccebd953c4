"""Attenuation: power sent less power received, bounded below, rounded as GAEN rounds."""

from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.proximity.attenuation import attenuations, mean_and_spread
from bluezone_node.proximity.model import RssiHistogram
from bluezone_node.proximity.rounding import half_up

levels = st.dictionaries(st.integers(-126, -1), st.integers(1, 500), min_size=1).map(
    lambda counts: RssiHistogram(tuple(sorted(counts.items())))
)
powers = st.integers(-50, 20)


def test_attenuation_is_sent_less_received() -> None:
    """A packet sent at 12 dBm and received at −60 dBm lost 72 dB."""
    assert attenuations(12, RssiHistogram(((-60, 3),))) == {72: 3}


def test_nothing_gains_on_the_way() -> None:
    """Levels above the sent power count as no loss, together."""
    assert attenuations(-40, RssiHistogram(((-35, 2), (-30, 1)))) == {0: 3}


def test_a_receiver_that_cannot_measure_says_nothing() -> None:
    """Levels of 0 and more are no measurement; what was measured beside them stands."""
    assert attenuations(12, RssiHistogram(((-60, 1), (0, 7), (20, 1)))) == {72: 1}
    assert attenuations(12, RssiHistogram(((0, 7),))) == {}


def test_receiver_offset_is_added_to_the_signal() -> None:
    """A receiver that reads 4.5 dB too weak is put right before rounding, halves up."""
    assert attenuations(0, RssiHistogram(((-60, 1),)), rx_offset=4.5) == {56: 1}


def test_the_spread_is_that_of_all_packets() -> None:
    """Two packets at 60 and two at 64 dB: 62 on average, 2 away from it."""
    assert mean_and_spread({60: 2, 64: 2}) == (62, 2)
    assert mean_and_spread({62: 1, 63: 1}) == (62.5, 0.5)
    assert half_up(-0.5) == 0


@given(powers, levels)
def test_no_packet_is_lost(power: int, rssi: RssiHistogram) -> None:
    """There are as many attenuations as packets, none negative."""
    losses = attenuations(power, rssi)
    assert sum(losses.values()) == rssi.total
    assert min(losses) >= 0


@given(powers, levels, st.integers(1, 20))
def test_a_weaker_signal_is_never_nearer(power: int, rssi: RssiHistogram, weaker: int) -> None:
    """Taking the same decibels off every packet never lowers the mean attenuation."""
    dimmed = RssiHistogram(tuple((level - weaker, count) for level, count in rssi.counts))
    before, _ = mean_and_spread(attenuations(power, rssi))
    after, _ = mean_and_spread(attenuations(power, dimmed))
    assert after >= before
