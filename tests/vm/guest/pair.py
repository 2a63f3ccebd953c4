"""``python -m tests.vm.guest.pair ADAPTER``: an identifier and a tag of the place, changed once."""

import argparse
import asyncio
import os

from bluezone_node.ble.bluez_adapter import read_adapter
from bluezone_node.ble.bluez_advertiser import BluezAdvertiser, ServiceData
from bluezone_node.ble.bluez_bus import connect
from bluezone_node.ble.frame import GAEN_SERVICE

PLACE_SERVICE = "0000fd70-0000-1000-8000-00805f9b34fb"


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("adapter")
    parser.add_argument("--dwell", type=float, required=True)
    options = parser.parse_args()
    bus = await connect()
    adapter = await read_adapter(bus, options.adapter)
    assert adapter is not None
    advertiser = BluezAdvertiser(bus, adapter, dropped=lambda: None)
    for _ in range(2):
        await advertiser.replace(
            [
                ServiceData(GAEN_SERVICE, os.urandom(20)),
                ServiceData(PLACE_SERVICE, os.urandom(16)),
            ]
        )
        await asyncio.sleep(options.dwell)
    await advertiser.take_off()
    bus.close()


if __name__ == "__main__":
    asyncio.run(main())
