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
from typing import Any

from bleak import BleakScanner
from bleak.args.bluez import BlueZScannerArgs, OrPattern
from bleak.assigned_numbers import AdvertisementDataType
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from bluezone_node.ble.frame import BLUEZONE_SERVICE, GAEN_SERVICE
from bluezone_node.ble.rhythm import Way

PATIENCE = 10.0
"""Seconds in which a scan starts or stops: 5 to 40 ms are usual, a busy bluetoothd takes more."""

_OURS = [GAEN_SERVICE, BLUEZONE_SERVICE]
"""bluetoothd tells no more than the appearance of a device that names neither service: its later
packets cost the node nothing."""

_NOBODY = OrPattern(0, AdvertisementDataType.MANUFACTURER_SPECIFIC_DATA, b"\xff\xff bluezone")
"""A monitor that matches no device: that there is one suffices."""

Report = Callable[[AdvertisementData], None]


class ScanFailed(Exception):
    """Listening could not begin, or not end. Stays below ``ble``."""


class BluezScanner:
    """Listens with one adapter, in turns."""

    def __init__(self, adapter: str, way: Way, report: Report) -> None:
        self._report = report
        # -127 excludes nobody. That there is a filter for strength at all makes bluetoothd from
        # 5.88 on tell every change of it; without, it tells changes of 8 dB and more.
        self._arguments: BlueZScannerArgs = {
            "adapter": adapter,
            "filters": {"UUIDs": _OURS, "RSSI": -127},
        }
        self._monitor = way is Way.MONITORED
        self._monitoring: BlueZScannerArgs = {"adapter": adapter, "or_patterns": [_NOBODY]}
        self._running: list[BleakScanner] = []

    async def start(self) -> None:
        """Begin to listen.

        Raises:
            ScanFailed: it could not; nothing is left running that could be stopped.
        """
        scanners = [
            BleakScanner(self._heard, scanning_mode="active", bluez=self._arguments),
        ]
        if self._monitor:
            scanners.insert(
                0, BleakScanner(_ignore, scanning_mode="passive", bluez=self._monitoring)
            )
        for scanner in scanners:
            self._running.append(scanner)
            try:
                await _in_time(scanner.start())
            except ScanFailed:
                await self._give_up()
                raise

    async def stop(self) -> None:
        """End listening.

        Raises:
            ScanFailed: bluetoothd did not say that it stopped.
        """
        failed: ScanFailed | None = None
        while self._running:
            try:
                await _in_time(self._running.pop().stop())
            except ScanFailed as error:
                failed = error
        if failed is not None:
            raise failed

    async def _give_up(self) -> None:
        # It did not start: that it does not stop either is no news.
        with contextlib.suppress(ScanFailed):
            await self.stop()

    def _heard(self, _device: BLEDevice, advertisement: AdvertisementData) -> None:
        self._report(advertisement)


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
