"""Objects on a bus, over dbus-next: the part of a daemon that speaks D-Bus.

dbus-next's own service classes do not tell a method who called it, and answer whatever happens.
Here every call is answered by a table, so that the daemon can know its clients, fall silent, and
die.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from dbus_next import Message, MessageType, Variant
from dbus_next.aio import MessageBus

log = logging.getLogger(__name__)

_DBUS = "org.freedesktop.DBus"
PROPERTIES = f"{_DBUS}.Properties"
OBJECTS = f"{_DBUS}.ObjectManager"
_INTROSPECTABLE = f"{_DBUS}.Introspectable"
_SIGNATURES = {
    (PROPERTIES, "Get"): "ss",
    (PROPERTIES, "GetAll"): "s",
    (PROPERTIES, "Set"): "ssv",
    (OBJECTS, "GetManagedObjects"): "",
    (_INTROSPECTABLE, "Introspect"): "",
}


_STANDARD = (
    f'<interface name="{PROPERTIES}">'
    '<method name="Get"><arg type="s" direction="in"/><arg type="s" direction="in"/>'
    '<arg type="v" direction="out"/></method>'
    '<method name="GetAll"><arg type="s" direction="in"/><arg type="a{sv}" direction="out"/>'
    "</method>"
    '<method name="Set"><arg type="s" direction="in"/><arg type="s" direction="in"/>'
    '<arg type="v" direction="in"/></method>'
    '<signal name="PropertiesChanged"><arg type="s"/><arg type="a{sv}"/><arg type="as"/></signal>'
    "</interface>"
)


class Refused(Exception):
    """An error to be sent to whoever asked, or that came back from whom we asked."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"{name}: {text}")
        self.name = name
        self.text = text


class Method(NamedTuple):
    """A method that returns nothing: BlueZ's managers have no other kind."""

    signature: str
    call: Callable[..., Awaitable[None]]
    """Called with the sender and the arguments."""


@dataclass(slots=True)
class Interface:
    name: str
    properties: dict[str, Variant] = field(default_factory=dict)
    methods: dict[str, Method] = field(default_factory=dict)
    setters: dict[str, Callable[[Any], Awaitable[None]]] = field(default_factory=dict)
    """Which properties may be written, and what then happens."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call that was received, for tests to look at."""

    at: float
    """Seconds of CLOCK_MONOTONIC."""
    sender: str
    path: str
    member: str
    """A property that was set is named ``Set Powered``."""
    arguments: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """What to answer in the place of doing it."""

    name: str
    text: str


class Exported:
    """One connection with objects on it."""

    def __init__(self, calls: list[Call]) -> None:
        self.objects: dict[str, dict[str, Interface]] = {}
        self.calls = calls
        """Where calls are noted."""
        self.failures: dict[str, list[Failure]] = {}
        """Member → answers to its next calls."""
        self.on_gone: Callable[[str], None] = lambda _name: None
        """Called with the unique name of a client that left the bus."""
        self.on_signal: Callable[[Message], None] = lambda _message: None
        """Called with the signals of clients that `follow` was called for."""
        self._bus: MessageBus | None = None
        self._held: list[Message] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def hung(self) -> bool:
        return self._held is not None

    async def connect(self, address: str, name: str) -> None:
        self._bus = await MessageBus(bus_address=address).connect()
        self._bus.add_message_handler(self._take)
        self._keep(asyncio.create_task(_until_gone(self._bus)))
        await self._match(f"type='signal',sender='{_DBUS}',member='NameOwnerChanged'")
        await self._bus.request_name(name)

    def disconnect(self) -> None:
        """Leave as a killed process does: whoever waits for an answer gets none."""
        if self._bus is not None:
            self._bus.disconnect()
            self._bus._sock.close()  # dbus-next leaves it open
            self._bus = None
        for task in self._tasks:
            task.cancel()
        self.objects.clear()
        self._held = None

    def hang(self) -> None:
        """Answer nothing and say nothing until `resume`."""
        if self._held is None:
            self._held = []

    def resume(self) -> None:
        """Go on with what came meanwhile, as a stopped process does."""
        held, self._held = self._held or [], None
        for message in held:
            self._take(message)

    def add(self, path: str, *interfaces: Interface) -> None:
        self.objects.setdefault(path, {}).update({each.name: each for each in interfaces})
        body = [path, {each.name: dict(each.properties) for each in interfaces}]
        self._signal("/", OBJECTS, "InterfacesAdded", "oa{sa{sv}}", body)

    def remove(self, path: str) -> None:
        gone = self.objects.pop(path, None)
        if gone is not None:
            self._signal("/", OBJECTS, "InterfacesRemoved", "oas", [path, list(gone)])

    def change(
        self,
        path: str,
        interface: str,
        changed: Mapping[str, Variant],
        invalidated: Iterable[str] = (),
    ) -> None:
        """Set properties and tell everybody, also where a value stays the same."""
        found = self.objects.get(path, {}).get(interface)
        if found is None:
            return
        found.properties.update(changed)
        for name in invalidated:
            found.properties.pop(name, None)
        body = [interface, dict(changed), list(invalidated)]
        self._signal(path, PROPERTIES, "PropertiesChanged", "sa{sv}as", body)

    async def call(
        self, destination: str, path: str, interface: str, member: str, *body: Any, sig: str = ""
    ) -> list[Any]:
        """Ask a client.

        Raises:
            Refused: it answered with an error, or left.
        """
        if self._bus is None:
            raise Refused(f"{_DBUS}.Error.Disconnected", "not on the bus")
        answer = await self._bus.call(
            Message(destination, path, interface, member, signature=sig, body=list(body))
        )
        if answer.message_type is MessageType.ERROR:
            raise Refused(answer.error_name, str(answer.body[0]) if answer.body else "")
        return list(answer.body)

    async def follow(self, client: str) -> None:
        """Hear the signals of *client* from now on."""
        await self._match(f"type='signal',sender='{client}'")

    async def _match(self, rule: str) -> None:
        await self.call(_DBUS, "/org/freedesktop/DBus", _DBUS, "AddMatch", rule, sig="s")

    def _signal(self, path: str, interface: str, member: str, sig: str, body: list[Any]) -> None:
        if self._bus is not None and self._bus.connected and not self.hung:
            self._bus.send(Message.new_signal(path, interface, member, sig, body))

    def _keep(self, task: "asyncio.Task[None]") -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @property
    def waiting(self) -> int:
        """How many calls are held."""
        held = self._held or []
        return sum(each.message_type is MessageType.METHOD_CALL for each in held)

    def _take(self, message: Message) -> bool:
        """Handle whatever arrives; True: handled."""
        if message.message_type not in (MessageType.SIGNAL, MessageType.METHOD_CALL):
            return False
        if self._held is not None:
            self._held.append(message)
        elif message.message_type is MessageType.METHOD_CALL:
            self._keep(asyncio.get_running_loop().create_task(self._answer(message)))
        elif message.sender == _DBUS and message.member == "NameOwnerChanged":
            name, _, owner = message.body
            if not owner:
                self.on_gone(name)
        elif self._bus is not None and message.sender not in (_DBUS, self._bus.unique_name):
            self.on_signal(message)
        return message.message_type is MessageType.METHOD_CALL

    async def _answer(self, message: Message) -> None:
        try:
            answer = Message.new_method_return(message, *await self._result(message))
        except Refused as refused:
            answer = Message.new_error(message, refused.name, refused.text)
        except Exception as error:
            log.exception("the played daemon failed")
            answer = Message.new_error(message, f"{_DBUS}.Error.Failed", repr(error))
        if self._bus is not None and self._bus.connected:
            self._bus.send(answer)

    async def _result(self, message: Message) -> tuple[str, list[Any]]:
        interface, member, body = message.interface, message.member, message.body
        if interface == OBJECTS and message.path == "/" and member == "GetManagedObjects":
            return "a{oa{sa{sv}}}", [self._managed()]
        if interface == _INTROSPECTABLE and member == "Introspect":
            return "s", [self._introspection(message.path)]
        interfaces = self.objects.get(message.path)
        method = (interfaces or {}).get(interface, Interface("")).methods.get(member)
        signature = method.signature if method else _SIGNATURES.get((interface, member))
        if interfaces is None or signature != message.signature:
            raise Refused(
                f"{_DBUS}.Error.Unknown{'Object' if interfaces is None else 'Method'}",
                f'Method "{member}" with signature "{message.signature}" on interface '
                f'"{interface}" doesn\'t exist\n',
            )
        if method is not None:
            self._note(message, member, tuple(body))
            await method.call(message.sender, *body)
            return "", []
        found = interfaces.get(body[0])
        if found is None:
            raise Refused(f"{_DBUS}.Error.InvalidArgs", f"No such interface '{body[0]}'")
        if member == "GetAll":
            return "a{sv}", [dict(found.properties)]
        if body[1] not in found.properties:
            raise Refused(f"{_DBUS}.Error.InvalidArgs", f"No such property '{body[1]}'")
        if member == "Get":
            return "v", [found.properties[body[1]]]
        if body[1] not in found.setters:
            raise Refused(f"{_DBUS}.Error.PropertyReadOnly", f"Property '{body[1]}' is read-only")
        self._note(message, f"Set {body[1]}", (body[2].value,))
        await found.setters[body[1]](body[2].value)
        return "", []

    def _note(self, message: Message, member: str, arguments: tuple[Any, ...]) -> None:
        self.calls.append(Call(time.monotonic(), message.sender, message.path, member, arguments))
        if failures := self.failures.get(member):
            failure = failures.pop(0)
            raise Refused(failure.name, failure.text)

    def _managed(self) -> dict[str, dict[str, dict[str, Variant]]]:
        return {
            path: {each.name: dict(each.properties) for each in interfaces.values()}
            for path, interfaces in self.objects.items()
        }

    def _introspection(self, path: str) -> str:
        below = path.rstrip("/") + "/"
        children = {
            each.removeprefix(below).split("/")[0]
            for each in self.objects
            if each.startswith(below)
        }
        return (
            f"<node>{_STANDARD if path in self.objects else ''}"
            + "".join(_described(each) for each in self.objects.get(path, {}).values())
            + "".join(f'<node name="{child}"/>' for child in sorted(children))
            + "</node>"
        )


async def _until_gone(bus: MessageBus) -> None:
    """Take the error with which a connection ends whose bus is killed: else it is printed."""
    with contextlib.suppress(OSError, EOFError):
        await bus.wait_for_disconnect()


def _described(interface: Interface) -> str:
    lines = [
        f'<method name="{name}">{_argument(method.signature)}</method>'
        for name, method in interface.methods.items()
    ]
    lines += [
        f'<property name="{name}" type="{variant.signature}" '
        f'access="{"readwrite" if name in interface.setters else "read"}"/>'
        for name, variant in interface.properties.items()
    ]
    return f'<interface name="{interface.name}">{"".join(lines)}</interface>'


def _argument(signature: str) -> str:
    parts = {"oa{sv}": ["o", "a{sv}"]}.get(signature, [signature] if signature else [])
    return "".join(f'<arg type="{part}" direction="in"/>' for part in parts)
