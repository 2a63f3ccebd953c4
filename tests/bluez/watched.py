"""The BlueZ radio over the played BlueZ, looked at as the daemon does, at a pace of its own."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from bluezone_node.ble.bluez_open import open_bluez
from bluezone_node.ble.bluez_radio import BluezRadio
from bluezone_node.ble.rhythm import Rhythm, Way
from bluezone_node.ble.timeline import PacedClock, Segment, Timeline
from bluezone_node.errors import RadioUnavailable
from bluezone_node.ports import RadioCondition
from bluezone_node.proximity.model import Beacon, Sighting
from bluezone_node.venues.sighting import VenueSighting
from tests.patience import PATIENCE

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
LOOK = 10.0
"""Seconds of the radio's clock between two looks, as in the daemon."""

TURN = 0.005
"""Seconds of the wall between two looks at what is waited for."""

BRISK: Mapping[Way, Rhythm] = {
    Way.BURSTS: Rhythm(listen=0.1, pause=1.0),
    Way.SHORT_BURSTS: Rhythm(listen=0.1, pause=1.0),
    Way.MONITORED: Rhythm(listen=1.0, pause=0.0),
}
"""Short turns, in seconds of the wall; the played BlueZ keeps to the wall."""


class Watched:
    """A radio, its clock, and what became of it."""

    def __init__(self, radio: BluezRadio, clock: PacedClock) -> None:
        self.radio = radio
        self.clock = clock
        self.faults: list[str] = []
        """Every fault that a look found, each once in a row."""
        self.sightings: list[Sighting] = []
        self.tags: list[VenueSighting] = []
        self.gone: RadioUnavailable | None = None
        """What the last look raised."""
        self.waited = 0.0
        """How many seconds of the radio's clock were waited for something, in all."""
        self._tasks = [asyncio.create_task(self._look()), asyncio.create_task(self._hear())]

    @property
    def condition(self) -> RadioCondition:
        return self.radio.condition()

    async def until(self, fits: Callable[[], object], seconds: float = 60.0) -> None:
        """Wait until *fits*.

        Fails when it takes more than *seconds* of the radio's clock: as this process was given
        them, for what a machine lets everybody wait is nobody's fault.
        """
        turn = TURN * self.clock.timeline.segments[-1].pace
        latest = self.waited + seconds
        while not fits():
            assert self.waited < latest, f"not within {seconds:.0f} s; faults: {self.faults}"
            await asyncio.sleep(TURN)
            self.waited += turn

    async def hears(self, beacon: Beacon, seconds: float = 60.0) -> None:
        """Wait until *beacon* is heard from now on."""
        before = len(self.sightings)
        await self.until(
            lambda: any(each.identifier == beacon.rpi for each in self.sightings[before:]),
            seconds,
        )

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        async with asyncio.timeout(PATIENCE):
            await self.radio.close()

    async def _look(self) -> None:
        while True:
            try:
                await self.radio.check()
            except RadioUnavailable as gone:
                self.gone = gone
                return
            finally:
                fault = self.condition.fault
                if fault and fault not in self.faults[-1:]:
                    self.faults.append(fault)
            await self.clock.sleep(LOOK)

    async def _hear(self) -> None:
        with contextlib.suppress(RadioUnavailable):
            async for sighting in self.radio.hear():
                if isinstance(sighting, Sighting):
                    self.sightings.append(sighting)
                else:
                    self.tags.append(sighting)


@asynccontextmanager
async def watched(
    adapter: str | None = "hci0", pace: float = 20.0, rhythms: Mapping[Way, Rhythm] = BRISK
) -> AsyncIterator[Watched]:
    """Open *adapter* on the bus that DBUS_SYSTEM_BUS_ADDRESS names, and look after it."""
    clock = PacedClock(Timeline((Segment(time.monotonic(), START.timestamp(), pace),)))
    made = Watched(await open_bluez(adapter, rhythms, clock), clock)
    try:
        yield made
    finally:
        await made.end()
