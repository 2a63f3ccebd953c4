"""Folding what is heard by the minute, and writing it with its coverage."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import pytest

from bluezone_node.clock import SimClock
from bluezone_node.errors import DatabaseUnusable
from bluezone_node.node.listener import BACKLOG_MINUTES, Listener
from bluezone_node.node.timekeeper import Timekeeper
from bluezone_node.ports import NodeStore, Result, Voucher
from bluezone_node.proximity.model import Beacon, Encounter, Scan
from tests.radios import LoopbackAir
from tests.stores import MemoryNodeStore, OnMemory

START = datetime(2026, 3, 2, 8, 0, 20, tzinfo=UTC)
FOREVER = datetime(2100, 1, 1, tzinfo=UTC)
BINH = Beacon(b"b" * 16, b"meta")


class FullDisk(MemoryNodeStore):
    """A store on a disk that is full until it is not."""

    full = True

    def log(self, encounters: Iterable[Encounter], scans: Iterable[Scan]) -> None:
        if self.full:
            raise DatabaseUnusable("there is no space left")
        super().log(encounters, scans)


class OnHanging:
    """An OnStore whose work takes until it is let go on."""

    def __init__(self, store: NodeStore) -> None:
        self._on_store = OnMemory(store)
        self.free = asyncio.Event()
        self.free.set()

    async def __call__(self, work: Callable[[NodeStore], Result]) -> Result:
        await self.free.wait()
        return await self._on_store(work)


class Stage:
    """A listener a metre from Bình, who is on the air."""

    def __init__(self, store: MemoryNodeStore | None = None) -> None:
        self.clock = SimClock(START)
        self.air = LoopbackAir(self.clock, every=5.0)
        self.radio = self.air.radio("an")
        self.binh = self.air.radio("binh", x=1.0)
        self.store = store or MemoryNodeStore()
        self.on_store = OnHanging(self.store)
        self.voucher = Voucher.NETWORK
        self.timekeeper = Timekeeper(self.clock, lambda _: self.voucher, self.on_store)
        self.listener = Listener(self.radio, self.timekeeper, self.on_store)
        self.tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        await self.binh.advertise(BINH)
        self.tasks = [
            asyncio.create_task(self.timekeeper.run()),
            asyncio.create_task(self.listener.run_hearing()),
            asyncio.create_task(self.listener.run_writing()),
        ]

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.listener.finish()
        await self.radio.close()
        await self.binh.close()

    def encounters(self) -> list[Encounter]:
        return list(self.store.encounters(START - timedelta(days=400), FOREVER))

    def coverage(self) -> list[Scan]:
        return self.store.scans(START - timedelta(days=400), FOREVER)


async def test_ten_minutes_together_are_ten_scans_of_one_encounter() -> None:
    """Every packet is counted, and every minute stands for a minute."""
    stage = Stage()
    await stage.start()
    await stage.clock.sleep(600)
    await stage.stop()
    (encounter,) = stage.encounters()

    assert encounter.identifier == BINH.rpi
    assert sum(scan.rssi.total for scan in encounter.scans) in range(118, 121)
    assert {scan.seconds for scan in encounter.scans} == {60}
    assert len(encounter.scans) == 11


async def test_silence_is_logged_as_coverage_and_deafness_is_not() -> None:
    """A minute in which nothing was heard is a scan; a minute without a receiver is none."""
    stage = Stage()
    await stage.start()
    await stage.binh.advertise(None)
    await stage.clock.sleep(300)
    await stage.stop()

    assert not stage.encounters()
    assert len(stage.coverage()) in (5, 6)
    assert 299 <= sum(scan.listened for scan in stage.coverage()) <= 301


async def test_coverage_counts_frames_of_ours_and_of_others() -> None:
    """What the radio counted is dealt out to the minutes, none lost."""
    stage = Stage()
    await stage.start()
    stage.radio.overhear(bytes.fromhex("02010603030d18"), -60)
    await stage.clock.sleep(600)
    await stage.stop()

    assert sum(scan.sightings for scan in stage.coverage()) in range(118, 121)
    assert sum(scan.foreign for scan in stage.coverage()) == 1


async def test_a_full_disk_loses_nothing_once_there_is_room_again() -> None:
    """Minutes wait in memory, the condition says so, and all are written in the end."""
    store = FullDisk()
    stage = Stage(store)
    await stage.start()
    await stage.clock.sleep(300)

    assert stage.listener.condition().backlog_minutes == 5
    assert "no space" in stage.listener.condition().problem

    store.full = False
    await stage.clock.sleep(300)
    await stage.stop()

    assert stage.listener.condition().problem == ""
    assert stage.listener.condition().backlog_minutes == 0
    assert sum(s.rssi.total for e in stage.encounters() for s in e.scans) in range(118, 121)


async def test_a_clock_set_forward_invents_no_coverage() -> None:
    """Two days that did not pass are not two days of listening."""
    stage = Stage()
    await stage.start()
    await stage.clock.sleep(100)
    stage.clock.jump(timedelta(days=2))
    await stage.clock.sleep(100)
    await stage.stop()

    assert sum(scan.listened for scan in stage.coverage()) <= 201
    assert len(stage.coverage()) <= 6
    assert sum(s.rssi.total for e in stage.encounters() for s in e.scans) in range(38, 41)


async def test_a_clock_set_back_loses_no_packet() -> None:
    """What was heard before the clock was corrected is written under the time it had."""
    stage = Stage()
    await stage.start()
    await stage.clock.sleep(100)
    stage.clock.jump(timedelta(days=-2))
    await stage.clock.sleep(100)
    await stage.stop()

    assert sum(s.rssi.total for e in stage.encounters() for s in e.scans) in range(38, 41)
    assert sum(scan.listened for scan in stage.coverage()) <= 201


async def test_what_was_heard_before_the_time_was_known_is_moved_to_its_time() -> None:
    """An hour by a clock that stood in 1970, and was set wrong again, becomes the hour it was."""
    stage = Stage()
    stage.voucher = Voucher.NOBODY
    stage.clock.set_wall(datetime(1970, 1, 1, tzinfo=UTC))
    stage.timekeeper = Timekeeper(stage.clock, lambda _: stage.voucher, stage.on_store)
    stage.listener = Listener(stage.radio, stage.timekeeper, stage.on_store)
    await stage.start()
    await stage.clock.sleep(1800)
    stage.clock.jump(timedelta(days=9000))
    await stage.clock.sleep(1810)

    assert not stage.coverage()
    assert stage.listener.condition().undated_minutes == 60

    stage.clock.set_wall(START + timedelta(seconds=stage.clock.monotonic()))
    stage.voucher = Voucher.NETWORK
    await stage.clock.sleep(120)
    await stage.stop()
    (encounter,) = stage.encounters()

    assert stage.listener.condition().undated_minutes == 0
    assert sum(scan.rssi.total for scan in encounter.scans) in range(740, 748)
    assert abs(encounter.scans[0].start - START) <= timedelta(seconds=40)
    assert abs(encounter.scans[-1].start - stage.clock.now()) <= timedelta(seconds=100)
    assert sum(scan.listened for scan in stage.coverage()) in range(3650, 3732)
    assert all(scan.seconds <= 60 for scan in stage.coverage())


async def test_a_node_that_never_knew_the_time_says_how_much_it_could_not_date(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nothing of it is written: the clock of the next start has nothing to do with this one."""
    stage = Stage()
    stage.voucher = Voucher.NOBODY
    await stage.start()
    await stage.clock.sleep(600)
    await stage.stop()

    assert not stage.encounters()
    assert not stage.coverage()
    assert "11 minutes are lost" in caplog.text


async def test_a_day_without_the_time_is_kept_and_no_more() -> None:
    """Memory is bounded; what is given up is counted."""
    stage = Stage()
    stage.voucher = Voucher.NOBODY
    stage.air.every = 60.0
    await stage.start()
    await stage.clock.sleep(25 * 3600)
    condition = stage.listener.condition()
    await stage.stop()

    assert condition.undated_minutes == BACKLOG_MINUTES
    assert condition.lost_minutes in range(59, 62)


async def test_a_clock_that_is_set_without_anyone_vouching_moves_nothing() -> None:
    """What is heard goes on to be dated by the time known before."""
    stage = Stage()
    await stage.start()
    await stage.clock.sleep(300)
    stage.voucher = Voucher.NOBODY
    stage.clock.jump(timedelta(days=30))
    await stage.clock.sleep(300)
    await stage.stop()
    (encounter,) = stage.encounters()

    assert len(encounter.scans) == 11
    assert encounter.scans[-1].start <= START + timedelta(seconds=600)
    assert [scan.start for scan in stage.coverage()][-1] <= START + timedelta(seconds=600)


async def test_turns_are_told_from_work_that_was_done() -> None:
    """The last turn is as long ago as a minute was closed and written, or that was tried."""
    stage = Stage(FullDisk())
    await stage.start()
    await stage.clock.sleep(600)
    assert stage.listener.since_last_turn() <= 62

    stage.on_store.free.clear()
    await stage.clock.sleep(600)
    assert stage.listener.since_last_turn() >= 600 - 62

    stage.on_store.free.set()
    await stage.clock.sleep(60)
    assert stage.listener.since_last_turn() <= 62
    await stage.stop()


async def test_a_node_stopped_while_it_writes_writes_nothing_twice() -> None:
    """The store finishes what it has begun; the last write waits for it."""
    stage = Stage()
    await stage.start()
    await stage.clock.sleep(1)
    stage.on_store.free.clear()
    await stage.clock.sleep(89)
    for task in stage.tasks:
        task.cancel()
    stopping = asyncio.create_task(stage.stop())
    await asyncio.sleep(0)
    stage.on_store.free.set()
    await stopping

    assert sum(s.rssi.total for e in stage.encounters() for s in e.scans) in range(17, 20)
