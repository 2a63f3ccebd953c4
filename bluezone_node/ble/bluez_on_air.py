"""What is to be on the air, kept there: wished once, registered until it is so."""

import asyncio
import logging
from collections.abc import Sequence

from bluezone_node.ble.bluez_adapter import Adapter, read_adapter
from bluezone_node.ble.bluez_advertiser import MOST_DATA, BluezAdvertiser, ServiceData
from bluezone_node.ble.bluez_bus import BluezBus, BluezError, BluezRefused
from bluezone_node.ble.bluez_mgmt import FLAGS_BYTES, br_edr
from bluezone_node.ble.bluez_turn import Turn
from bluezone_node.errors import RadioUnavailable
from bluezone_node.ports import Clock

log = logging.getLogger(__name__)

RETRY = 2.0
"""Seconds between two attempts to register: a refusal is normal where another program scans with
the same chip, and its next pause lets the node in."""

NO_ROOM = (
    "the adapter is for Bluetooth LE alone, and the kernel would cut it; ControllerMode = dual in "
    "/etc/bluetooth/main.conf, or another adapter"
)


class OnAir:
    """The sending half of the radio."""

    def __init__(self, bus: BluezBus, adapter: Adapter, turn: Turn, clock: Clock) -> None:
        self.problem = ""
        """Why it is not on the air; empty when it is."""
        self.left_out = ""
        """Why not all of what is wished is on the air; empty when it is."""
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
        self._put: tuple[ServiceData, ...] = ()
        """What of it was put on the air last."""
        self._changed = asyncio.Event()
        self._powered = asyncio.Event()
        """While it is off, bluetoothd takes advertisements and sends none."""
        self._powered.set()

    def sends(self, uuid: str) -> bool:
        """Tell whether data of the service *uuid* are on the air, as wished."""
        return self.settled.is_set() and any(one.uuid == uuid for one in self._put)

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
            await self._put_what_goes(wished)
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
        self.rotations += bool(self._put)
        if wished == self._wished:
            self.settled.set()

    async def _put_what_goes(self, wished: tuple[ServiceData, ...]) -> None:
        """Put as many of *wished* on the air as go, and note why that is not all of them."""
        # Asked each time: the kernel's answer changes when bluetoothd starts with other settings.
        room = MOST_DATA - FLAGS_BYTES if br_edr(self._adapter) is False else MOST_DATA
        put = tuple(one for one in wished if len(one.data) <= room)
        why = NO_ROOM if put != wished else ""
        try:
            await self._advertiser.replace(put)
        except BluezRefused as refused:
            if len(put) < 2:
                raise
            # Another attempt comes with the next wish: one every two seconds would interrupt the
            # identifier, and help no adapter that has no room for a second one.
            put, why = put[:1], str(refused)
            await self._advertiser.replace(put)
        if why and not self.left_out:
            log.warning("%s does not send the place's tag: %s", self._adapter, why)
        self._put, self.left_out = put, why

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
