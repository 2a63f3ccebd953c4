"""The machine's clock and the one that jumps."""

import asyncio
import itertools
import time
from datetime import UTC, datetime, timedelta

from bluezone_node.clock import SimClock, SystemClock

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


async def test_simulated_sleepers_wake_in_order_of_time_then_of_arrival() -> None:
    """The order of events depends on nothing but when and in which order tasks lay down."""
    clock = SimClock(START)
    woken: list[str] = []

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(name)

    async with asyncio.TaskGroup() as group:
        for name, seconds in (("c", 20.0), ("a", 10.0), ("d", 20.0), ("b", 15.0)):
            group.create_task(sleeper(name, seconds))
    assert woken == ["a", "b", "c", "d"]
    assert clock.now() == START + timedelta(seconds=20)


async def test_two_simulated_weeks_pass_at_once() -> None:
    """A fortnight of minutes takes far less than a minute of the processor."""
    clock = SimClock(START)
    began = time.process_time()
    for _ in range(14 * 24 * 60):
        await clock.sleep(60)
    assert clock.now() == START + timedelta(days=14)
    assert time.process_time() - began < 20


async def test_simulated_time_waits_for_what_is_ready_to_run() -> None:
    """Time does not jump while a chain of tasks still hands work on."""
    clock = SimClock(START)
    relay: list[asyncio.Queue[int]] = [asyncio.Queue() for _ in range(200)]

    async def hand_on(source: asyncio.Queue[int], sink: asyncio.Queue[int]) -> None:
        await sink.put(await source.get())

    async with asyncio.TaskGroup() as group:
        for source, sink in itertools.pairwise(relay):
            group.create_task(hand_on(source, sink))
        watcher = group.create_task(clock.sleep(60))
        await relay[0].put(7)
        assert await relay[-1].get() == 7
        assert clock.now() == START
        await watcher


async def test_held_time_does_not_jump_over_work_in_a_thread() -> None:
    """What runs outside the event loop is waited for while the clock is held."""
    clock = SimClock(START)
    sleeping = asyncio.ensure_future(clock.sleep(60))
    with clock.held():
        await asyncio.to_thread(time.sleep, 0.02)
        assert clock.now() == START
    await sleeping
    assert clock.now() == START + timedelta(seconds=60)


async def test_a_cancelled_sleeper_moves_no_time() -> None:
    """Nobody who gave up waiting holds or moves time."""
    clock = SimClock(START)
    gone = asyncio.ensure_future(clock.sleep(5))
    await asyncio.sleep(0)
    gone.cancel()
    clock.advance(7)
    assert clock.monotonic() == 7
    await clock.sleep(10)
    assert clock.monotonic() == 17


async def test_setting_the_wall_clock_leaves_monotonic_alone() -> None:
    """A jump of the wall clock changes ``now`` only, and sleepers sleep as long as they meant."""
    clock = SimClock(START)
    await clock.sleep(30)
    clock.jump(timedelta(hours=-3))
    assert clock.now() == START + timedelta(seconds=30, hours=-3)
    clock.set_wall(START)
    before = clock.monotonic()
    await clock.sleep(30)
    assert clock.monotonic() - before == 30
    assert clock.now() == START + timedelta(seconds=30)


async def test_advancing_wakes_everyone_due() -> None:
    """Time may also be pushed from outside; who is due by then wakes, others sleep on."""
    clock = SimClock(START)
    soon = asyncio.ensure_future(clock.sleep(10))
    late = asyncio.ensure_future(clock.sleep(1000))
    await asyncio.sleep(0)
    clock.advance(60)
    assert clock.monotonic() == 60
    await soon
    assert not late.done()
    late.cancel()


async def test_the_system_clock_is_aware_and_goes_forward() -> None:
    """The real clock speaks UTC."""
    clock = SystemClock()
    before = clock.monotonic()
    await clock.sleep(0.001)
    assert clock.monotonic() > before
    assert clock.now().tzinfo is UTC
