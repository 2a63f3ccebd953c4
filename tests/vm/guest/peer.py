"""``python -m tests.vm.guest.peer``: a phone, so to say, that shares no line of code with BlueZ.

bumble is a host stack of its own, on a controller that the radio offers on a Unix socket.  It sends
a GAEN payload as an iPhone would, with Flags 1A, and prints a JSON line for every advertisement
that it hears, until it is told to end.
"""

import argparse
import asyncio
import json
import sys

from bumble.device import Advertisement, AdvertisingType, Device, DeviceConfiguration
from bumble.hci import Address, OwnAddressType
from bumble.transport import open_transport

FLAGS = bytes.fromhex("02011a")
HEAD = bytes.fromhex("03036ffd17166ffd")
INTERVAL_MS = 250.0


def say(**facts: object) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def heard(advertisement: Advertisement) -> None:
    say(
        ev="heard",
        addr=advertisement.address.to_string(with_type_qualifier=False),
        rssi=advertisement.rssi,
        data=bytes(advertisement.data).hex(),
    )


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("socket")
    parser.add_argument("address", help="two most significant bits 0: non-resolvable")
    parser.add_argument("service_data", help="20 bytes in hex")
    options = parser.parse_args()
    async with await open_transport(f"unix-client:{options.socket}") as hci:
        device = Device.from_config_with_hci(
            DeviceConfiguration(name="peer", address=Address(options.address)),
            hci.source,
            hci.sink,
        )
        await device.power_on()
        device.on("advertisement", heard)
        await device.start_advertising(
            advertising_type=AdvertisingType.UNDIRECTED,
            own_address_type=OwnAddressType.RANDOM,
            advertising_interval_min=INTERVAL_MS,
            advertising_interval_max=INTERVAL_MS,
            advertising_data=FLAGS + HEAD + bytes.fromhex(options.service_data),
            auto_restart=False,
        )
        say(ev="advertising")
        await device.start_scanning(active=False, filter_duplicates=False)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
