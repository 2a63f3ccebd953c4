"""The watchdog is fed from work that was seen done, and starves otherwise."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from bluezone_node.clock import SimClock
from bluezone_node.errors import RadioUnavailable
from bluezone_node.node.listener import Listener
from bluezone_node.node.supervisor import LONGEST_TURN, LOOK_EVERY, Supervisor
from bluezone_node.node.timekeeper import Timekeeper
from bluezone_node.ports import NodeStore, Result, Voucher
from tests.radios import LoopbackAir, LoopbackRadio
from tests.stores import MemoryNodeStore, OnMemory

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


class MendedRadio(LoopbackRadio):
    """A radio whose look takes until it is let go on, and that counts the looks."""

    def __init__(self, air: LoopbackAir) -> None:
        super().__init__(air, "an", 0.0, 0.0)
        self.free = asyncio.Event()
        self.free.set()
        self.looks = 0

    async def check(self) -> None:
        self.looks += 1
        await self.free.wait()
        await super().check()


class Stage:
    """A supervised listener."""

    def __init__(self) -> None:
        self.clock = SimClock(START)
        self.radio = MendedRadio(LoopbackAir(self.clock))
        self.free = asyncio.Event()
        self.free.set()
        self.fed: list[float] = []
        store = OnMemory(MemoryNodeStore())

        async def on_store(work: Callable[[NodeStore], Result]) -> Result:
            await self.free.wait()
            return await store(work)

        keeper = Timekeeper(self.clock, lambda _: Voucher.NETWORK, on_store)
        listener = Listener(self.radio, keeper, on_store)
        self.supervisor = Supervisor(
            self.radio, listener, self.clock, lambda: self.fed.append(self.clock.monotonic())
        )
        self.tasks = [
            asyncio.create_task(keeper.run()),
            asyncio.create_task(listener.run_writing()),
            asyncio.create_task(self.supervisor.run()),
        ]

    async def fed_during(self, seconds: float) -> int:
        before = len(self.fed)
        await self.clock.sleep(seconds)
        return len(self.fed) - before

    async def end(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def test_a_node_that_works_feeds_the_watchdog_with_each_look() -> None:
    """From the first one on, which comes before the first minute is over."""
    stage = Stage()
    assert await stage.fed_during(3605) == 3600 / LOOK_EVERY
    assert stage.fed[0] == LOOK_EVERY
    assert stage.supervisor.last_look == START + timedelta(hours=1)
    await stage.end()


async def test_a_store_that_hangs_starves_the_watchdog() -> None:
    """Though the radio is still looked at; and it is fed again when minutes are written again."""
    stage = Stage()
    await stage.clock.sleep(600)
    stage.free.clear()
    await stage.clock.sleep(LONGEST_TURN + LOOK_EVERY)
    looks = stage.radio.looks
    assert await stage.fed_during(600) == 0
    assert stage.radio.looks > looks

    stage.free.set()
    await stage.clock.sleep(70)
    assert await stage.fed_during(600) in (59, 60)
    await stage.end()


async def test_a_look_that_does_not_come_back_starves_the_watchdog() -> None:
    """There is no patience after which it would be fed all the same."""
    stage = Stage()
    await stage.clock.sleep(600)
    stage.radio.free.clear()
    await stage.clock.sleep(LOOK_EVERY)

    assert await stage.fed_during(3600) == 0
    await stage.end()


async def test_a_radio_that_is_gone_ends_the_node_with_its_reason() -> None:
    """What cannot be mended is left to the service manager."""
    stage = Stage()
    await stage.clock.sleep(60)
    stage.radio.fail()
    with pytest.raises(RadioUnavailable):
        await stage.tasks[-1]
    await stage.end()
