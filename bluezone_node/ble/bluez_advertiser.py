"""Advertisements through bluetoothd: LEAdvertisement1 objects that it reads and puts on the air.

A broadcast of service data goes out as ADV_NONCONN_IND under a non-resolvable private
address that the kernel draws anew at every registration.  So the one clean way to rotate is to
unregister and to register again: changing the data of a registered advertisement puts the new
identifier under the old address first, on every chip of Bluetooth 4.
"""

import itertools
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bluezone_node.ble.bluez_adapter import Adapter
from bluezone_node.ble.bluez_bus import (
    ADVERTISING,
    BluezBus,
    BluezError,
    BluezRefused,
    Offered,
    Variant,
)

log = logging.getLogger(__name__)

SHORTEST_INTERVAL = 200
LONGEST_INTERVAL = 270
"""Milliseconds between two advertisements (GAEN Bluetooth specification v1.2: 200-270 ms).

Not every stack obeys: the kernel fixes 100-150 ms on chips of Bluetooth 4, and takes 1280 ms on
those of Bluetooth 5 unless bluetoothd runs with ``--experimental`` or is 5.77 or newer."""

MOST_DATA = 23
"""Bytes of one service's data: a legacy PDU has 31, four of which name a 16-bit UUID in a list, and
four head the data."""

_INTERFACE = "org.bluez.LEAdvertisement1"
_FOLDER = "/vn/bluezone/node"


@dataclass(frozen=True, slots=True)
class ServiceData:
    """What one advertisement says: one service, and the bytes that belong to it."""

    uuid: str
    """128-bit text form, as BlueZ writes UUIDs."""
    data: bytes = field(repr=False)
    """At most `MOST_DATA` bytes beside a 16-bit UUID."""


class BluezAdvertiser:
    """Has a set of advertisements on the air, or none. Not to be used while the adapter scans."""

    def __init__(self, bus: BluezBus, adapter: Adapter, dropped: Callable[[], None]) -> None:
        """*dropped* is called when bluetoothd let go of one by itself: the adapter went away."""
        self._bus = bus
        self._adapter = adapter.path
        self._power = adapter.tx_power
        self._dropped = dropped
        self._numbers = itertools.count(1)
        self._registered: list[str] = []

    async def replace(self, advertisements: Sequence[ServiceData]) -> None:
        """Take everything off the air, then put *advertisements* on it under fresh addresses.

        Raises:
            BluezError: some could not be registered; then none is on the air.
        """
        await self.take_off()
        for advertisement in advertisements:
            try:
                await self._register(advertisement)
            except BluezError:
                await self.take_off()
                raise

    async def take_off(self) -> None:
        """Have nothing on the air.

        Raises:
            BluezSilent: bluetoothd hangs, and what was on the air may still be.
        """
        while self._registered:
            path = self._registered[-1]
            try:
                await self._bus.call(
                    self._adapter, ADVERTISING, "UnregisterAdvertisement", "o", path
                )
            except BluezRefused as refused:
                # Unknown to it since it was started anew, or since the adapter was away.
                log.debug("unregistering: %s", refused)
            self._forget(path)

    def forget(self) -> None:
        """bluetoothd is another one now: nothing of ours is registered any more."""
        for path in list(self._registered):
            self._forget(path)

    async def _register(self, advertisement: ServiceData) -> None:
        path = f"{_FOLDER}/{next(self._numbers)}"
        offered = Offered(_INTERFACE, self._properties(advertisement), lambda: self._released(path))
        self._bus.offer(path, offered)
        # Counted as registered from the first moment: a question that was not answered in time
        # may have been obeyed all the same.
        self._registered.append(path)
        try:
            await self._bus.call(
                self._adapter, ADVERTISING, "RegisterAdvertisement", "oa{sv}", path, {}
            )
        except BluezRefused:
            self._forget(path)
            raise

    def _released(self, path: str) -> None:
        if path in self._registered:
            self._forget(path)
            self._dropped()

    def _forget(self, path: str) -> None:
        if path in self._registered:
            self._registered.remove(path)
            self._bus.withdraw(path)

    def _properties(self, advertisement: ServiceData) -> dict[str, Variant]:
        """Return the properties of org.bluez.LEAdvertisement1."""
        data = {advertisement.uuid: Variant("ay", advertisement.data)}
        properties = {
            # Never "peripheral": that is sent from the public address, and invites connections.
            "Type": Variant("s", "broadcast"),
            "ServiceUUIDs": Variant("as", [advertisement.uuid]),
            "ServiceData": Variant("a{sv}", data),
            "MinInterval": Variant("u", SHORTEST_INTERVAL),
            "MaxInterval": Variant("u", LONGEST_INTERVAL),
        }
        if self._power is not None:
            # What others are told, where nobody calibrated: so ask for just that.
            properties["TxPower"] = Variant("n", self._power)
        return properties
