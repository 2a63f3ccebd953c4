"""org.bluez.Device1: whom an adapter heard, for as long as bluetoothd remembers."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dbus_next import Variant

from tests.bluez.ad import Report
from tests.bluez.exported import Exported, Interface

DEVICE = "org.bluez.Device1"
FORGET = 30.0
"""Seconds after which a device that is silent is forgotten (main.conf, TemporaryTimeout)."""


@dataclass(slots=True)
class Device:
    path: str
    last: float
    """Seconds of CLOCK_MONOTONIC."""
    connectable: bool
    rssi: int
    """0: invalidated."""
    found: bool = False
    """By a discovery, and not by a monitor alone."""


class Devices:
    """All devices of one adapter."""

    def __init__(
        self, exported: Exported, adapter: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._exported = exported
        self._adapter = adapter
        self._clock = clock
        self._known: dict[str, Device] = {}

    def __len__(self) -> int:
        return len(self._known)

    def heard(
        self,
        address: str,
        report: Report,
        rssi: int,
        connectable: bool,
        *,
        found: bool,
        threshold: int,
        repeat: bool,
    ) -> None:
        """Show what was heard.

        *found*: during a discovery. *threshold*: dB by which the strength must have changed to be
        told. *repeat*: tell data again that did not change (the filter's ``DuplicateData``).
        """
        device = self._known.get(address)
        if device is None:
            path = f"{self._adapter}/dev_{address.replace(':', '_')}"
            device = self._known[address] = Device(path, 0.0, connectable, rssi)
            self._exported.add(path, self._interface(address, report, rssi))
        else:
            self._update(device, report, rssi, threshold, repeat)
        device.last, device.connectable = self._clock(), connectable
        device.found = device.found or found

    def discovery_ended(self) -> None:
        """Take the strength back from all, and forget whoever cannot be connected to."""
        self.fade()
        for address, device in list(self._known.items()):
            if not device.connectable:
                self._forget(address)

    def fade(self) -> None:
        """Take the strength back from all that a discovery found."""
        for device in self._known.values():
            if device.found and device.rssi:
                device.rssi, device.found = 0, False
                self._exported.change(device.path, DEVICE, {}, ["RSSI", "TxPower"])

    def clear(self) -> None:
        for address in list(self._known):
            self._forget(address)

    def forget_silent(self) -> None:
        for address, device in list(self._known.items()):
            if self._clock() - device.last > FORGET:
                self._forget(address)

    def _forget(self, address: str) -> None:
        self._exported.remove(self._known.pop(address).path)

    def _interface(self, address: str, report: Report, rssi: int) -> Interface:
        dashed = address.replace(":", "-")
        properties = {
            "Address": Variant("s", address),
            "AddressType": Variant("s", "random" if int(address[0], 16) < 12 else "public"),
            "Alias": Variant("s", report.name or dashed),
            "Paired": Variant("b", False),
            "Trusted": Variant("b", False),
            "Blocked": Variant("b", False),
            "LegacyPairing": Variant("b", False),
            "Connected": Variant("b", False),
            "ServicesResolved": Variant("b", False),
            "Adapter": Variant("o", self._adapter),
            "UUIDs": Variant("as", report.uuids),
            "RSSI": Variant("n", rssi),
            "AdvertisingFlags": Variant("ay", bytes([report.flags])),
        }
        return Interface(DEVICE, properties | _data(report))

    def _update(
        self, device: Device, report: Report, rssi: int, threshold: int, repeat: bool
    ) -> None:
        known = self._exported.objects.get(device.path, {}).get(DEVICE)
        if known is None:
            return
        changed: dict[str, Variant] = {}
        if device.rssi == 0 or abs(device.rssi - rssi) >= threshold:
            device.rssi = rssi
            changed["RSSI"] = Variant("n", rssi)
        uuids = known.properties["UUIDs"].value
        if new := [uuid for uuid in report.uuids if uuid not in uuids]:
            changed["UUIDs"] = Variant("as", uuids + new)
        for name, variant in _data(report).items():
            merged = variant
            if name in known.properties and isinstance(variant.value, dict):
                merged = Variant(variant.signature, known.properties[name].value | variant.value)
            same = name in known.properties and known.properties[name].value == merged.value
            if not same or (repeat and name.endswith("Data")):
                changed[name] = merged
        if changed:
            self._exported.change(device.path, DEVICE, changed)


def _data(report: Report) -> dict[str, Variant]:
    """Return the properties that exist only where the payload has them."""
    data: dict[str, Any] = {}
    if report.service_data:
        wrapped = {uuid: Variant("ay", octets) for uuid, octets in report.service_data.items()}
        data["ServiceData"] = Variant("a{sv}", wrapped)
    if report.manufacturer_data:
        companies = {key: Variant("ay", octets) for key, octets in report.manufacturer_data.items()}
        data["ManufacturerData"] = Variant("a{qv}", companies)
    if report.tx_power is not None:
        data["TxPower"] = Variant("n", report.tx_power)
    if report.name is not None:
        data["Name"] = Variant("s", report.name)
    return data
