"""When old data is erased, and when a clock is not believed."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

from bluezone_node.clock import SimClock
from bluezone_node.intervals import interval_at
from bluezone_node.node.keyring import key_for
from bluezone_node.node.retention import FORGET_EVERY, Retention
from bluezone_node.node.timekeeper import Timekeeper
from bluezone_node.proximity.model import Scan
from tests.stores import MemoryNodeStore, OnMemory

NOW = datetime(2026, 3, 20, 8, 0, tzinfo=UTC)


class Stage:
    """A node with a key from three weeks ago, whose log ends *gap* before its clock."""

    def __init__(self, gap: timedelta) -> None:
        self.clock = SimClock(NOW)
        self.store = MemoryNodeStore()
        key_for(self.store, interval_at(NOW - timedelta(days=21)), random.Random(1).randbytes)
        self.store.log([], [Scan(NOW - gap, 60, 60.0, 0, 0)])
        keeper = Timekeeper(self.clock, lambda: None)
        self.retention = Retention(self.clock, OnMemory(self.store), keeper)

    async def run(self, seconds: float) -> int:
        task = asyncio.create_task(self.retention.run())
        await self.clock.sleep(seconds)
        task.cancel()
        return len(self.store.own_keys())


async def test_a_node_that_was_just_running_forgets_at_its_start() -> None:
    """Restarting does not put off what is due."""
    assert await Stage(timedelta(minutes=5)).run(1) == 0


async def test_a_clock_far_from_the_log_is_not_believed_at_once() -> None:
    """A wrong clock at boot must not erase the log before the time server has answered."""
    assert await Stage(timedelta(days=3)).run(FORGET_EVERY - 1) == 1


async def test_after_an_hour_the_clock_is_believed() -> None:
    """A node that really was off for weeks erases what is due."""
    assert await Stage(timedelta(days=3)).run(FORGET_EVERY + 1) == 0
