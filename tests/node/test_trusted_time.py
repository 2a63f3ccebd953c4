"""A node whose wall clock is set this way and that: what it does is right by the true time.

True time is the simulation's monotonic clock; the wall clock shows it only while the network
vouches, as the kernel does: whoever sets the clock by hand ends that.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from bluezone_node.clock import SimClock
from bluezone_node.crypto.keys import roll
from bluezone_node.crypto.metadata import Metadata
from bluezone_node.intervals import day_of, from_unix, interval_at, interval_day
from bluezone_node.node.advertiser import beacon
from bluezone_node.ports import Voucher
from bluezone_node.proximity.model import Beacon, DiagnosisKey, Encounter, ReportType
from tests.node.test_daemon import Node
from tests.radios import LoopbackAir
from tests.sources import signed_export

BEGIN = datetime(2026, 3, 2, 22, 30, tzinfo=UTC)
"""True time at the start: an hour and a half before a new key."""
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class World:
    """A node, a neighbour whose identifier tells when it was on the air, and the true time."""

    def __init__(self, wall: datetime) -> None:
        self.clock = SimClock(wall)
        self.air = LoopbackAir(self.clock, every=20.0)
        self.neighbour = self.air.radio("neighbour", 1.0)
        self.synchronised = False
        self.node = Node(self.air, self.clock, "an", 0.0, witness=self._witness)
        self._passing = asyncio.create_task(self._pass())

    @property
    def truth(self) -> datetime:
        return BEGIN + timedelta(seconds=self.clock.monotonic())

    def _witness(self, _now: datetime) -> Voucher:
        return Voucher.NETWORK if self.synchronised else Voucher.NOBODY

    async def _pass(self) -> None:
        while True:
            minute = int(self.truth.timestamp()) // 60
            await self.neighbour.advertise(Beacon(minute.to_bytes(16), b"meta"))
            await self.clock.sleep(60 - self.truth.timestamp() % 60)

    def set_by_network(self) -> None:
        self.clock.set_wall(self.truth)
        self.synchronised = True

    def set_by_hand(self, wall: datetime) -> None:
        self.clock.set_wall(wall)
        self.synchronised = False

    async def end(self) -> None:
        self._passing.cancel()
        await self.node.end()
        await self.neighbour.close()

    def own_days(self) -> set[date]:
        return {interval_day(key.rolling_start) for key in self.node.store.own_keys()}

    def logged(self) -> list[Encounter]:
        ever = (datetime(1, 1, 2, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC))
        return list(self.node.store.encounters(*ever))

    def errors(self) -> list[float]:
        """Return by how many seconds each scan of the log lies after its identifier's minute."""
        return [
            (scan.start - from_unix(60 * int.from_bytes(encounter.identifier))).total_seconds()
            for encounter in self.logged()
            for scan in encounter.scans
        ]

    def packets(self) -> int:
        return sum(scan.rssi.total for encounter in self.logged() for scan in encounter.scans)


walls = st.datetimes(datetime(1970, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
settings_of_the_clock = st.lists(st.tuples(st.floats(1, 3000), st.none() | walls), max_size=5)


def run(wall: datetime, changes: Sequence[tuple[float, datetime | None]]) -> World:
    """Play *changes*: seconds to wait, and then the wall clock is set; None: by the network."""

    async def play() -> World:
        world = World(wall)
        for seconds, setting in changes:
            await world.clock.sleep(seconds)
            if setting is None:
                world.set_by_network()
            else:
                world.set_by_hand(setting)
        await world.clock.sleep(1795)  # between two packets of the neighbour
        await world.end()
        return world

    return asyncio.run(play())


@settings(max_examples=25)
@given(walls, settings_of_the_clock)
def test_no_key_is_made_for_a_day_that_was_not(
    wall: datetime, changes: list[tuple[float, datetime | None]]
) -> None:
    """Nor anything put on the air before the time was known, however the clock is set."""
    world = run(wall, changes)
    ever_told = any(setting is None for _, setting in changes)
    told_at_last = bool(changes) and changes[-1][1] is None
    advertised = any(change.name == "an" for change in world.air.history)

    assert world.own_days() <= {day_of(BEGIN), day_of(world.truth)}
    assert told_at_last <= bool(world.own_days()) <= ever_told
    assert advertised is bool(world.own_days())


@settings(max_examples=25)
@given(walls, settings_of_the_clock)
def test_what_was_heard_is_dated_right(
    wall: datetime, changes: list[tuple[float, datetime | None]]
) -> None:
    """To the minute, all of it and nothing twice, from before the time was known and after."""
    world = run(wall, [*changes, (100.1, None)])
    heard = world.node.radio.condition().heard

    assert all(-60 <= error <= 120 for error in world.errors())
    assert world.packets() == heard > 80


async def test_a_node_without_the_time_listens_and_says_so() -> None:
    """It is ready, it feeds the watchdog, it erases nothing, and it makes no key."""
    world = World(LONG_AGO)
    await world.clock.sleep(3600)
    condition = world.node.daemon.condition()

    assert not condition.time.known
    assert "before 2026-02-01" in condition.time.problem
    assert condition.listener.undated_minutes in (59, 60)
    assert not condition.radio.advertising
    assert condition.last_forgot is None
    assert condition.last_sync is None
    assert world.node.ready[0] < 2
    assert world.node.alive > 300
    assert not world.node.store.own_keys()
    await world.end()


async def test_when_the_time_comes_all_begins() -> None:
    """Within some seconds the identifier of the true time is on the air and the log is right."""
    world = World(LONG_AGO)
    await world.clock.sleep(3600)
    world.set_by_network()
    await world.clock.sleep(10)
    condition = world.node.daemon.condition()
    store = world.node.store

    assert condition.time.vouched_by == "the network"
    assert condition.radio.advertising
    assert condition.listener.undated_minutes == 0
    assert abs(condition.started - BEGIN) < timedelta(seconds=1)
    assert world.own_days() == {day_of(world.truth)}
    assert condition.last_forgot is not None
    assert sum(scan.listened for scan in store.scans(BEGIN - timedelta(minutes=1), world.truth))
    await world.end()


async def test_an_export_waits_until_what_was_heard_is_in_the_log() -> None:
    """It is matched once: by then a meeting from before the time was known must be found."""
    world = World(LONG_AGO)
    key = roll(interval_at(BEGIN), bytes(range(16)))
    diagnosis = DiagnosisKey(
        key.key, key.rolling_start, 144, ReportType.CONFIRMED_TEST, days_since_onset=0
    )
    world.node.exports.files["1.zip"] = signed_export([diagnosis], end=BEGIN)
    patient = world.air.radio("patient", 1.0)
    for _ in range(4):
        await patient.advertise(beacon(key, interval_at(world.truth), Metadata(12, 3)))
        await world.clock.sleep(600)
    await patient.close()
    assert not world.node.exports.fetched

    world.set_by_network()
    await world.clock.sleep(30)
    await world.end()
    (alert,) = world.node.told.alerts

    assert alert.day == BEGIN.date()
    assert abs(alert.start - BEGIN) <= timedelta(minutes=2)
    assert alert.nearness is not None
    assert alert.nearness.minutes_heard >= 36


def test_a_real_time_clock_in_local_time_is_put_right() -> None:
    """Seven hours ahead in Hanoi, logged so, and then the network overrules the log."""

    async def play() -> tuple[set[date], float]:
        clock = SimClock(BEGIN + timedelta(hours=7))
        voucher = [Voucher.HARDWARE]
        air = LoopbackAir(clock)
        node = Node(air, clock, "an", 0.0, witness=lambda _: voucher[0])
        await clock.sleep(600)
        clock.jump(timedelta(hours=-7))
        voucher[0] = Voucher.NETWORK
        await clock.sleep(600)
        await node.end()
        off = (clock.now() - node.daemon.condition().now).total_seconds()
        return {interval_day(key.rolling_start) for key in node.store.own_keys()}, off

    days, off = asyncio.run(play())

    assert BEGIN.date() in days
    assert off == 0
