"""The machine's D-Bus, seen with another library than the program under test uses."""

import asyncio
from typing import Any

from dbus_next.aio.message_bus import MessageBus
from dbus_next.constants import BusType, MessageType
from dbus_next.message import Message

Objects = dict[str, dict[str, dict[str, Any]]]
"""path → interface → property → value"""


def call(
    destination: str,
    path: str,
    interface: str,
    member: str,
    signature: str = "",
    body: list[Any] | None = None,
) -> list[Any]:
    """Call a method on the system bus and return what it gives.

    Raises:
        OSError: no bus, or an error instead of an answer.
    """

    async def ask() -> list[Any]:
        bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
        try:
            reply = await asyncio.wait_for(
                bus.call(
                    Message(
                        destination=destination,
                        path=path,
                        interface=interface,
                        member=member,
                        signature=signature,
                        body=body or [],
                    )
                ),
                10,
            )
        finally:
            bus.disconnect()  # type: ignore[no-untyped-call]
        if reply is None or reply.message_type is MessageType.ERROR:
            raise OSError(f"{member}: {reply.error_name if reply else 'no answer'}")
        answer: list[Any] = reply.body
        return answer

    return asyncio.run(ask())


def bluez_objects() -> Objects:
    """Return all that bluetoothd shows; nothing while it is not there."""
    try:
        (managed,) = call(
            "org.bluez", "/", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects"
        )
    except (OSError, TimeoutError):
        return {}
    return {
        path: {
            interface: {name: variant.value for name, variant in properties.items()}
            for interface, properties in interfaces.items()
        }
        for path, interfaces in managed.items()
    }


def powered_adapters() -> set[str]:
    """Return the adapters (``hci0``) that are on and can advertise."""
    return {
        path.rsplit("/", 1)[1]
        for path, interfaces in bluez_objects().items()
        if interfaces.get("org.bluez.Adapter1", {}).get("Powered")
        and "org.bluez.LEAdvertisingManager1" in interfaces
    }
