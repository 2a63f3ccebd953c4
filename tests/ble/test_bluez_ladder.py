"""What is done about a broken radio, step by step, without any radio."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.ble.bluez_ladder import LONGEST_TROUBLE, PLANS, Fault, Ladder, Step

LOOK = 10.0

PATIENT = {Fault.BLOCKED, Fault.CROWDED_OUT, Fault.DROWNED, Fault.QUIET}


def climb(ladder: Ladder, fault: Fault | None, since: float, looks: int) -> Iterator[Step | None]:
    for look in range(looks):
        yield ladder.next(fault, since + look * LOOK)


def test_a_radio_that_works_is_left_alone() -> None:
    """Without a fault nothing is done, and nothing is counted."""
    ladder = Ladder()
    assert set(climb(ladder, None, 0, 100)) == {None}
    assert not ladder.taken
    assert ladder.fault is None


def test_a_deaf_receiver_is_helped_step_by_step() -> None:
    """Restart the scan, register again, switch off and on, and then give up."""
    steps = [step for step in climb(Ladder(), Fault.DEAF, 0, 7) if step]
    assert steps == [
        Step.RESTART_SCAN,
        Step.REGISTER_AGAIN,
        Step.POWER_CYCLE,
        Step.GIVE_UP,
    ]


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault not in PATIENT])
def test_every_fault_that_a_restart_may_mend_ends_within_a_minute(fault: Fault) -> None:
    """The node does not stay broken: it gives up, and the service manager takes over."""
    steps = list(climb(Ladder(), fault, 100, 7))
    assert steps.index(Step.GIVE_UP) * LOOK <= 60


@pytest.mark.parametrize("fault", sorted(PATIENT, key=lambda fault: fault.name))
def test_what_no_restart_mends_is_waited_for(fault: Fault) -> None:
    """An empty house, an rfkill switch or another program is no reason to exit."""
    assert Step.GIVE_UP not in set(climb(Ladder(), fault, 0, 3000))


def test_a_blocked_adapter_is_tried_again_and_again() -> None:
    """Nobody else switches it on when it is unblocked, so that is noticed within a look or two."""
    steps = list(climb(Ladder(), Fault.BLOCKED, 0, 9))
    assert all(Step.POWER_ON in steps[at : at + 2] for at in range(8))


def test_an_empty_house_is_disturbed_seldom() -> None:
    """Where nothing was ever heard the adapter is switched once an hour."""
    ladder = Ladder()
    list(climb(ladder, Fault.QUIET, 0, int(24 * 3600 / LOOK)))
    assert 23 <= ladder.taken[Step.POWER_CYCLE] <= 25


def test_a_mended_fault_begins_anew() -> None:
    """The next fault of the same kind starts at the first step."""
    ladder = Ladder()
    assert ladder.next(Fault.DEAF, 0) is Step.RESTART_SCAN
    assert ladder.next(None, 10) is None
    assert ladder.next(Fault.DEAF, 1000) is Step.RESTART_SCAN


def test_swinging_between_two_faults_ends() -> None:
    """Each change begins a new plan, but not for ever."""
    ladder = Ladder()
    faults = [Fault.CANNOT_SCAN, Fault.OFF] * 50
    given_up = next(
        at * LOOK
        for at, fault in enumerate(faults)
        if ladder.next(fault, at * LOOK) is Step.GIVE_UP
    )
    assert given_up == LONGEST_TROUBLE


@given(st.lists(st.tuples(st.sampled_from([None, *Fault]), st.floats(0, 600)), max_size=60))
def test_every_step_taken_is_counted(looks: list[tuple[Fault | None, float]]) -> None:
    """Whatever is found whenever: the counts are the steps, and only a fault brings one."""
    ladder, now, taken = Ladder(), 0.0, 0
    for fault, wait in looks:
        now += wait
        step = ladder.next(fault, now)
        taken += step is not None
        assert fault is not None or step is None
        assert ladder.fault is fault
    assert ladder.taken.total() == taken


def test_every_fault_has_a_plan() -> None:
    """A fault without a plan would be a fault without an end."""
    assert set(PLANS) == set(Fault)
    for plan in PLANS.values():
        due = [after for after, _ in plan.steps]
        assert due == sorted(due)
        assert (plan.again is None) == (plan.steps[-1][1] is Step.GIVE_UP)
