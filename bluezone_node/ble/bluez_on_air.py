"""What is to be on the air, kept there: wished once, registered until it is so."""

import asyncio
import logging
from collections.abc import Sequence

from bluezone_node.ble.bluez_adapter import Adapter, read_adapter
from bluezone_node.ble.bluez_advertiser import BluezAdvertiser, ServiceData
from bluezone_node.ble.bluez_bus import BluezBus, BluezError, BluezRefused
from bluezone_node.ble.bluez_turn import Turn
from bluezone_node.errors import RadioUnavailable
from bluezone_node.ports import Clock

log = logging.getLogger(__name__)

RETRY = 2.0
"""Seconds between two attempts to register: a refusal is normal where another program scans with
the same chip, and its next pause lets the node in."""


class OnAir:
    """The sending half of the radio."""

    def __init__(self, bus: BluezBus, adapter: Adapter, turn: Turn, clock: Clock) -> None:
        self.problem = ""
        """Why it is not on the air; empty when it is."""
        self.left_out = ""
        """Why only the first of what is wished is on the air; empty when all of it is."""
        self.crowded_out = False
        """It was refused while another program scanned."""
        self.rotations = 0
        self.refusals = 0
        """Registrations that bluetoothd refused."""
        self.settled = asyncio.Event()
        """Set while what is on the air is what is wished."""
        self.settled.set()
        self._bus = bus
        self._adapter = adapter.name
        self._turn = turn
        self._clock = clock
        self._advertiser = BluezAdvertiser(bus, adapter, dropped=self.lost)
        self._wished: tuple[ServiceData, ...] = ()
        self._changed = asyncio.Event()
        self._powered = asyncio.Event()
        """While it is off, bluetoothd takes advertisements and sends none."""
        self._powered.set()

    def sends(self, uuid: str) -> bool:
        """Tell whether data of the service *uuid* are on the air, as wished."""
        present = self._wished[:1] if self.left_out else self._wished
        return self.settled.is_set() and any(one.uuid == uuid for one in present)

    def wish(self, advertisements: Sequence[ServiceData]) -> None:
        """Have these on the air, and no others, as soon as possible.

        Where the adapter takes a single one, that is the first.
        """
        self._wished = tuple(advertisements)
        self.again()

    def again(self) -> None:
        """Register once more, under a fresh address."""
        self.settled.clear()
        self._changed.set()

    def lost(self) -> None:
        """What was registered is not on the air any more: the adapter was away."""
        if self._wished and self.settled.is_set():
            self.again()

    def switched(self, *, on: bool) -> None:
        """Note whether the adapter is switched on; what is wished waits until it is."""
        if on and not self._powered.is_set():
            self._powered.set()
            self.again()
        elif not on:
            self._powered.clear()
            self.lost()

    def forget(self) -> None:
        """Another bluetoothd runs, or none: it knows nothing of us."""
        self._advertiser.forget()
        self.lost()

    async def run(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self._settle()

    async def _settle(self) -> None:
        while not self.settled.is_set():
            await self._powered.wait()
            try:
                async with self._turn.urgent():
                    await self._replace()
            except RadioUnavailable as gone:
                # The next look says so to whoever runs the node.
                self.problem = str(gone)
                return
            if not self.settled.is_set():
                await self._clock.sleep(RETRY)

    async def _replace(self) -> None:
        wished = self._wished
        try:
            self.left_out = await self._put(wished)
        except BluezError as error:
            if not self.problem:
                log.warning("advertising with %s: %s", self._adapter, error)
            self.problem = str(error)
            if isinstance(error, BluezRefused):
                self.refusals += 1
                self.crowded_out = await self._somebody_scans()
            return
        self.problem = ""
        self.crowded_out = False
        self.rotations += bool(wished)
        if wished == self._wished:
            self.settled.set()

    async def _put(self, wished: Sequence[ServiceData]) -> str:
        """Put as many of *wished* on the air as go; return why that is not all of them."""
        try:
            await self._advertiser.replace(wished)
        except BluezRefused as refused:
            if len(wished) < 2:
                raise
            # Another attempt comes with the next wish: one every two seconds would interrupt the
            # identifier, and help no adapter that has no room for a second one.
            await self._advertiser.replace(wished[:1])
            if not self.left_out:
                log.warning("%s sends the first advertisement only: %s", self._adapter, refused)
            return str(refused)
        return ""

    async def _somebody_scans(self) -> bool:
        """Tell whether the adapter scans although it is our turn, and we do not."""
        try:
            adapter = await read_adapter(self._bus, self._adapter)
        except BluezError:
            return False
        return adapter is not None and adapter.scanning

    async def take_off(self) -> None:
        """Have nothing registered: at the end, and before the adapter is switched on.

        The kernel sends what it still holds by itself when an adapter comes on, and a strict chip
        then refuses the address of what is registered after.
        """
        await self._advertiser.take_off()
