"""Open an adapter of this machine as the node's radio."""

import asyncio
from collections.abc import Mapping

from bluezone_node.ble.bluez_adapter import Adapter, list_adapters, read_adapter
from bluezone_node.ble.bluez_bus import BluezBus, BluezError, connect
from bluezone_node.ble.bluez_look import unavailable
from bluezone_node.ble.bluez_radio import BluezRadio
from bluezone_node.ble.rhythm import Rhythm, Way
from bluezone_node.errors import RadioUnavailable
from bluezone_node.ports import Clock

APPEARS_WITHIN = 15.0
"""Seconds that an adapter may take to appear: at boot, a Raspberry Pi loads the firmware of its
chip while the node already starts."""

LOOK_EVERY = 0.5


async def open_bluez(
    adapter: str | None, rhythms: Mapping[Way, Rhythm], clock: Clock
) -> BluezRadio:
    """Open *adapter*, such as ``hci0``, or with None the first that can advertise.

    An adapter that is switched off is opened too: switching it on is the first thing to mend.

    Raises:
        RadioUnavailable: no bus, no bluetoothd, no such adapter, or one that cannot advertise.
    """
    bus = await connect()
    try:
        found = await _find(bus, adapter)
        return BluezRadio(bus, found, rhythms, clock)
    except BaseException:
        bus.close()
        raise


async def _find(bus: BluezBus, name: str | None) -> Adapter:
    end = asyncio.get_running_loop().time() + APPEARS_WITHIN
    while True:
        try:
            return await _choose(bus, name)
        except RadioUnavailable:
            if not bus.connected or asyncio.get_running_loop().time() > end:
                raise
        await asyncio.sleep(LOOK_EVERY)


async def _choose(bus: BluezBus, name: str | None) -> Adapter:
    try:
        names = await list_adapters(bus)
        adapters = [await read_adapter(bus, one) for one in names if name in (None, one)]
    except BluezError as error:
        raise unavailable(error) from error
    if not adapters:
        raise RadioUnavailable(
            f"there is no Bluetooth adapter {name or ''}".rstrip(),
            hint=f"there is {', '.join(names)}"
            if names
            else "plug one in; on a Raspberry Pi "
            "remove dtoverlay=disable-bt; to try without one: --radio air:ADDRESS#DEVICE",
        )
    for adapter in adapters:
        if adapter is not None and (adapter.advertises or not adapter.powered):
            return adapter
    raise RadioUnavailable(
        f"{', '.join(one.name for one in adapters if one)} cannot advertise",
        hint="an adapter with Bluetooth LE (4.0 or newer) is needed",
    )
