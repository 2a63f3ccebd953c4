"""The real radio: one adapter, driven through bluetoothd.

Two loops do the work and retry by themselves: `Listening` and `OnAir`.  `check` looks at the
whole from outside and climbs the ladder when retrying does not help.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping

from bleak.backends.scanner import AdvertisementData

from bluezone_node.ble.bluez_adapter import Adapter, read_adapter
from bluezone_node.ble.bluez_advertiser import ServiceData
from bluezone_node.ble.bluez_bus import (
    ADAPTER,
    BluezAbsent,
    BluezBus,
    BluezError,
    BluezSilent,
)
from bluezone_node.ble.bluez_ladder import DEAF_AFTER, Fault, Ladder, Step
from bluezone_node.ble.bluez_listening import Listening
from bluezone_node.ble.bluez_on_air import OnAir
from bluezone_node.ble.bluez_scanner import take
from bluezone_node.ble.bluez_turn import Turn
from bluezone_node.ble.frame import (
    GAEN_SERVICE,
    VENUE_SERVICE,
    service_data_of,
    venue_data_of,
)
from bluezone_node.ble.inbox import Inbox
from bluezone_node.ble.receiver import Receiver
from bluezone_node.ble.rhythm import Rhythm, Way
from bluezone_node.ble.sampling import Sampling
from bluezone_node.errors import RadioUnavailable
from bluezone_node.ports import Clock, HeardFrame, RadioCondition
from bluezone_node.proximity.model import Beacon, Sighting
from bluezone_node.venues.tags import AirTag

log = logging.getLogger(__name__)

SETTLE = 5.0
"""Seconds in which `advertise` waits for its beacon to be on the air, before it leaves the rest
to the retrying: a rotation takes a tenth of one, and a turn of listening is cut short for it."""

GOODBYE = 1.5
"""Seconds for leaving the air politely: a bluetoothd that does not answer in time takes off what
belongs to a connection that has ended, too."""


class BluezRadio:
    """Satisfies ``ports.Radio``; opened by ``bluez_open.open_bluez``."""

    def __init__(
        self, bus: BluezBus, adapter: Adapter, rhythms: Mapping[Way, Rhythm], clock: Clock
    ) -> None:
        self._bus = bus
        self._adapter = adapter
        self._clock = clock
        self._turn = Turn()
        self._listening = Listening(
            bus, adapter.name, rhythms, self._turn, clock, self._heard, monitors=adapter.monitors
        )
        self._on_air = OnAir(bus, adapter, self._turn, clock)
        self._receiver = Receiver()
        self._sampling = Sampling(clock.monotonic())
        self._ladder = Ladder()
        self._inbox = Inbox()
        self._gone: RadioUnavailable | None = None
        self._closed = False
        bus.on_bluez = self._bluez_came_or_went
        self._tasks = [
            asyncio.create_task(self._listening.run(), name="bluez: listen"),
            asyncio.create_task(self._on_air.run(), name="bluez: advertise"),
        ]

    @property
    def name(self) -> str:
        return f"bluez:{self._adapter.name}"

    @property
    def tx_power(self) -> int | None:
        """Radiated power that the controller reports, dBm; None where it does not say."""
        return self._adapter.tx_power

    async def advertise(self, beacon: Beacon | None, tag: AirTag | None = None) -> None:
        self._must_be_there()
        # The identifier first: where one of the two must stay behind, it is the tag.
        wished = [] if beacon is None else [ServiceData(GAEN_SERVICE, service_data_of(beacon))]
        if tag is not None:
            wished.append(ServiceData(VENUE_SERVICE, venue_data_of(tag)))
            if not self._adapter.extended:
                self._listening.leave_pauses()
        self._on_air.wish(wished)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLE):
                await self._on_air.settled.wait()
        self._must_be_there()

    def hear(self) -> AsyncIterator[HeardFrame]:
        return self._inbox.hear()

    def condition(self) -> RadioCondition:
        there = self._gone is None and not self._closed
        return RadioCondition(
            listening=there and not self._listening.problem,
            advertising=there and self._on_air.sends(GAEN_SERVICE),
            listened_seconds=self._listening.seconds(),
            heard=self._receiver.heard,
            foreign=self._receiver.foreign,
            refused=dict(self._receiver.refused),
            rotations=self._on_air.rotations,
            detail=self._detail(),
            samples_per_minute=self._sampling.per_minute(self._clock.monotonic()),
            fault=self._fault(),
            repairs={step.value: count for step, count in self._ladder.taken.items()},
            tags=self._receiver.tags,
            announcing=there and self._on_air.sends(VENUE_SERVICE),
        )

    async def check(self) -> None:
        self._must_be_there()
        try:
            step = self._ladder.next(await self._look(), self._clock.monotonic())
            if step is not None:
                log.warning("%s: %s: %s", self.name, self._fault(), step.value)
                await self._take(step)
        except RadioUnavailable as gone:
            self._end(gone)
        except BluezError as error:
            # The step could not be taken; the next look finds out why.
            log.warning("%s: %s", self.name, error)
        self._must_be_there()

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._inbox.close()
        with contextlib.suppress(BluezError, RadioUnavailable, TimeoutError):
            async with asyncio.timeout(GOODBYE):
                for task in self._tasks:
                    task.cancel()
                await asyncio.gather(*self._tasks, return_exceptions=True)
                await self._on_air.take_off()
        self._bus.close()

    def _heard(self, advertisement: AdvertisementData) -> None:
        sighting = take(self._receiver, self._clock.now(), advertisement)
        if isinstance(sighting, Sighting):
            self._sampling.heard(sighting.identifier, self._clock.monotonic())
        if sighting is not None:
            self._inbox.put(sighting)

    # Looking and mending

    def _bluez_came_or_went(self, came: bool) -> None:
        log.warning("%s: bluetoothd %s", self.name, "is there again" if came else "is gone")
        self._listening.restart()
        self._on_air.forget()

    async def _look(self) -> Fault | None:
        """Return what is wrong, the cause before its consequences."""
        try:
            adapter = await read_adapter(self._bus, self._adapter.name)
        except BluezAbsent:
            return Fault.NOT_RUNNING
        except BluezSilent:
            return Fault.SILENT
        if adapter is None:
            return Fault.NO_ADAPTER
        self._on_air.switched(on=adapter.powered)
        if not adapter.powered:
            return Fault.BLOCKED if adapter.blocked else Fault.OFF
        for task in self._tasks:
            if task.done():
                # A mistake of ours: better a restart than half a radio.
                raise RadioUnavailable(f"{task.get_name()} ended: {task.exception()!r}")
        if self._listening.problem:
            return Fault.CANNOT_SCAN
        if not self._on_air.settled.is_set() and self._on_air.problem:
            return Fault.CROWDED_OUT if self._on_air.crowded_out else Fault.NOT_ON_AIR
        if self._clock.monotonic() - self._listening.last_report > DEAF_AFTER:
            return await self._why_silent()
        return None

    async def _why_silent(self) -> Fault:
        async with self._turn.urgent():
            # Nothing of ours scans now: if the adapter does, it is for somebody else.
            adapter = await read_adapter(self._bus, self._adapter.name)
        if adapter is not None and adapter.scanning:
            return Fault.DROWNED
        return Fault.DEAF if self._listening.reports else Fault.QUIET

    async def _take(self, step: Step) -> None:
        if step is Step.RESTART_SCAN:
            self._listening.restart()
        elif step is Step.REGISTER_AGAIN:
            self._listening.restart()
            self._on_air.again()
        elif step is Step.POWER_ON:
            async with self._turn.urgent():
                await self._switch_on()
        elif step is Step.POWER_CYCLE:
            async with self._turn.urgent():
                self._on_air.switched(on=False)
                await self._power(on=False)
                await self._switch_on()
            self._listening.restart()
        else:
            raise RadioUnavailable(
                f"{self.name}: {self._fault()}, and nothing helped",
                hint="bluezone-node doctor says what to do; systemctl restart bluetooth may help",
            )

    async def _switch_on(self) -> None:
        await self._on_air.take_off()
        await self._power(on=True)
        self._on_air.switched(on=True)

    async def _power(self, *, on: bool) -> None:
        await self._bus.set_property(self._adapter.path, ADAPTER, "Powered", "b", value=on)

    def _fault(self) -> str:
        fault = self._ladder.fault
        if fault is None:
            return ""
        why = {
            Fault.CANNOT_SCAN: self._listening.problem,
            Fault.NOT_ON_AIR: self._on_air.problem,
            Fault.CROWDED_OUT: self._on_air.problem,
        }.get(fault)
        return f"{fault.value} ({why})" if why else fault.value

    def _detail(self) -> str:
        kind = "Bluetooth 5 advertising" if self._adapter.extended else "Bluetooth 4 advertising"
        rhythm = self._listening.rhythm
        said = f"{kind}, listening {self._listening.way.value}, {rhythm.share:.0%} of the time"
        if self._on_air.left_out:
            said += f"; the place's tag is NOT sent: {self._on_air.left_out}"
        if self._on_air.refusals:
            said += f"; {self._on_air.refusals} registrations were refused and tried again"
        return said

    def _end(self, gone: RadioUnavailable) -> None:
        self._gone = gone
        self._inbox.fail(gone)

    def _must_be_there(self) -> None:
        if self._closed:
            raise RadioUnavailable("the radio was closed")
        if self._gone is not None:
            raise self._gone
