"""org.bluez.Adapter1: power, and the discoveries of any number of clients."""

from dataclasses import dataclass
from typing import Any

from dbus_next import Message, Variant

from tests.bluez.ad import Report, report
from tests.bluez.advertising import Advertising
from tests.bluez.controller import Controller, Scan
from tests.bluez.devices import Devices
from tests.bluez.errors import blocked, failed, in_progress, invalid_arguments, not_ready
from tests.bluez.exported import Exported, Interface, Method
from tests.bluez.monitors import Monitors

ADAPTER = "org.bluez.Adapter1"
RSSI_THRESHOLD = 8
"""dB by which a strength must change to be told, where nobody discovers with a filter."""
_FILTER_TYPES = {
    "UUIDs": "as",
    "RSSI": "n",
    "Pathloss": "q",
    "Transport": "s",
    "DuplicateData": "b",
    "Discoverable": "b",
    "Pattern": "s",
}


@dataclass(frozen=True, slots=True)
class Release:
    """Which bluetoothd is played."""

    version: tuple[int, int] = (5, 66)
    experimental: bool = False

    @property
    def payload_after_uuid(self) -> bool:
        return self.version >= (5, 69)

    @property
    def needs_proximity(self) -> bool:
        """Whether small changes of strength are told only to who filters by strength."""
        return self.version >= (5, 88)


Filter = dict[str, Any]


class Adapter:
    def __init__(
        self, exported: Exported, hci: str, controller: Controller, release: Release
    ) -> None:
        self.path = f"/org/bluez/{hci}"
        self.controller = controller
        self._release = release
        self._exported = exported
        self._running: dict[str, Filter | None] = {}
        """Discoveries: client → its filter."""
        self._prepared: dict[str, Filter] = {}
        """Filters of clients that do not discover."""
        self.races = 0
        """How many times StopDiscovery is yet to meet the end of the kernel's own 10 s: it is
        refused, the scan is over, and bluetoothd believes that it goes on (BlueZ issue 807)."""
        self._believed: object = None
        """The scan that it so believes in."""
        self.devices = Devices(exported, self.path)
        self.advertising = Advertising(exported, self.path, controller, release.experimental)
        self.monitors = Monitors(exported, self._monitors_changed, release.payload_after_uuid)
        controller.on_report = self._heard
        self.interface = Interface(
            ADAPTER,
            self._properties(hci),
            {
                "StartDiscovery": Method("", self._start),
                "StopDiscovery": Method("", self._stop),
                "SetDiscoveryFilter": Method("a{sv}", self._set_filter),
            },
            {"Powered": self._set_powered},
        )
        interfaces = [self.interface, self.advertising.interface]
        if release.experimental:
            interfaces.append(self.monitors.interface)
        exported.add(self.path, *interfaces)

    @property
    def discovering(self) -> list[str]:
        """The clients that discover."""
        return list(self._running)

    async def remove(self) -> None:
        """The adapter was pulled out."""
        self._running.clear()
        self.devices.clear()
        self._exported.remove(self.path)
        await self.advertising.release()

    def client_left(self, client: str) -> None:
        self._prepared.pop(client, None)
        if client in self._running:
            self._end(client)
        self.advertising.client_left(client)
        self.monitors.client_left(client)

    async def client_changed(self, message: Message) -> None:
        if message.member == "PropertiesChanged":
            await self.advertising.client_changed(message)
        elif message.member in ("InterfacesAdded", "InterfacesRemoved"):
            await self.monitors.client_changed(message)

    def power(self, on: bool) -> None:
        """Switch power, whoever asked for it."""
        if on == self.controller.powered:
            return
        if not on:
            self._running.clear()
            self._prepared.clear()
            self._believed = None
            self.devices.clear()
            self._change(Discovering=Variant("b", False))
        self.controller.power(on)
        off = "off-blocked" if self.controller.blocked else "off"
        self._change(Powered=Variant("b", on), PowerState=Variant("s", "on" if on else off))
        if on:
            self._monitors_changed()

    def block(self, on: bool) -> None:
        """Rfkill: power goes, and comes back with the end of the block."""
        self.controller.blocked = on
        self.power(not on)

    async def _set_powered(self, on: bool) -> None:
        if on and self.controller.blocked:
            raise blocked()
        self.power(on)

    async def _set_filter(self, sender: str, wanted: dict[str, Variant]) -> None:
        if not self.controller.powered:
            raise not_ready()
        for name, variant in wanted.items():
            if variant.signature != _FILTER_TYPES.get(name):
                raise invalid_arguments()
        chosen = {name: variant.value for name, variant in wanted.items()}
        if {"RSSI", "Pathloss"} <= chosen.keys():
            raise invalid_arguments()
        if sender in self._running:
            before = self._merged()
            self._running[sender] = chosen or None
            self._rescan(before)
        elif chosen:
            self._prepared[sender] = chosen
        else:
            self._prepared.pop(sender, None)

    async def _start(self, sender: str) -> None:
        if not self.controller.powered:
            raise not_ready()
        if sender in self._running:
            raise in_progress()
        if self.controller.orphaned:
            raise in_progress()
        before = self._merged()
        self._running[sender] = self._prepared.pop(sender, None)
        self._rescan(before)

    async def _stop(self, sender: str) -> None:
        if not self.controller.powered:
            raise not_ready()
        if sender not in self._running:
            raise failed("No discovery started")
        if self.races and self._believed is None:
            self.races -= 1
            self._lose_race(sender)
            raise in_progress()
        chosen = self._end(sender)
        if chosen:
            self._prepared[sender] = chosen

    def _lose_race(self, client: str) -> None:
        self._believed = self._merged()
        chosen = self._running.pop(client)
        if chosen:
            self._prepared[client] = chosen
        self.controller.listen(self._background())
        self.devices.discovery_ended()

    def _end(self, client: str) -> Filter | None:
        before = self._merged()
        chosen = self._running.pop(client)
        self._rescan(before)
        return chosen

    def _merged(self) -> object:
        """Return what the kernel is asked for: it scans anew when that changes."""
        if not self._running:
            return None
        if any(each is None for each in self._running.values()):
            return "all"
        chosen = [each for each in self._running.values() if each is not None]
        if any("UUIDs" not in each for each in chosen):
            return "filtered"
        return frozenset(uuid for each in chosen for uuid in each["UUIDs"])

    def _rescan(self, before: object) -> None:
        after = self._merged()
        if after == before or (after is not None and after == self._believed):
            return
        self._believed = None
        if after is None:
            self.controller.listen(self._background())
            self._change(Discovering=Variant("b", False))
            self.devices.discovery_ended()
            return
        self.controller.listen(Scan.ACTIVE)
        if before is None:
            self._change(Discovering=Variant("b", True))

    def _background(self) -> Scan:
        return Scan.PASSIVE if self.monitors.active else Scan.OFF

    def _monitors_changed(self) -> None:
        self.controller.monitored = self.monitors.active
        if not self._running and self.controller.powered and not self.controller.orphaned:
            background = self._background()
            if background is not self.controller.scan:
                self.controller.listen(background)

    def _heard(self, address: str, payload: bytes, rssi: int, connectable: bool) -> None:
        if self._exported.hung:
            return
        self.devices.forget_silent()
        monitored = self.monitors.match(payload)
        said = report(payload)
        wanted = any(_fits(each, said, rssi) for each in self._running.values())
        if not wanted and not monitored:
            return
        self.devices.heard(
            address,
            said,
            rssi,
            connectable,
            found=wanted,
            threshold=self._threshold(),
            repeat=any(each and each.get("DuplicateData") for each in self._running.values()),
        )

    def _threshold(self) -> int:
        filters = [each for each in self._running.values() if each is not None]
        if not filters or len(filters) < len(self._running):
            return RSSI_THRESHOLD
        near = any({"RSSI", "Pathloss"} & each.keys() for each in filters)
        return 0 if near or not self._release.needs_proximity else RSSI_THRESHOLD

    def _change(self, **changed: Variant) -> None:
        known = {
            name: value for name, value in changed.items() if name in self.interface.properties
        }
        self._exported.change(self.path, ADAPTER, known)

    def _properties(self, hci: str) -> dict[str, Variant]:
        powered, release = self.controller.powered, self._release
        properties = {
            "Address": Variant("s", self.controller.address),
            "AddressType": Variant("s", "public"),
            "Name": Variant("s", f"played-{hci}"),
            "Alias": Variant("s", f"played-{hci}"),
            "Class": Variant("u", 0),
            "Powered": Variant("b", powered),
            "Discoverable": Variant("b", False),
            "Pairable": Variant("b", False),
            "Discovering": Variant("b", False),
            "UUIDs": Variant("as", []),
            "Modalias": Variant("s", f"usb:v1D6Bp0246d{release.version[0]:02X}"),
            "Roles": Variant("as", ["central", "peripheral"]),
        }
        if release.experimental or release.version >= (5, 80):
            off = "off-blocked" if self.controller.blocked else "off"
            properties["PowerState"] = Variant("s", "on" if powered else off)
        return properties


def _fits(chosen: Filter | None, said: Report, rssi: int) -> bool:
    if chosen is None:
        return True
    if rssi < chosen.get("RSSI", -127):
        return False
    wanted = chosen.get("UUIDs")
    return not wanted or any(_full(uuid) in said.uuids for uuid in wanted)


def _full(uuid: str) -> str:
    plain = uuid.lower()
    return f"{plain:0>8}-0000-1000-8000-00805f9b34fb" if len(plain) <= 8 else plain
