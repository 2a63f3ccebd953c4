"""``python -m tests.vm.guest.drive``: the node's radio alone, rotated faster than any node would.

Prints one JSON object at the end: how many rotations, how long, and what the radio says of itself.
"""

import argparse
import asyncio
import json
import os
import random
import sys
import time

import msgspec

from bluezone_node.ble.radio import open_radio
from bluezone_node.clock import SystemClock
from bluezone_node.ports import Radio
from bluezone_node.proximity.model import Beacon

CHECK_EVERY = 10.0


async def drive(radio: Radio, rotations: int, dwell: float) -> dict[str, object]:
    """Rotate that often, each identifier on the air for *dwell* seconds.

    Of more than one on average, so that they fall anywhere in the rhythm of the scans.
    """
    heard = 0

    async def listen() -> None:
        nonlocal heard
        async for _ in radio.hear():
            heard += 1

    async def look_after() -> None:
        while True:
            await asyncio.sleep(CHECK_EVERY)
            await radio.check()

    tasks = [asyncio.create_task(listen()), asyncio.create_task(look_after())]
    began = time.monotonic()
    took = []
    for _ in range(rotations):
        asked = time.monotonic()
        await radio.advertise(Beacon(os.urandom(16), os.urandom(4)))
        took.append(time.monotonic() - asked)
        await asyncio.sleep(dwell if rotations == 1 else random.uniform(0, 2 * dwell))
    lasted = time.monotonic() - began
    condition = msgspec.to_builtins(radio.condition())
    for task in tasks:
        task.cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    faults = [repr(error) for error in ended if not isinstance(error, asyncio.CancelledError)]
    took.sort()
    return {
        "rotations": rotations,
        "seconds": round(lasted, 1),
        "took_ms": {
            "median": round(took[len(took) // 2] * 1000),
            "longest": round(took[-1] * 1000),
        },
        "heard": heard,
        "condition": condition,
        "faults": faults,
    }


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("radio")
    parser.add_argument("--rotations", type=int, default=1)
    parser.add_argument("--dwell", type=float, default=0.0)
    options = parser.parse_args()
    radio = (await open_radio(options.radio, SystemClock())).radio
    try:
        told = await drive(radio, options.rotations, options.dwell)
    finally:
        await radio.close()
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
