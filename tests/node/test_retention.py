"""When old data is erased."""

import asyncio
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from bluezone_node.clock import SimClock
from bluezone_node.errors import DatabaseUnusable
from bluezone_node.intervals import interval_at
from bluezone_node.node.keyring import key_for
from bluezone_node.node.retention import FORGET_EVERY, LOOK_EVERY, Retention
from bluezone_node.ports import StoredVisit
from bluezone_node.venues.visits import Seen, arrive, expected_end
from tests.stores import MemoryNodeStore, OnMemory
from tests.venues.places import card_of

NOW = datetime(2026, 3, 20, 8, 0, tzinfo=UTC)


class Busy(MemoryNodeStore):
    """A store that another program reads, until it does not."""

    busy = True

    def forget(self, before: datetime) -> int:
        if self.busy:
            raise DatabaseUnusable("another program reads it")
        return super().forget(before)


class Locked(MemoryNodeStore):
    """A store whose visits another program holds, when it does."""

    locked = False

    def change_visits(
        self, change: Callable[[Sequence[StoredVisit]], Sequence[StoredVisit]]
    ) -> list[StoredVisit]:
        if self.locked:
            raise DatabaseUnusable("another program writes")
        return super().change_visits(change)


class Stage:
    """A node with a key from *days* ago."""

    def __init__(self, days: float, store: MemoryNodeStore | None = None) -> None:
        self.clock = SimClock(NOW)
        self.store = store or MemoryNodeStore()
        key_for(self.store, interval_at(NOW - timedelta(days=days)), random.Random(1).randbytes)
        self.retention = Retention(self.clock, OnMemory(self.store))
        self.task = asyncio.create_task(self.retention.run())

    async def keys_after(self, seconds: float) -> int:
        await self.clock.sleep(seconds)
        return len(self.store.own_keys())

    def end(self) -> None:
        self.task.cancel()


async def test_what_is_due_at_the_start_goes_at_once() -> None:
    """Restarting does not put off what is due."""
    stage = Stage(21)
    assert await stage.keys_after(1) == 0
    stage.end()


async def test_what_comes_due_goes_within_the_hour() -> None:
    """A key ends at midnight of its day, and is erased fourteen days later."""
    stage = Stage(14)
    due = 16 * 3600.0
    assert await stage.keys_after(due - 1) == 1
    assert await stage.keys_after(FORGET_EVERY) == 0
    stage.end()


async def test_what_could_not_be_erased_is_tried_again() -> None:
    """The node goes on; it does not claim to have forgotten."""
    store = Busy()
    stage = Stage(21, store)
    assert await stage.keys_after(1) == 1
    assert stage.retention.last_run is None
    store.busy = False
    assert await stage.keys_after(FORGET_EVERY) == 0
    assert stage.retention.last_run is not None
    stage.end()


async def test_a_private_visit_loses_its_name_within_a_minute_of_its_end() -> None:
    """Though nobody looks at the list; until then it is told where one is."""
    stage = Stage(1)
    began = NOW + timedelta(seconds=30)
    await stage.clock.sleep(31)
    [(_, visit)] = arrive((), Seen(began, "Chợ Hôm", card_of(), private=True))
    stage.store.change_visits(lambda _: [StoredVisit(0, visit)])
    end, _ = expected_end(visit)
    await stage.clock.sleep((end - stage.clock.now()).total_seconds() - 1)
    (entry,) = stage.store.visits()
    assert (entry.visit.label, entry.visit.left) == ("Chợ Hôm", None)
    await stage.clock.sleep(1 + LOOK_EVERY)
    (entry,) = stage.store.visits()
    assert (entry.visit.label, entry.visit.card, entry.visit.left) == ("", None, end)
    stage.end()


async def test_a_name_that_could_not_be_dropped_goes_with_the_next_look() -> None:
    """Another program that writes meanwhile stops nothing."""
    store = Locked()
    stage = Stage(1, store)
    [(_, visit)] = arrive((), Seen(NOW, "Chợ Hôm", card_of(), private=True))
    store.change_visits(lambda _: [StoredVisit(0, visit)])
    await stage.clock.sleep(1)
    store.locked = True
    await stage.clock.sleep((expected_end(visit)[0] - NOW).total_seconds() + LOOK_EVERY)
    assert store.visits()[0].visit.label == "Chợ Hôm"
    store.locked = False
    await stage.clock.sleep(LOOK_EVERY)
    assert store.visits()[0].visit.label == ""
    stage.end()
