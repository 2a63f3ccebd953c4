"""Rhythm and sampling: when a real radio listens, and how often a neighbour is heard."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.ble.rhythm import (
    KIOSK,
    LONGEST_PAUSE,
    REPORTS_PER_SECOND,
    REPORTS_PER_TURN,
    WEARABLE,
    Rhythm,
    Way,
)
from bluezone_node.ble.sampling import MOST_NEIGHBOURS, Sampling


def test_a_wearable_listens_four_seconds_a_minute() -> None:
    """Both ways of scanning cost a battery the same."""
    for rhythm in WEARABLE.values():
        assert rhythm.listen * rhythm.turns == 4
        assert rhythm.share == pytest.approx(4 / 60)


def test_a_quiet_place_is_listened_to_as_planned() -> None:
    """Few reports change nothing."""
    assert KIOSK[Way.BURSTS].pause_after(200, 1.0) == 1.0
    assert KIOSK[Way.MONITORED].pause_after(100, 60.0) == 0.0


@given(
    st.sampled_from([*KIOSK.values(), *WEARABLE.values()]),
    st.integers(0, 10_000),
    st.floats(0.1, 60),
)
def test_a_crowd_is_listened_to_in_shorter_turns(
    rhythm: Rhythm, reports: int, seconds: float
) -> None:
    """On average no more is taken than can be, and nobody is left alone for long."""
    pause = rhythm.pause_after(reports, seconds)
    assert rhythm.pause <= pause <= max(rhythm.pause, LONGEST_PAUSE)
    if rhythm.pause < pause < LONGEST_PAUSE:
        assert reports / (seconds + pause) == pytest.approx(REPORTS_PER_SECOND)


def test_a_turn_that_ends_early_is_made_up_for_within_ten_seconds() -> None:
    """In a hall of 200 people who each send four times a second."""
    seconds = REPORTS_PER_TURN / 800
    assert seconds + KIOSK[Way.MONITORED].pause_after(REPORTS_PER_TURN, seconds) == 10.0


def test_samples_are_counted_by_neighbour_and_whole_minute() -> None:
    """The median neighbour counts: one that only passed by does not spoil the figure."""
    sampling = Sampling(0)
    for second in range(60):
        sampling.heard(b"near", second)
        if second % 2:
            sampling.heard(b"far", second)
    sampling.heard(b"passing", 59)
    assert sampling.per_minute(59.9) is None
    assert sampling.per_minute(60) == 30


def test_a_minute_without_anybody_has_no_rate() -> None:
    """An old rate is not shown for a place that has emptied."""
    sampling = Sampling(0)
    sampling.heard(b"near", 1)
    assert sampling.per_minute(61) == 1
    assert sampling.per_minute(130) is None


def test_a_gap_is_not_taken_for_a_minute() -> None:
    """What was counted before the machine slept is not the last minute's rate."""
    sampling = Sampling(0)
    sampling.heard(b"near", 1)
    assert sampling.per_minute(500) is None


def test_a_flood_does_not_fill_memory() -> None:
    """More identifiers than fit around a radio are not counted one by one."""
    sampling = Sampling(0)
    for number in range(2 * MOST_NEIGHBOURS):
        sampling.heard(number.to_bytes(4, "big"), 1)
    assert sampling.per_minute(60) == 1
