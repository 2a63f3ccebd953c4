"""What a receiver's offset is fitted to, and which measurements are refused."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import log10

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.errors import CalibrationRefused
from bluezone_node.presets import load_profile
from bluezone_node.proximity.calibration import (
    LEAST_PACKETS,
    Batch,
    Calibration,
    Level,
    calibrate,
    level_of,
)
from bluezone_node.proximity.receiver import GOOD_FOR, OffsetOrigin, is_old, receiver_offset

LINE_OF_SIGHT = load_profile("line-of-sight")
NOON = datetime(2026, 3, 2, 12, 0, 7, tzinfo=UTC)


def batches(*levels: float, start: float = 100.0) -> list[Batch]:
    """One packet a second, each in a batch of its own."""
    whole = [round(level) for level in levels]
    return [Batch(start + i, 1, level, level**2) for i, level in enumerate(whole)]


def scattered(mean: float, packets: int = 300, spread: float = 5.0, seed: int = 1) -> list[float]:
    chance = random.Random(seed)
    return [chance.gauss(mean, spread) for _ in range(packets)]


def fit(near: float, far: float, power: float = 12.0) -> Calibration:
    """The calibration from two means that three hundred packets each stand behind."""
    return calibrate(
        Level(300, near, 7.6),
        Level(300, far, 7.6),
        peer_tx_power=power,
        radio="bluez:hci0",
        made=NOON,
        profile=LINE_OF_SIGHT,
    )


def refusal(near: float, far: float) -> str:
    with pytest.raises(CalibrationRefused) as refused:
        fit(near, far)
    assert refused.value.hint
    return refused.value.reason


def refused_at(levels: list[Batch], metres: float = 1.0) -> str:
    with pytest.raises(CalibrationRefused) as refused:
        level_of(levels, metres)
    assert refused.value.hint
    return refused.value.reason


# One distance


def test_a_level_is_the_mean_and_the_spread_over_all_packets() -> None:
    """However they came in batches; the strongest counts no more than the others."""
    weak, strong = (20 * -60, 20 * 3600), (20 * -52, 20 * 2704)
    order = enumerate((weak, strong, strong, weak))
    level = level_of([Batch(at, 20, *sums) for at, sums in order], 1.0)
    assert level == Level(80, -56.0, 4.0)


def test_a_raspberry_pi_that_reads_one_in_five_12_db_too_strong_is_taken() -> None:
    """Its three levels are no sign of movement, and the mean is what counts."""
    chance = random.Random(2)
    levels = [-60 + 12 * (chance.random() < 0.2) + chance.gauss(0, 3) for _ in range(150)]
    level = level_of(batches(*levels), 1.0)
    assert level.mean == pytest.approx(-57.6, abs=1.0)
    assert level.spread == pytest.approx(5.7, abs=1.0)


def test_too_few_packets_are_refused() -> None:
    """Twenty-nine do not tell a Raspberry Pi's mean."""
    enough = batches(*scattered(-57, LEAST_PACKETS))
    assert refused_at(enough[1:]) == "too_few_packets"
    assert refused_at([]) == "too_few_packets"
    assert level_of(enough, 1.0).packets == LEAST_PACKETS


def test_an_absurd_spread_is_refused() -> None:
    """People walking through, or an adapter that says one level always."""
    assert refused_at(batches(*scattered(-57, spread=18.0))) == "spread_absurd"
    assert refused_at(batches(*[-57.0] * 60)) == "spread_absurd"


def test_who_moved_is_refused() -> None:
    """From one metre to two in the middle: 6 dB between the halves."""
    moved = batches(*scattered(-57, 150), *scattered(-63, 150, seed=2))
    assert refused_at(moved) == "moved"


def test_halves_that_differ_by_chance_are_taken() -> None:
    """With few packets that scatter much, 3 dB between the halves say nothing."""
    few = batches(*scattered(-57, 15, 8.0, seed=5), *scattered(-60, 15, 8.0, seed=6))
    assert level_of(few, 1.0).packets == 30


# Both


def test_the_offset_is_what_lacks_to_the_profiles_level() -> None:
    """Two Raspberry Pi as the profile has them: 61.7 dB lost at 1 m, 6 more at 2 m."""
    at_1m = 12 - LINE_OF_SIGHT.loss_at_1m
    assert fit(at_1m, at_1m - 20 * log10(2)).offset == pytest.approx(0)
    assert fit(at_1m - 8, at_1m - 8 - 20 * log10(2)).offset == pytest.approx(8)


def test_the_slope_stays_free_spaces() -> None:
    """Where 2 m is 4.8 dB weaker and not 6, the two distances share the difference."""
    at_1m = 12 - LINE_OF_SIGHT.loss_at_1m
    assert fit(at_1m, at_1m - 4.8).offset == pytest.approx((0 - (6.02 - 4.8)) / 2, abs=0.01)


def test_the_room_is_in_the_standard_error() -> None:
    """Two places of one room: more packets do not make it small."""
    of_two_places = LINE_OF_SIGHT.link_spread / 2**0.5
    assert fit(-50, -56).standard_error == pytest.approx(of_two_places, abs=0.05)
    few = calibrate(
        Level(30, -50, 7.6),
        Level(30, -56, 7.6),
        peer_tx_power=12,
        radio="bluez:hci0",
        made=NOON,
        profile=LINE_OF_SIGHT,
    )
    assert few.standard_error > fit(-50, -56).standard_error


def test_a_peer_that_radiates_less_than_it_tells_looks_like_a_weak_receiver() -> None:
    """One pair cannot tell them apart: what the peer radiates is said beside."""
    found = fit(-57.7, -63.7)
    assert found.peer_radiates == pytest.approx(12 - found.offset)
    assert fit(-57.7, -63.7, power=4.0).offset == pytest.approx(found.offset - 8)


def test_two_metres_must_be_weaker_than_one() -> None:
    """Nobody moved; the two were mixed up."""
    assert refusal(-57, -57.5) == refusal(-63, -57) == "not_weaker"


def test_two_metres_must_not_be_much_weaker() -> None:
    """It was four metres, or somebody stood in between."""
    assert refusal(-57, -70) == "too_much_weaker"


def test_an_absurd_offset_is_refused() -> None:
    """No receiver is off by 26 dB: power or distance is wrong."""
    assert refusal(-76, -82) == refusal(-23, -29) == "offset_absurd"


@given(st.floats(-60, -45), st.floats(2.5, 11.5), st.floats(-5, 5), st.floats(8, 12))
def test_offset_and_levels_move_together(
    near: float, drop: float, shift: float, power: float
) -> None:
    """A level read *shift* dB weaker asks for as much more, whatever the peer tells."""
    first = fit(near, near - drop, power)
    second = fit(near - shift, near - shift - drop, power)
    assert second.offset - first.offset == pytest.approx(shift)
    assert first.peer_radiates + first.offset == pytest.approx(power)


# Which one counts


HCI0 = fit(-57, -62)
HCI1 = replace(fit(-47, -53), radio="bluez:hci1")


def test_the_setting_wins() -> None:
    """A calibration is still known, to be told."""
    offset = receiver_offset(3.0, [HCI0, HCI1], "bluez:hci0")
    assert (offset.decibels, offset.origin) == (3.0, OffsetOrigin.SETTING)
    assert offset.calibration == HCI0
    assert receiver_offset(0.0, [HCI0], "bluez:hci0").decibels == 0


def test_a_calibration_counts_for_its_own_adapter_only() -> None:
    """Of another adapter it is told, and not used."""
    offset = receiver_offset(None, [HCI0, HCI1], "bluez:hci1")
    assert (offset.decibels, offset.origin) == (HCI1.offset, OffsetOrigin.CALIBRATION)
    assert offset.others == (HCI0,)
    other = receiver_offset(None, [HCI0], "bluez:hci1")
    assert (other.decibels, other.origin) == (0, OffsetOrigin.NOBODY)
    assert (other.calibration, other.others) == (None, (HCI0,))


def test_where_nobody_knows_the_adapter_the_only_calibration_is_taken() -> None:
    """Of two, neither: each could be the wrong one."""
    assert receiver_offset(None, [HCI0], None).decibels == HCI0.offset
    assert receiver_offset(None, [HCI0, HCI1], None).origin is OffsetOrigin.NOBODY
    assert receiver_offset(None, [], None).decibels == 0


def test_after_a_year_it_is_old() -> None:
    """And is used all the same."""
    assert not is_old(HCI0, HCI0.made + GOOD_FOR)
    assert is_old(HCI0, HCI0.made + GOOD_FOR + timedelta(seconds=1))
