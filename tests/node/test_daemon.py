"""The whole node in one process: two of them meet."""

import asyncio
import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from bluezone_node.clock import SimClock
from bluezone_node.crypto.metadata import Metadata
from bluezone_node.errors import RadioUnavailable
from bluezone_node.node.advertiser import Advertiser
from bluezone_node.node.daemon import LONGEST_START, Daemon
from bluezone_node.node.exposure import Yardstick
from bluezone_node.node.keys import DiagnosisKeys, KeyTaker, judge_by
from bluezone_node.node.sync import Sync
from bluezone_node.node.timekeeper import Timekeeper
from bluezone_node.ports import RadioCondition, Voucher, Witness
from bluezone_node.presets import load_preset, load_profile
from bluezone_node.proximity.model import DiagnosisKey, ReportType
from tests.radios import LoopbackAir, LoopbackRadio
from tests.sources import SIGNING_KEY, MemoryExports, Told, at_once, signed_export
from tests.stores import MemoryNodeStore, OnMemory

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
RELEASED = date(2026, 2, 1)


class Node:
    """One node on a loopback air."""

    def __init__(
        self,
        air: LoopbackAir,
        clock: SimClock,
        name: str,
        x: float,
        witness: Witness = lambda _: Voucher.SIMULATION,
        radio: LoopbackRadio | None = None,
    ) -> None:
        entropy = random.Random(name).randbytes
        self.store = MemoryNodeStore()
        self.radio = radio or air.radio(name, x)
        self.told = Told()
        self.exports = MemoryExports()
        self.alive = 0
        self.ready: list[float] = []
        self.stop = asyncio.Event()
        on_store = OnMemory(self.store)
        timekeeper = Timekeeper(clock, witness, on_store, RELEASED)
        sync = Sync(
            [DiagnosisKeys(self.exports, (SIGNING_KEY.public_key(),), KeyTaker(on_store, at_once))],
            clock=timekeeper,
            on_store=on_store,
            entropy=entropy,
            judges=[
                judge_by(Yardstick(load_preset("vn-f1-2m"), load_profile("people"), 0.0), on_store)
            ],
            notifier=self.told,
            every=14400,
        )
        self.daemon = Daemon(
            radio=self.radio,
            timekeeper=timekeeper,
            on_store=on_store,
            advertiser=Advertiser(self.radio, timekeeper, on_store, entropy, Metadata(12, 3)),
            sync=sync,
            alive=self._count,
        )
        self.running = asyncio.create_task(
            self.daemon.run(self.stop, lambda: self.ready.append(clock.monotonic()))
        )

    def _count(self) -> None:
        self.alive += 1

    async def end(self) -> None:
        self.stop.set()
        await self.running


def diagnosed(store: MemoryNodeStore) -> list[DiagnosisKey]:
    return [
        DiagnosisKey(
            key.key,
            key.rolling_start,
            key.rolling_period,
            ReportType.CONFIRMED_TEST,
            days_since_onset=0,
        )
        for key in store.own_keys()
    ]


async def test_a_meeting_becomes_an_alert_days_later() -> None:
    """Advertise, hear, log, fetch, match, weigh, tell: nothing in between is taken for granted."""
    clock = SimClock(START)
    air = LoopbackAir(clock)
    an, binh = Node(air, clock, "an", 0.0), Node(air, clock, "binh", 1.0)
    await clock.sleep(20 * 60)
    binh.radio.move(5000.0)
    await clock.sleep(2 * 86400)
    binh.exports.files["1.zip"] = signed_export(diagnosed(an.store), end=clock.now())
    await clock.sleep(6 * 3600)
    await an.end()
    await binh.end()
    (alert,) = binh.told.alerts

    assert alert.day == START.date()
    assert START <= alert.start < alert.end <= START + timedelta(minutes=22)
    assert alert.nearness is not None
    assert alert.nearness.minutes_heard >= 18
    assert not an.told.alerts
    assert binh.alive > 2 * 1440 * 6


@pytest.mark.slow
async def test_two_weeks_later_nothing_of_it_is_left() -> None:
    """Encounters, coverage and keys older than fourteen days are gone by themselves."""
    clock = SimClock(START)
    air = LoopbackAir(clock, every=20.0)
    an, binh = Node(air, clock, "an", 0.0), Node(air, clock, "binh", 1.0)
    await clock.sleep(1200)
    await binh.end()
    await clock.sleep(15 * 86400)
    await an.end()

    assert list(an.store.encounters(START - timedelta(days=1), clock.now())) == []
    assert all(key.rolling_end > 0 for key in an.store.own_keys())
    assert len(an.store.own_keys()) in (14, 15)


async def test_stopping_writes_the_minute_under_way() -> None:
    """What was heard a second ago is not lost by a clean stop."""
    clock = SimClock(START)
    air = LoopbackAir(clock, every=1.0)
    an, binh = Node(air, clock, "an", 0.0), Node(air, clock, "binh", 1.0)
    await clock.sleep(30)
    await an.end()
    await binh.end()

    assert list(an.store.encounters(START - timedelta(days=1), clock.now() + timedelta(days=1)))


async def test_a_radio_that_is_gone_ends_the_node_with_its_reason() -> None:
    """The service manager is to start it again: it must not live on deaf."""
    clock = SimClock(START)
    air = LoopbackAir(clock)
    an = Node(air, clock, "an", 0.0)
    await clock.sleep(30)
    an.radio.fail()
    with pytest.raises(ExceptionGroup) as group:
        await an.running

    assert group.group_contains(RadioUnavailable)


class MendedRadio(LoopbackRadio):
    """A radio that gets on the air only after some time, if ever."""

    def __init__(self, air: LoopbackAir, mended_at: float) -> None:
        super().__init__(air, "an", 0.0, 0.0)
        self._mended_at = mended_at

    def condition(self) -> RadioCondition:
        condition = super().condition()
        if self._air.clock.monotonic() >= self._mended_at:
            return condition
        return replace(condition, advertising=False, fault="not on the air")


@pytest.mark.parametrize(
    ("mended_at", "ready_at"), [(0.0, 0.0), (20.0, 20.0), (1e6, LONGEST_START)]
)
async def test_ready_comes_with_the_first_identifier_on_the_air_or_after_a_minute(
    mended_at: float, ready_at: float
) -> None:
    """A radio that is being mended is not waited for by the service manager, which would kill."""
    clock = SimClock(START)
    air = LoopbackAir(clock)
    an = Node(air, clock, "an", 0.0, radio=MendedRadio(air, mended_at))
    await clock.sleep(100)
    await an.end()
    (ready,) = an.ready

    assert ready_at <= ready <= ready_at + 1
