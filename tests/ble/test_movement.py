"""Walks between points."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.ble.movement import Movement
from bluezone_node.ble.scenario import Duration, Point

START = 1_772_438_400.0


def path(*points: tuple[float, float, float]) -> tuple[Point, ...]:
    return tuple(Point(Duration(at), x, y) for at, x, y in points)


WALK = path((0, 0, 0), (600, 0, 0), (900, 300, 400))
STAND = path((0, 10, 0))


@pytest.mark.parametrize(
    ("after", "where"),
    [(0, (0, 0)), (599, (0, 0)), (750, (150, 200)), (900, (300, 400)), (9000, (300, 400))],
)
def test_a_walk_is_straight_and_even(after: float, where: tuple[float, float]) -> None:
    """Between points in proportion to time; before the first and after the last it stands."""
    at = START + after
    assert Movement([WALK], START).leg(at).position(at)[0] == pytest.approx(where)


def test_legs_meet_end_to_end() -> None:
    """The leg at the end of one is the next: time cannot stand still between them."""
    movement = Movement([WALK, STAND, path((0.1, 5, 5), (0.3, 6, 6), (1 / 3, 7, 7))], START)
    at, legs = START, 0
    while np.isfinite((leg := movement.leg(at)).end):
        assert leg.start <= at < leg.end
        at, legs = leg.end, legs + 1
    assert legs == 5


@given(st.lists(st.floats(-500, 500), min_size=8, max_size=8))
def test_the_nearest_of_a_leg_is_the_nearest_on_the_way(spots: list[float]) -> None:
    """No moment of the leg brings two devices closer than said."""
    one = path((0, spots[0], spots[1]), (100, spots[2], spots[3]))
    other = path((0, spots[4], spots[5]), (100, spots[6], spots[7]))
    leg = Movement([one, other], START).leg(START)
    apart = [
        float(np.hypot(*(leg.position(START + step)[0] - leg.position(START + step)[1])))
        for step in range(101)
    ]
    assert leg.nearest[0, 1] <= min(apart) + 1e-6
    assert leg.nearest[0, 1] >= min(apart) - 10
