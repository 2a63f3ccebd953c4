"""A small client of BlueZ on dbus-fast, to try the played one with, and to be another program."""

from typing import Annotated, Any

from dbus_fast import Message, MessageType, PropertyAccess, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusDict, DBusSignature, DBusStr, DBusUInt32
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property
from dbus_fast.unpack import unpack_variants

ADAPTER = "org.bluez.Adapter1"
ADVERTISING = "org.bluez.LEAdvertisingManager1"
MONITORS = "org.bluez.AdvertisementMonitorManager1"
FD6F = "0000fd6f-0000-1000-8000-00805f9b34fb"


class Refused(Exception):
    """bluetoothd answered with an error."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"{name}: {text}")
        self.name = name.rpartition(".")[2]
        self.text = text


class Advertised(ServiceInterface):
    """An LEAdvertisement1 of type *kind* with GAEN's service *data*."""

    def __init__(self, data: bytes, kind: str = "broadcast") -> None:
        super().__init__("org.bluez.LEAdvertisement1")
        self.data = data
        self.kind = kind
        self.released = False

    @dbus_method()
    def Release(self) -> None:  # noqa: N802
        self.released = True

    @dbus_property(access=PropertyAccess.READ)
    def Type(self) -> DBusStr:  # noqa: N802
        return self.kind

    @dbus_property(access=PropertyAccess.READ)
    def ServiceUUIDs(self) -> Annotated[list[str], DBusSignature("as")]:  # noqa: N802
        return [FD6F]

    @dbus_property(access=PropertyAccess.READ)
    def ServiceData(self) -> DBusDict:  # noqa: N802
        return {FD6F: Variant("ay", self.data)}

    @dbus_property(access=PropertyAccess.READ)
    def MinInterval(self) -> DBusUInt32:  # noqa: N802
        return 200

    @dbus_property(access=PropertyAccess.READ)
    def MaxInterval(self) -> DBusUInt32:  # noqa: N802
        return 200

    def replace(self, data: bytes) -> None:
        """Change the data in place: what a node must never do."""
        self.data = data
        self.emit_properties_changed({"ServiceData": self.ServiceData})


class Client:
    """One connection to the bus at *address*, using one adapter."""

    def __init__(self, bus: MessageBus, hci: str) -> None:
        self.bus = bus
        self._path = f"/org/bluez/{hci}"

    async def __call__(
        self, interface: str, member: str, signature: str = "", *body: Any, path: str | None = None
    ) -> list[Any]:
        """Call *member* of the adapter; return the body of the answer.

        Raises:
            Refused: the answer was an error.
        """
        answer = await self.bus.call(
            Message(
                destination="org.bluez",
                path=path or self._path,
                interface=interface,
                member=member,
                signature=signature,
                body=list(body),
            )
        )
        assert answer is not None
        if answer.message_type is MessageType.ERROR:
            raise Refused(answer.error_name or "", str(answer.body[0]) if answer.body else "")
        return list(unpack_variants(answer.body))

    async def read(self, interface: str, name: str) -> Any:
        (value,) = await self("org.freedesktop.DBus.Properties", "Get", "ss", interface, name)
        return value

    async def power(self, *, on: bool) -> None:
        await self(
            *("org.freedesktop.DBus.Properties", "Set", "ssv", ADAPTER, "Powered"),
            Variant("b", on),
        )

    async def register(self, data: bytes, path: str = "/a", kind: str = "broadcast") -> Advertised:
        """Advertise *data*, from an object at *path*."""
        advertised = Advertised(data, kind)
        self.bus.export(path, advertised)
        try:
            await self(ADVERTISING, "RegisterAdvertisement", "oa{sv}", path, {})
        except Refused:
            self.bus.unexport(path)
            raise
        return advertised

    async def unregister(self, path: str = "/a") -> None:
        await self(ADVERTISING, "UnregisterAdvertisement", "o", path)
        self.bus.unexport(path)


async def connect(address: str, hci: str = "hci0") -> Client:
    return Client(await MessageBus(bus_address=address).connect(), hci)
