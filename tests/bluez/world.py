"""Play BlueZ on any number of buses, steered by lines of JSON.

    python -W ignore -m tests.bluez.world SOCKET

Each connection to SOCKET is a world of its own, and ends it.  Each line is an object with an
``op`` and its arguments: see `World`, whose methods are the operations.  Each is answered, in
order, by a line ``{"done": …}`` or ``{"error": …}``.  Says ``ready``, and ends with its standard
input.

A process of its own, because dbus-next (2021) cannot be imported where warnings are errors.
"""

import asyncio
import json
import logging
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import Any

from dbus_next import Message
from dbus_next.aio import MessageBus

from tests.bluez.adapter import Adapter, Release
from tests.bluez.controller import RESTART, Controller, Kind, Scan
from tests.bluez.ether import Ether, Transmission
from tests.bluez.exported import Call, Exported, Failure

log = logging.getLogger(__name__)

BLUEZ = "org.bluez"


@dataclass(slots=True)
class Host:
    """One machine: a bus, its bluetoothd, its chips."""

    name: str
    bus: str
    release: Release
    controllers: dict[str, Controller]
    """By ``hci0``."""
    daemon: Exported | None = None
    adapters: dict[str, Adapter] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    """Of all lives of its bluetoothd."""

    async def rise(self) -> None:
        """Start bluetoothd: it clears what its last life left, and switches everything on."""
        self.daemon = daemon = Exported(self.calls)
        daemon.on_gone = self._client_left
        daemon.on_signal = self._client_said
        await daemon.connect(self.bus, BLUEZ)
        for hci, controller in self.controllers.items():
            if controller.plugged:
                self.plug(hci)

    def die(self) -> None:
        """Kill bluetoothd. What its chips send, they go on sending."""
        self.adapters.clear()
        if self.daemon is not None:
            for controller in self.controllers.values():
                controller.orphan()
            self.daemon.disconnect()
            self.daemon = None

    def plug(self, hci: str) -> None:
        controller = self.controllers[hci]
        controller.plugged = True
        controller.clear()
        controller.power(not controller.blocked)
        if self.daemon is not None:
            self.adapters[hci] = Adapter(self.daemon, hci, controller, self.release)

    async def unplug(self, hci: str) -> None:
        controller = self.controllers[hci]
        controller.plugged = False
        controller.clear()
        controller.listen(Scan.OFF)
        controller.power(False)
        if hci in self.adapters:
            await self.adapters.pop(hci).remove()

    def _client_left(self, name: str) -> None:
        for adapter in self.adapters.values():
            adapter.client_left(name)

    def _client_said(self, message: Message) -> None:
        for adapter in self.adapters.values():
            task = asyncio.get_running_loop().create_task(adapter.client_changed(message))
            _running.add(task)
            task.add_done_callback(_running.discard)


_running: set[asyncio.Task[None]] = set()


class World:
    """What can be asked. *host* is a name; *adapter* is ``host/hci0``."""

    def __init__(self) -> None:
        self._ether = Ether()
        self._hosts: dict[str, Host] = {}
        self._beacons: dict[str, Transmission] = {}
        self._strangers: dict[str, MessageBus] = {}

    async def host(
        self,
        host: str,
        bus: str,
        adapters: dict[str, str],
        version: str = "5.66",
        experimental: bool = False,
        le_only: bool = False,
        restart: float = RESTART,
    ) -> None:
        """Start a bluetoothd at address *bus* with *adapters*: ``{"hci0": "legacy"}``, see Kind."""
        major, minor = version.split(".")
        number = len(self._hosts)
        self._hosts[host] = made = Host(
            host,
            bus,
            Release((int(major), int(minor)), experimental),
            {
                hci: Controller(
                    f"{host}/{hci}",
                    f"B8:27:EB:00:{number:02X}:{index:02X}",
                    Kind(kind),
                    self._ether,
                    le_only=le_only,
                    restart=restart,
                )
                for index, (hci, kind) in enumerate(adapters.items())
            },
        )
        await made.rise()

    async def die(self, host: str) -> None:
        self._hosts[host].die()

    async def rise(self, host: str) -> None:
        self._hosts[host].die()
        await self._hosts[host].rise()

    async def hang(self, host: str) -> None:
        self._daemon(host).hang()

    async def waiting(self, host: str) -> int:
        """Return how many wait for an answer of a bluetoothd that hangs."""
        return self._daemon(host).waiting

    async def resume(self, host: str) -> None:
        self._daemon(host).resume()

    async def fail(
        self, host: str, member: str, error: str, text: str = "", times: int = 1
    ) -> None:
        """Answer the next *times* calls of *member* with org.bluez.Error.*error*, doing nothing.

        A property to be set is a member too: ``Set Powered``.
        """
        failure = Failure(f"org.bluez.Error.{error}", text or error)
        self._daemon(host).failures[member] = [failure] * times

    async def power(self, adapter: str, on: bool) -> None:
        """Somebody else switches it."""
        self._adapter(adapter).power(on)

    async def block(self, adapter: str, on: bool) -> None:
        """Rfkill."""
        self._adapter(adapter).block(on)

    async def unplug(self, adapter: str) -> None:
        host, hci = self._found(adapter)
        await host.unplug(hci)

    async def plug(self, adapter: str) -> None:
        host, hci = self._found(adapter)
        host.plug(hci)

    async def deaf(self, adapter: str, on: bool, heals: bool = False) -> None:
        """The chip scans and reports nothing; *heals*: until it is switched off and on."""
        host, hci = self._found(adapter)
        host.controllers[hci].deaf = on
        host.controllers[hci].heals = heals

    async def race(self, adapter: str, times: int = 1) -> None:
        """Let the next StopDiscovery meet the end of the kernel's own 10 s: see `Adapter.races`."""
        self._adapter(adapter).races = times

    async def fade(self, adapter: str) -> None:
        """Bluetoothd takes the strength of every device back."""
        self._adapter(adapter).devices.fade()

    async def stranger(self, adapter: str, scans: bool) -> None:
        """Another program on that machine scans, without a filter, or leaves."""
        if not scans:
            self._strangers.pop(adapter).disconnect()
            return
        host, hci = self._found(adapter)
        self._strangers[adapter] = bus = await MessageBus(bus_address=host.bus).connect()
        await bus.call(Message(BLUEZ, f"/org/bluez/{hci}", "org.bluez.Adapter1", "StartDiscovery"))

    async def beacon(
        self,
        name: str,
        payload: str,
        ms: float = 250,
        address: str | None = None,
        connectable: bool = False,
    ) -> str:
        """Let a device without a host send *payload* (hex) every *ms*; return its address."""
        address = address or self._ether.private_address()
        self._beacons[name] = self._ether.send(
            name, address, bytes.fromhex(payload), lambda: ms / 1000, connectable
        )
        return address

    async def silence(self, name: str) -> None:
        self._ether.stop(self._beacons.pop(name))

    async def level(self, sender: str, receiver: str, dbm: float, spread: float = 0.0) -> None:
        """Let *receiver* hear *sender* at so many dBm from now on."""
        self._ether.levels[sender, receiver] = (dbm, spread)

    async def log(self, sender: str) -> list[dict[str, Any]]:
        """Return all that *sender* (an adapter, a beacon) ever had on the air."""
        return [
            asdict(sent) | {"payload": sent.payload.hex()}
            for sent in self._ether.log
            if sent.sender == sender
        ]

    async def calls(self, host: str) -> list[dict[str, Any]]:
        """Return the methods called and properties set so far, oldest first."""
        return [asdict(call) for call in self._hosts[host].calls]

    async def state(self, adapter: str) -> dict[str, Any]:
        """Return how an adapter is, as bluetoothd and the chip know it."""
        host, hci = self._found(adapter)
        controller, played = host.controllers[hci], host.adapters.get(hci)
        return {
            "there": played is not None,
            "powered": controller.powered,
            "scan": controller.scan.value,
            "advertisements": len(controller.instances),
            "discovering": played.discovering if played else [],
            "monitors": played.monitors.active if played else False,
            "devices": len(played.devices) if played else 0,
            "now": time.monotonic(),
        }

    async def end(self) -> None:
        """Leave all buses, and have nothing on the air."""
        for stranger in self._strangers.values():
            stranger.disconnect()
        for host in self._hosts.values():
            host.die()
            for controller in host.controllers.values():
                controller.clear()
                controller.listen(Scan.OFF)
        for name in list(self._beacons):
            await self.silence(name)

    def _found(self, adapter: str) -> tuple[Host, str]:
        host, _, hci = adapter.partition("/")
        return self._hosts[host], hci

    def _adapter(self, adapter: str) -> Adapter:
        host, hci = self._found(adapter)
        return host.adapters[hci]

    def _daemon(self, host: str) -> Exported:
        daemon = self._hosts[host].daemon
        if daemon is None:
            raise LookupError("that bluetoothd is dead")
        return daemon


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    world = World()
    while line := await reader.readline():
        arguments = json.loads(line)
        try:
            answer = {"done": await getattr(world, arguments.pop("op"))(**arguments)}
        except Exception as error:
            log.exception("the operation failed")
            answer = {"error": repr(error)}
        writer.write(json.dumps(answer, default=repr).encode() + b"\n")
    await world.end()
    writer.close()


async def _main(socket: str) -> None:
    stdin = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stdin), sys.stdin
    )
    async with await asyncio.start_unix_server(_serve, socket, limit=1 << 20):
        print("ready", flush=True)
        await stdin.read()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
