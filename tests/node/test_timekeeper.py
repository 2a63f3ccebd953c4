"""Which time a node goes by, and what happens when the wall clock is set."""

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from bluezone_node.clock import SimClock
from bluezone_node.node.timekeeper import CHECK_EVERY, IN_QUEUE, Timekeeper
from bluezone_node.ports import Clock, Voucher
from bluezone_node.proximity.model import Scan
from tests.stores import MemoryNodeStore, OnMemory

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
RELEASED = date(2026, 2, 1)


class Stage:
    """A timekeeper that has looked once."""

    def __init__(
        self,
        voucher: Voucher = Voucher.NETWORK,
        start: datetime = START,
        make: Callable[[datetime], SimClock] = SimClock,
    ) -> None:
        self.clock = make(start)
        self.voucher = voucher
        self.moves: list[timedelta] = []
        self.keeper = Timekeeper(
            self.clock, lambda _: self.voucher, OnMemory(MemoryNodeStore()), RELEASED
        )
        self.keeper.tell(self.moves.append)
        self.keeper.look()


@pytest.mark.parametrize("jump", [timedelta(days=2), timedelta(hours=-3), timedelta(seconds=3)])
def test_a_clock_that_is_set_right_is_followed_and_told_once(jump: timedelta) -> None:
    """It is noticed at the next look, and not again."""
    stage = Stage()
    stage.clock.jump(jump)
    stage.keeper.look()
    stage.keeper.look()

    assert stage.moves == [timedelta(0), jump]
    assert stage.keeper.now() == START + jump
    assert stage.keeper.condition().jumps == 1


def test_slewing_is_no_jump() -> None:
    """A second of difference is how time servers correct a clock."""
    stage = Stage()
    stage.clock.jump(timedelta(seconds=1))
    stage.keeper.look()

    assert stage.keeper.condition().jumps == 0
    assert stage.keeper.now() == stage.clock.now()


def test_a_slow_drift_adds_up_to_one_jump() -> None:
    """Two seconds lost little by little are noticed in the end."""
    stage = Stage()
    for _ in range(5):
        stage.clock.jump(timedelta(seconds=0.5))
        stage.keeper.look()

    assert len(stage.moves) == 2


def test_a_clock_that_nobody_vouches_for_is_not_known() -> None:
    """The condition says so, and the time goes on evenly from whatever it was."""
    stage = Stage(Voucher.NOBODY)
    stage.clock.jump(timedelta(days=400))
    stage.clock.advance(60)
    stage.keeper.look()

    assert not stage.keeper.known.is_set()
    assert stage.keeper.condition().problem == "nothing vouches for the clock"
    assert stage.keeper.condition().vouched_by == ""
    assert stage.keeper.now() == START + timedelta(seconds=60)
    assert not stage.moves


def test_what_vouched_once_need_not_go_on_vouching() -> None:
    """The kernel forgets its time server nine hours after the network went."""
    stage = Stage()
    stage.voucher = Voucher.NOBODY
    stage.clock.advance(86400 * 30)
    stage.keeper.look()

    condition = stage.keeper.condition()
    assert (condition.known, condition.vouched_by, condition.problem) == (True, "the network", "")
    assert stage.keeper.now() == stage.clock.now()


@pytest.mark.parametrize("jump", [timedelta(days=30), timedelta(days=-400)])
def test_a_clock_set_without_anyone_vouching_is_not_followed(jump: timedelta) -> None:
    """The time known before goes on, with the reason, until the clock is right again."""
    stage = Stage()
    stage.voucher = Voucher.NOBODY
    stage.clock.jump(jump)
    stage.keeper.look()

    assert stage.keeper.now() == START
    assert stage.keeper.condition().known
    assert stage.keeper.condition().problem

    stage.clock.jump(-jump)
    stage.keeper.look()

    assert stage.keeper.condition().problem == ""
    assert stage.moves == [timedelta(0)]


def test_the_network_is_not_believed_before_the_release() -> None:
    """A time server that gives 1970 is wrong."""
    stage = Stage(Voucher.NETWORK, datetime(1970, 1, 1, tzinfo=UTC))

    assert not stage.keeper.known.is_set()
    assert "2026-02-01" in stage.keeper.condition().problem


def test_a_clock_that_is_set_while_the_witness_is_asked_is_looked_at_again() -> None:
    """Who knows which of the two times it vouched for."""
    clock = SimClock(START)

    def witness(_: datetime) -> Voucher:
        if clock.now() == START:
            clock.jump(timedelta(days=3))
        return Voucher.NETWORK

    keeper = Timekeeper(clock, witness, OnMemory(MemoryNodeStore()), RELEASED)
    keeper.look()
    assert not keeper.known.is_set()
    keeper.look()
    assert keeper.now() == START + timedelta(days=3)


def test_a_reading_from_before_the_clock_was_set_is_dated_by_its_arrival() -> None:
    """What waits in a queue while the clock is set must not land in another year."""
    stage = Stage()
    old = stage.clock.now()
    stage.clock.jump(timedelta(days=365))
    now = START + timedelta(seconds=1)
    stage.clock.advance(1)

    assert stage.keeper.dated(old) == now, "set, and not noticed yet"
    stage.keeper.look()
    assert stage.keeper.dated(old) == now + timedelta(days=365)
    stage.clock.advance(IN_QUEUE)
    read = stage.clock.now() - timedelta(seconds=0.1)
    assert stage.keeper.dated(read) == read


@pytest.mark.parametrize(
    ("voucher", "known"),
    [(Voucher.HARDWARE, False), (Voucher.OWNER, False), (Voucher.NETWORK, True)],
)
async def test_only_the_network_overrules_the_log(voucher: Voucher, known: bool) -> None:
    """A real-time clock that stood still is behind what the node wrote itself."""
    store = MemoryNodeStore()
    store.log([], [Scan(START + timedelta(hours=1), 60, 60.0, 0, 0)])
    clock = SimClock(START)
    keeper = Timekeeper(clock, lambda _: voucher, OnMemory(store), RELEASED)
    running = asyncio.create_task(keeper.run())
    await clock.sleep(CHECK_EVERY)
    assert keeper.known.is_set() is known

    await clock.sleep(3600)
    assert keeper.known.is_set()
    running.cancel()


def test_being_held_up_between_two_readings_is_doubt_and_no_jump() -> None:
    """Time that passes while the clocks are read does not look like a clock that was set."""

    class Preempted(SimClock):
        held_up = 0.0

        def now(self) -> datetime:
            self.advance(self.held_up)
            return super().now()

    stage = Stage(make=Preempted)
    clock: Clock = stage.clock
    assert isinstance(clock, Preempted)
    clock.held_up = 143.0
    stage.keeper.look()
    clock.held_up = 0.0
    stage.keeper.look()

    assert stage.keeper.condition().jumps == 0
    assert stage.keeper.now() == clock.now()
