"""``python -m tests.vm.guest.listen ADAPTER WAY SECONDS``: what bleak alone hears, one scan long.

WAY is ``active``, ``passive`` (a monitor for our service) or ``both`` (a monitor, then an active
scan). The radio of the node is measured as itself; this is what it is better than.
Prints one JSON object: reports in all, and of each neighbour.
"""

import asyncio
import json
import resource
import sys
from collections import Counter

from bleak import BleakScanner
from bleak.args.bluez import OrPattern
from bleak.assigned_numbers import AdvertisementDataType
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from bluezone_node.ble.frame import GAEN_SERVICE

OURS = OrPattern(0, AdvertisementDataType.SERVICE_DATA_UUID16, b"\x6f\xfd")


async def listen(adapter: str, way: str, seconds: float) -> dict[str, object]:
    reports: Counter[str] = Counter()

    def heard(device: BLEDevice, advertisement: AdvertisementData) -> None:
        if GAEN_SERVICE in advertisement.service_data and advertisement.rssi != -127:
            reports[device.address] += 1

    def ignore(device: BLEDevice, advertisement: AdvertisementData) -> None:
        """One of the two suffices: every scanner of an adapter is told of everything."""

    scanners = []
    if way != "active":
        scanners.append(
            BleakScanner(
                heard if way == "passive" else ignore,
                scanning_mode="passive",
                bluez={"adapter": adapter, "or_patterns": [OURS]},
            )
        )
    if way != "passive":
        scanners.append(BleakScanner(heard, bluez={"adapter": adapter, "filters": {"RSSI": -127}}))
    for scanner in scanners:
        await scanner.start()
    before = resource.getrusage(resource.RUSAGE_SELF)
    reports.clear()
    await asyncio.sleep(seconds)
    after = resource.getrusage(resource.RUSAGE_SELF)
    for scanner in reversed(scanners):
        await scanner.stop()
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"reports": reports.total(), "neighbours": len(reports), "cpu_seconds": round(used, 2)}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(listen(sys.argv[1], sys.argv[2], float(sys.argv[3])))))
