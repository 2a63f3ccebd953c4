"""One turn of listening through bleak.

bluetoothd asks the controller to drop duplicates, so one scan brings one report of each
neighbour in some ten seconds, whatever ``DuplicateData`` says.  Two ways lead to more: to begin a
new scan again and again, which works everywhere; or to have an advertisement monitor registered
*before* the scan, for which the kernel switches the dropping off, and which bluetoothd offers
with ``--experimental`` only.
"""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

from bleak import BleakScanner
from bleak.args.bluez import BlueZDiscoveryFilters, OrPattern
from bleak.assigned_numbers import AdvertisementDataType
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from bluezone_node.ble.bluez_bus import BluezBus
from bluezone_node.ble.frame import BLUEZONE_SERVICE, GAEN_SERVICE, VENUE_SERVICE
from bluezone_node.ble.receiver import Receiver
from bluezone_node.ble.rhythm import Way
from bluezone_node.ports import HeardFrame

PATIENCE = 10.0
"""Seconds in which a scan starts or stops: 5 to 40 ms are usual, a busy bluetoothd takes more."""

_OURS = [GAEN_SERVICE, BLUEZONE_SERVICE, VENUE_SERVICE]
"""bluetoothd keeps the packets of devices that name no such service to itself: a street full of
headphones costs the node nothing."""

_NOBODY = OrPattern(0, AdvertisementDataType.MANUFACTURER_SPECIFIC_DATA, b"\xff\xff bluezone")
"""A monitor that matches no device: that there is one suffices."""

Report = Callable[[AdvertisementData], None]


class ScanFailed(Exception):
    """Listening could not begin, or not end. Stays below ``ble``."""


class BluezScanner:
    """Listens with one adapter, in turns."""

    def __init__(self, adapter: str, way: Way, report: Report, bus: BluezBus | None = None) -> None:
        """*bus*: tells when the bus is gone, bleak's connection to it with ours."""
        self._bus = bus
        self._adapter = adapter
        self._report = report
        self._monitor = way is Way.MONITORED
        self._running: list[BleakScanner] = []

    async def start(self, *, everyone: bool) -> None:
        """Begin to listen: to *everyone*, or to those only who name one of our services.

        Raises:
            ScanFailed: it could not; nothing is left running that could be stopped.
        """
        scanners = [self._active(everyone)]
        if self._monitor:
            scanners.insert(0, self._passive())
        for scanner in scanners:
            self._running.append(scanner)
            try:
                await _in_time(scanner.start())
            except ScanFailed:
                # That it does not stop either is no news.
                with contextlib.suppress(ScanFailed):
                    await self.stop()
                raise

    async def stop(self) -> None:
        """End listening.

        Raises:
            ScanFailed: bluetoothd did not say that it stopped.
        """
        failed: ScanFailed | None = None
        if self._bus is not None and not self._bus.connected:
            # The scan went with the bus. bleak would write to a closed connection, and of the two
            # futures that then fail nobody looks at one.
            self._running.clear()
        while self._running:
            try:
                await _in_time(self._running.pop().stop())
            except ScanFailed as error:
                failed = error
        if failed is not None:
            raise failed

    def _active(self, everyone: bool) -> BleakScanner:
        # -127 excludes nobody. That there is a filter for strength at all makes bluetoothd from
        # 5.88 on tell every change of it; without, it tells changes of 8 dB and more.
        filters: BlueZDiscoveryFilters = {"RSSI": -127}
        if not everyone:
            filters["UUIDs"] = _OURS
        return BleakScanner(
            self._heard,
            scanning_mode="active",
            bluez={"adapter": self._adapter, "filters": filters},
        )

    def _passive(self) -> BleakScanner:
        return BleakScanner(
            _ignore,
            scanning_mode="passive",
            bluez={"adapter": self._adapter, "or_patterns": [_NOBODY]},
        )

    def _heard(self, _device: BLEDevice, advertisement: AdvertisementData) -> None:
        self._report(advertisement)


def take(receiver: Receiver, at: datetime, advertisement: AdvertisementData) -> HeardFrame | None:
    """Return the sighting made of a report, or let *receiver* count why it is none."""
    return receiver.take_parts(
        at,
        advertisement.rssi,
        advertisement.service_uuids,
        advertisement.service_data,
        advertisement.manufacturer_data,
    )


def _ignore(_device: BLEDevice, _advertisement: AdvertisementData) -> None:
    """The monitor is only there for what it does to the scan."""


async def _in_time(work: Any) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            await work
    except TimeoutError:
        raise ScanFailed("bluetoothd does not answer") from None
    except Exception as error:
        # bleak hands on whatever became of the bus or of bluetoothd, down to its own assertions;
        # whichever it was, there is no scan, and the ladder decides what comes next.
        raise ScanFailed(str(error) or type(error).__name__) from error
