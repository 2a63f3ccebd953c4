"""The system bus, as far as a node needs it: to ask bluetoothd, and to be asked by it.

The only module that speaks D-Bus itself, through dbus-fast (ADR 1); scanning is bleak's, which
has a connection of its own.  Every question has a time limit: a bluetoothd that hangs must not make
the node hang.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dbus_fast import BusType, Message, MessageType
from dbus_fast import Variant as Variant
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusError
from dbus_fast.unpack import unpack_variants

from bluezone_node.errors import RadioUnavailable

BLUEZ = "org.bluez"
ADAPTER = "org.bluez.Adapter1"
ADVERTISING = "org.bluez.LEAdvertisingManager1"
MONITORS = "org.bluez.AdvertisementMonitorManager1"
_OBJECTS = "org.freedesktop.DBus.ObjectManager"
_PROPERTIES = "org.freedesktop.DBus.Properties"
_DBUS = "org.freedesktop.DBus"

PATIENCE = 5.0
"""Seconds in which bluetoothd answers when it is well: 10-60 ms are usual, powering an adapter on
takes one or two seconds, and a full room on a Pi some more."""

_ABSENT = {
    "org.freedesktop.DBus.Error.ServiceUnknown",
    "org.freedesktop.DBus.Error.NameHasNoOwner",
    "org.freedesktop.DBus.Error.NoReply",
    "org.freedesktop.DBus.Error.Disconnected",
    "org.freedesktop.DBus.Error.TimedOut",
}
_CANNOT_START = "org.freedesktop.DBus.Error.Spawn."
"""D-Bus starts bluetoothd for whoever asks it something; this is how it says that it failed."""
_NOT_THERE = {
    "org.freedesktop.DBus.Error.UnknownObject",
    "org.freedesktop.DBus.Error.UnknownMethod",
    "org.freedesktop.DBus.Error.UnknownInterface",
}

Properties = Mapping[str, Any]
Objects = Mapping[str, Mapping[str, Properties]]
"""Object path → interface → property → value, variants unpacked."""


class BluezError(Exception):
    """bluetoothd did not do what it was asked. Stays below ``ble``."""


class BluezAbsent(BluezError):
    """bluetoothd does not run."""


class BluezSilent(BluezError):
    """bluetoothd runs and does not answer."""


class BluezRefused(BluezError):
    """bluetoothd said no."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"{name.rpartition('.')[2]}: {text}")
        self.name = name
        """The D-Bus error, such as ``org.bluez.Error.InProgress``."""

    @property
    def no_such_object(self) -> bool:
        return self.name in _NOT_THERE


@dataclass(frozen=True, slots=True)
class Offered:
    """An object of ours that bluetoothd reads."""

    interface: str
    properties: Mapping[str, Variant] = field(repr=False)
    released: Callable[[], None]
    """Called when bluetoothd has no more use for it."""


class BluezBus:
    """One connection. Ends with `close`, or by itself when the bus goes away."""

    def __init__(self, bus: MessageBus) -> None:
        self._bus = bus
        self._offered: dict[str, Offered] = {}
        self.on_bluez: Callable[[bool], None] | None = None
        """Called when bluetoothd came (True) or went (False)."""
        bus.add_message_handler(self._take)

    @property
    def connected(self) -> bool:
        return self._bus.connected

    async def call(
        self, path: str, interface: str, member: str, signature: str = "", *body: object
    ) -> list[Any]:
        """Ask bluetoothd; return the body of its answer, variants unpacked.

        Raises:
            BluezAbsent, BluezSilent, BluezRefused: see there.
            RadioUnavailable: the bus itself is gone.
        """
        answer = await self._ask(
            Message(
                destination=BLUEZ,
                path=path,
                interface=interface,
                member=member,
                signature=signature,
                body=list(body),
            )
        )
        return list(unpack_variants(answer.body))

    async def objects(self) -> Objects:
        """Return everything that bluetoothd has: adapters, and devices of the last minutes."""
        (found,) = await self.call("/", _OBJECTS, "GetManagedObjects")
        return found  # type: ignore[no-any-return]

    async def properties(self, path: str, interface: str) -> Properties:
        (found,) = await self.call(path, _PROPERTIES, "GetAll", "s", interface)
        return found  # type: ignore[no-any-return]

    async def set_property(
        self, path: str, interface: str, name: str, signature: str, value: object
    ) -> None:
        await self.call(path, _PROPERTIES, "Set", "ssv", interface, name, Variant(signature, value))

    def offer(self, path: str, offered: Offered) -> None:
        """Let bluetoothd read *offered* at *path*."""
        self._offered[path] = offered

    def withdraw(self, path: str) -> None:
        self._offered.pop(path, None)

    def close(self) -> None:
        self._bus.disconnect()

    async def watch(self) -> None:
        """Ask the bus to tell when bluetoothd comes or goes."""
        rule = f"type='signal',sender='{_DBUS}',member='NameOwnerChanged',arg0='{BLUEZ}'"
        await self._ask(
            Message(
                destination=_DBUS,
                path="/org/freedesktop/DBus",
                interface=_DBUS,
                member="AddMatch",
                signature="s",
                body=[rule],
            )
        )

    async def _ask(self, question: Message) -> Message:
        if not self._bus.connected:
            raise _bus_gone()
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await self._bus.call(question)
        except TimeoutError:
            raise BluezSilent(f"{question.member} was not answered in {PATIENCE:.0f} s") from None
        except (OSError, EOFError, DBusError) as error:
            raise _bus_gone() from error
        if answer is None:
            raise _bus_gone()
        if answer.message_type is MessageType.ERROR:
            name = answer.error_name or ""
            if name in _ABSENT or name.startswith(_CANNOT_START):
                raise BluezAbsent("bluetoothd does not run")
            raise BluezRefused(name, str(answer.body[0]) if answer.body else "")
        return answer

    def _take(self, message: Message) -> Message | None:
        """Take one message of the bus; return the answer where it is a question to us."""
        if message.message_type is MessageType.METHOD_CALL:
            offered = self._offered.get(message.path or "")
            return None if offered is None else _answer(offered, message)
        if message.member == "NameOwnerChanged" and message.body[0] == BLUEZ and self.on_bluez:
            self.on_bluez(bool(message.body[2]))
        return None


def _answer(offered: Offered, question: Message) -> Message | None:
    """Answer what bluetoothd asks of an object; None: the library says that it is unknown."""
    if question.interface == offered.interface and question.member == "Release":
        offered.released()
        return Message.new_method_return(question)
    if question.interface == _PROPERTIES and question.body[0] == offered.interface:
        if question.member == "GetAll":
            return Message.new_method_return(question, "a{sv}", [dict(offered.properties)])
        if question.member == "Set":
            # With --experimental it tells the power that the controller chose: nothing to do.
            return Message.new_method_return(question)
    return None


async def connect() -> BluezBus:
    """Connect to the system bus ($DBUS_SYSTEM_BUS_ADDRESS, else its usual place).

    Raises:
        RadioUnavailable: there is none.
    """
    try:
        async with asyncio.timeout(PATIENCE):
            # It opens its socket in the constructor or in connect(), by version.
            connection = await MessageBus(bus_type=BusType.SYSTEM).connect()
    except (OSError, EOFError, DBusError, TimeoutError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error) or "it does not answer"
        raise RadioUnavailable(
            f"the system bus (D-Bus) cannot be reached: {reason}",
            hint="Bluetooth on Linux needs dbus and bluez: sudo apt install dbus bluez",
        ) from error
    bus = BluezBus(connection)
    try:
        await bus.watch()
    except BaseException:
        with contextlib.suppress(Exception):
            bus.close()
        raise
    return bus


def _bus_gone() -> RadioUnavailable:
    return RadioUnavailable(
        "the system bus (D-Bus) is gone", hint="systemctl status dbus; the node starts again then"
    )
