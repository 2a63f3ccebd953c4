"""Rhythms of listening, beside the turns in which a strict chip of Bluetooth 4 sends two things."""

from itertools import groupby

import pytest

from bluezone_node.ble.rhythm import KIOSK, Rhythm, Way

KERNEL_TURNS = [2.0, 2.02, 2.04, 2.06, 2.08, 2.1]
"""Seconds: two, and what the kernel takes to begin the next (2.08 was measured)."""
BEGINNINGS = [0.0, 0.01, 0.02, 0.03]
"""Seconds that bluetoothd takes to begin and end a burst."""


def longest_away(rhythm: Rhythm, every: float, more: float) -> int:
    """Return how many changes on end fall into bursts, of those that come *every* so often."""
    period = rhythm.listen + rhythm.pause + more
    longest = 0
    for step in range(50):
        first = step * period / 50
        hits = ((first + number * every) % period < rhythm.listen for number in range(200))
        longest = max([longest, *(len(list(run)) for hit, run in groupby(hits) if hit)])
    return longest


@pytest.mark.parametrize("turn", KERNEL_TURNS)
def test_short_bursts_keep_step_with_no_turn(turn: float) -> None:
    """Neither of the two things misses more than two of its turns on end, nor do both."""
    for more in BEGINNINGS:
        for every in (turn, 2 * turn):
            assert longest_away(KIOSK[Way.SHORT_BURSTS], every, more) <= 2


def test_bursts_of_a_second_in_two_would() -> None:
    """Which is why there is another rhythm: half a minute without the tag."""
    assert longest_away(KIOSK[Way.BURSTS], 2.08, 0.01) >= 14


def test_little_is_lost() -> None:
    """More samples than in longer bursts, and the receiver on for hardly less."""
    long, short = KIOSK[Way.BURSTS], KIOSK[Way.SHORT_BURSTS]
    assert short.listen + short.pause < long.listen + long.pause
    assert short.share > 0.4
