"""What every clock promises, at whatever pace it runs."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from bluezone_node.ble.timeline import PacedClock, Segment, Timeline
from bluezone_node.clock import SimClock, SystemClock
from bluezone_node.ports import Clock

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def paced() -> PacedClock:
    return PacedClock(Timeline((Segment(time.monotonic(), START.timestamp(), 100.0),)))


@pytest.fixture(
    params=[SystemClock, lambda: SimClock(START), paced], ids=["system", "sim", "paced"]
)
def clock(request: pytest.FixtureRequest) -> Clock:
    make: Callable[[], Clock] = request.param
    return make()


async def test_now_is_an_instant_in_utc(clock: Clock) -> None:
    """Never a time without its zone."""
    assert clock.now().utcoffset() == timedelta(0)


async def test_monotonic_never_goes_back(clock: Clock) -> None:
    """Whatever is read later is not less."""
    readings = [clock.monotonic() for _ in range(100)]

    assert readings == sorted(readings)


async def test_sleeping_lasts_at_least_as_long_as_asked(clock: Clock) -> None:
    """By its own monotonic reading, and the wall clock goes along."""
    began, wall = clock.monotonic(), clock.now()
    await clock.sleep(0.05)

    assert clock.monotonic() - began >= 0.05
    assert clock.now() - wall >= timedelta(seconds=0.049)


async def test_who_sleeps_less_wakes_first(clock: Clock) -> None:
    """Whoever lay down first."""
    woken: list[float] = []

    async def sleeper(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(seconds)

    await asyncio.gather(
        sleeper(20.0 if not isinstance(clock, SystemClock) else 0.2), sleeper(0.01)
    )

    assert woken == sorted(woken)


async def test_sleeping_no_time_lets_others_run(clock: Clock) -> None:
    """Nobody is starved by a loop that has nothing to wait for."""
    ran = asyncio.Event()
    asyncio.get_running_loop().call_soon(ran.set)
    await clock.sleep(0)
    await clock.sleep(-1)

    assert ran.is_set()


async def test_a_sleep_can_be_cancelled(clock: Clock) -> None:
    """That is how a node stops."""
    task = asyncio.ensure_future(clock.sleep(1e6))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
