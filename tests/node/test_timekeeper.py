"""Noticing that the wall clock was set."""

from datetime import UTC, datetime, timedelta

import pytest

from bluezone_node.clock import SimClock
from bluezone_node.node.timekeeper import SETTLED_AFTER, Timekeeper

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize("jump", [timedelta(days=2), timedelta(hours=-3), timedelta(seconds=3)])
def test_a_jump_is_told_once(jump: timedelta) -> None:
    """A clock that was set is noticed at the next look, and not again."""
    clock, told = SimClock(START), []
    keeper = Timekeeper(clock, lambda: told.append(clock.now()))
    clock.jump(jump)
    keeper.look()
    keeper.look()

    assert keeper.jumps == len(told) == 1


def test_slewing_is_no_jump() -> None:
    """A second of difference is how time servers correct a clock."""
    clock = SimClock(START)
    keeper = Timekeeper(clock, lambda: pytest.fail("told of a jump"))
    clock.jump(timedelta(seconds=1))
    keeper.look()

    assert keeper.jumps == 0


def test_a_slow_drift_adds_up_to_one_jump() -> None:
    """Two seconds lost little by little are noticed in the end."""
    clock, told = SimClock(START), []
    keeper = Timekeeper(clock, lambda: told.append(1))
    for _ in range(5):
        clock.jump(timedelta(seconds=0.5))
        keeper.look()

    assert told == [1]


def test_a_clock_that_was_just_set_is_not_trusted_to_delete_by() -> None:
    """It takes an hour without another jump."""
    clock = SimClock(START)
    keeper = Timekeeper(clock, lambda: None)
    assert keeper.settled()
    clock.jump(timedelta(days=365))
    keeper.look()
    assert not keeper.settled()
    clock.advance(SETTLED_AFTER)
    assert keeper.settled()


def test_being_held_up_between_two_readings_is_doubt_and_no_jump() -> None:
    """Time that passes while the clocks are read does not look like a clock that was set."""

    class Preempted(SimClock):
        def now(self) -> datetime:
            self.advance(self.held_up)
            return super().now()

        held_up = 0.0

    clock = Preempted(START)
    keeper = Timekeeper(clock, lambda: pytest.fail("told of a jump"))
    clock.held_up = 143.0
    keeper.look()
    clock.held_up = 0.0
    keeper.look()

    assert keeper.jumps == 0
