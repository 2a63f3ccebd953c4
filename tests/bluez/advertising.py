"""org.bluez.LEAdvertisingManager1: puts on the air what clients describe as LEAdvertisement1."""

import contextlib
from dataclasses import dataclass, field
from typing import Any

from dbus_next import Message, Variant

from tests.bluez.ad import (
    EXTENDED_BYTES,
    LEGACY_BYTES,
    Advertisement,
    Unparsable,
    from_properties,
)
from tests.bluez.controller import Busy, Controller, Kind
from tests.bluez.errors import already_exists, does_not_exist, failed, not_permitted
from tests.bluez.exported import PROPERTIES, Exported, Interface, Method, Refused

MANAGER = "org.bluez.LEAdvertisingManager1"
ADVERTISEMENT = "org.bluez.LEAdvertisement1"
_MOST = {Kind.LEGACY: 5, Kind.LAX: 5, Kind.EXTENDED: 4}
"""Advertisements at a time: the kernel's turns on old chips, the chip's own sets on new ones."""


@dataclass(slots=True)
class Client:
    """One advertisement of one client."""

    number: int | None = None
    """None: not on the air yet."""
    properties: dict[str, Variant] = field(default_factory=dict)


class Advertising:
    def __init__(
        self, exported: Exported, path: str, controller: Controller, experimental: bool
    ) -> None:
        self._exported = exported
        self._path = path
        self._controller = controller
        self._experimental = experimental
        self._clients: dict[tuple[str, str], Client] = {}
        self.interface = Interface(
            MANAGER,
            self._properties(),
            {
                "RegisterAdvertisement": Method("oa{sv}", self._register),
                "UnregisterAdvertisement": Method("o", self._unregister),
            },
        )

    async def release(self) -> None:
        """The adapter is gone: tell all clients that bluetoothd lets go of their objects."""
        clients, self._clients = list(self._clients), {}
        for owner, path in clients:
            with contextlib.suppress(Refused):
                await self._exported.call(owner, path, ADVERTISEMENT, "Release")

    def client_left(self, client: str) -> None:
        for owner, path in list(self._clients):
            if owner == client:
                self._remove((owner, path))

    async def client_changed(self, message: Message) -> None:
        """Follow a PropertiesChanged of a client's object."""
        client = self._clients.get((message.sender, message.path))
        if client is None or client.number is None or message.body[0] != ADVERTISEMENT:
            return
        client.properties |= message.body[1]
        try:
            self._controller.advertise(self._parsed(client.properties), client.number)
        except (Busy, Unparsable):
            return  # bluetoothd logs it, and nobody is told

    async def _register(self, sender: str, path: str, _options: dict[str, Variant]) -> None:
        key = (sender, path)
        if key in self._clients:
            raise already_exists()
        if len(self._clients) >= _MOST[self._controller.kind]:
            raise not_permitted("Maximum advertisements reached")
        client = self._clients[key] = Client()
        try:
            await self._exported.follow(sender)
            (client.properties,) = await self._exported.call(
                sender, path, PROPERTIES, "GetAll", ADVERTISEMENT, sig="s"
            )
            advertisement = self._parsed(client.properties)
            if not self._controller.powered:
                raise failed("Failed to register advertisement")
            client.number = self._controller.advertise(advertisement)
        except BaseException as error:
            del self._clients[key]
            if isinstance(error, Unparsable):
                raise failed("Failed to parse advertisement.") from error
            if isinstance(error, Busy):
                raise failed("Failed to register advertisement") from error
            if isinstance(error, Refused) and not error.name.startswith("org.bluez."):
                raise failed("No object received") from error
            raise
        self._count()

    async def _unregister(self, sender: str, path: str) -> None:
        if (sender, path) not in self._clients:
            raise does_not_exist()
        self._remove((sender, path))

    def _remove(self, key: tuple[str, str]) -> None:
        number = self._clients.pop(key).number
        if number is not None:
            self._controller.withdraw(number)
        self._count()

    def _parsed(self, properties: dict[str, Variant]) -> Advertisement:
        extended = self._controller.kind is Kind.EXTENDED
        parsed = from_properties(
            properties,
            most=EXTENDED_BYTES if extended else LEGACY_BYTES,
            le_only=self._controller.le_only,
        )
        if self._experimental:
            return parsed
        return Advertisement(parsed.payload, parsed.connectable, None)

    def _count(self) -> None:
        changed = {
            "ActiveInstances": Variant("y", len(self._clients)),
            "SupportedInstances": Variant("y", _MOST[self._controller.kind] - len(self._clients)),
        }
        self._exported.change(self._path, MANAGER, changed)

    def _properties(self) -> dict[str, Variant]:
        extended = self._controller.kind is Kind.EXTENDED
        most = EXTENDED_BYTES if extended else LEGACY_BYTES
        capabilities: dict[str, Any] = {
            "MaxAdvLen": Variant("y", most),
            "MaxScnRspLen": Variant("y", most),
        }
        properties = {
            "ActiveInstances": Variant("y", 0),
            "SupportedInstances": Variant("y", _MOST[self._controller.kind]),
            "SupportedIncludes": Variant("as", ["tx-power", "appearance", "local-name"]),
            "SupportedFeatures": Variant("as", []),
        }
        if extended:
            capabilities |= {"MinTxPower": Variant("n", -34), "MaxTxPower": Variant("n", 7)}
            properties["SupportedSecondaryChannels"] = Variant("as", ["1M", "2M"])
            properties["SupportedFeatures"] = Variant("as", ["CanSetTxPower"])
        properties["SupportedCapabilities"] = Variant("a{sv}", capabilities)
        return properties
