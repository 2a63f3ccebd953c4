"""org.bluez.AdvertisementMonitorManager1: only there with ``bluetoothd --experimental``."""

from collections.abc import Callable
from dataclasses import dataclass, field

from dbus_next import Message, Variant

from tests.bluez.ad import matches
from tests.bluez.errors import already_exists, does_not_exist
from tests.bluez.exported import OBJECTS, Exported, Interface, Method, Refused

MANAGER = "org.bluez.AdvertisementMonitorManager1"
MONITOR = "org.bluez.AdvertisementMonitor1"

Pattern = tuple[int, int, bytes]
"""Offset, AD type, content."""


@dataclass(slots=True)
class Client:
    """One root path of one client, with the monitors below it."""

    monitors: dict[str, list[Pattern]] = field(default_factory=dict)


class Monitors:
    def __init__(
        self, exported: Exported, changed: Callable[[], None], payload_after_uuid: bool
    ) -> None:
        self._exported = exported
        self._changed = changed
        """Called when the first monitor came, or the last went."""
        self._payload_after_uuid = payload_after_uuid
        self._clients: dict[tuple[str, str], Client] = {}
        self.interface = Interface(
            MANAGER,
            {
                "SupportedMonitorTypes": Variant("as", ["or_patterns"]),
                "SupportedFeatures": Variant("as", []),
            },
            {
                "RegisterMonitor": Method("o", self._register),
                "UnregisterMonitor": Method("o", self._unregister),
            },
        )

    @property
    def active(self) -> bool:
        return any(client.monitors for client in self._clients.values())

    def match(self, payload: bytes) -> bool:
        return any(
            matches(payload, pattern, payload_after_uuid=self._payload_after_uuid)
            for client in self._clients.values()
            for patterns in client.monitors.values()
            for pattern in patterns
        )

    def client_left(self, name: str) -> None:
        for key in [key for key in self._clients if key[0] == name]:
            del self._clients[key]
        self._changed()

    async def client_changed(self, message: Message) -> None:
        """Follow the objects that a client adds and removes."""
        for (owner, root), client in list(self._clients.items()):
            if owner != message.sender or not message.body[0].startswith(root):
                continue
            if message.member == "InterfacesAdded" and MONITOR in message.body[1]:
                await self._add(owner, client, message.body[0], message.body[1][MONITOR])
            elif message.member == "InterfacesRemoved" and MONITOR in message.body[1]:
                client.monitors.pop(message.body[0], None)
                self._changed()

    async def _register(self, sender: str, root: str) -> None:
        if (sender, root) in self._clients:
            raise already_exists()
        client = self._clients[sender, root] = Client()
        await self._exported.follow(sender)
        try:
            (objects,) = await self._exported.call(sender, root, OBJECTS, "GetManagedObjects")
        except Refused:
            return  # it has none yet, and will say so when it has
        for path, interfaces in objects.items():
            if MONITOR in interfaces and path.startswith(root):
                await self._add(sender, client, path, interfaces[MONITOR])

    async def _unregister(self, sender: str, root: str) -> None:
        if self._clients.pop((sender, root), None) is None:
            raise does_not_exist()
        self._changed()

    async def _add(
        self, owner: str, client: Client, path: str, properties: dict[str, Variant]
    ) -> None:
        kind, patterns = properties.get("Type"), properties.get("Patterns")
        usable = kind is not None and kind.value == "or_patterns" and patterns and patterns.value
        if path in client.monitors:
            return
        if usable and patterns is not None:
            client.monitors[path] = [
                (offset, ad_type, bytes(content)) for offset, ad_type, content in patterns.value
            ]
        await self._exported.call(owner, path, MONITOR, "Activate" if usable else "Release")
        self._changed()
