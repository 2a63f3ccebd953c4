"""``python -m tests.vm.guest.pair ADAPTER``: an identifier and a tag of the place, changed once.

The radio listens meanwhile, as a kiosk does: a strict chip of Bluetooth 4 takes no new address
while it scans, and sends two advertisements by turns, each under an address of its own.
"""

import argparse
import asyncio
import json
import os
import sys

import msgspec

from bluezone_node.ble.radio import open_radio
from bluezone_node.clock import SystemClock
from bluezone_node.proximity.model import Beacon
from bluezone_node.venues.tags import AirTag


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("adapter")
    parser.add_argument("--dwell", type=float, required=True)
    options = parser.parse_args()
    radio = (await open_radio(f"bluez:{options.adapter}", SystemClock())).radio
    try:
        for _ in range(2):
            await radio.advertise(
                Beacon(os.urandom(16), os.urandom(4)), AirTag(os.urandom(12), os.urandom(10))
            )
            await asyncio.sleep(options.dwell)
        sys.stdout.write(json.dumps(msgspec.to_builtins(radio.condition())) + "\n")
    finally:
        await radio.close()


if __name__ == "__main__":
    asyncio.run(main())
