"""Folding what is heard by the minute, and writing it with its coverage."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from bluezone_node.clock import SimClock
from bluezone_node.errors import DatabaseUnusable
from bluezone_node.node.listener import Listener
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


class Stage:
    """A listener a metre from Bình, who is on the air."""

    def __init__(self, store: MemoryNodeStore | None = None) -> None:
        self.clock = SimClock(START)
        self.air = LoopbackAir(self.clock, every=5.0)
        self.radio = self.air.radio("an")
        self.binh = self.air.radio("binh", x=1.0)
        self.store = store or MemoryNodeStore()
        self.listener = Listener(self.radio, self.clock, OnMemory(self.store))
        self.rounds = 0
        self.tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        await self.binh.advertise(BINH)
        self.tasks = [
            asyncio.create_task(self.listener.run_hearing()),
            asyncio.create_task(self.listener.run_writing(self._count)),
        ]

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.listener.finish()
        await self.radio.close()
        await self.binh.close()

    def _count(self) -> None:
        self.rounds += 1

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


async def test_life_is_told_from_work_that_was_done() -> None:
    """The watchdog is fed once a minute, by the writing of that minute."""
    stage = Stage()
    await stage.start()
    await stage.clock.sleep(600)
    rounds = stage.rounds
    await stage.stop()

    assert rounds == 10
