"""The laboratory in the machine: radio, bus, bluetoothd, nodes, and what is found out about them.

    with Lab(CHECKS) as lab:
        lab.radio("A:vhci:legacy", "B:vhci:extended")
        lab.bluetoothd()
        an = lab.node("an", "A")
        until(an.on_air, 20, "an on the air")
        lab.check("heard", an.heard() > 0)

All that the programs say lands in /run/out, which is a folder of the host.
"""

import json
import signal
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.vm.guest.bus import powered_adapters
from tests.vm.guest.node import Node
from tests.vm.guest.process import Process, until
from tests.vm.judge import AirLog, read_air

OUT = Path("/run/out")
STATE = Path("/run/state")
DESK = Path("/run/desk.sock")
AIR_LOG = OUT / "air.jsonl"
RESULTS = OUT / "results.jsonl"
TIME_SERVICE = Path("/run/systemd/timesync/synchronized")
"""Says that the clock can be believed: the lab is the time service here."""
BUS_SOCKET = Path("/run/dbus/system_bus_socket")

PATIENCE = 120.0
"""Seconds for a program to come up, or to do what it is for, on a machine with other work."""


class Lab:
    def __init__(self, checks: Mapping[str, str]) -> None:
        self._checks = checks
        self._running: dict[str, Process] = {}
        self.nodes: dict[str, Node] = {}
        self.reached: dict[str, str] = {}
        """How each controller is reached: ``hciN``, or the path of a socket."""
        TIME_SERVICE.parent.mkdir(parents=True)
        TIME_SERVICE.touch()
        self.start_bus()

    def __enter__(self) -> "Lab":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in reversed(self._running.values()):
            process.stop()

    # Verdicts

    def check(self, name: str, ok: object, **detail: Any) -> None:
        """Give the verdict on one of the scenario's checks, with its evidence."""
        assert name in self._checks, name
        self._report({"check": name, "ok": bool(ok), **detail})

    def note(self, name: str, **facts: Any) -> None:
        """Put down a figure that is no verdict."""
        self._report({"note": name, **facts})

    def _report(self, line: dict[str, Any]) -> None:
        with RESULTS.open("a") as results:
            results.write(json.dumps({"at": round(time.monotonic(), 1), **line}) + "\n")

    # Programs

    def start(self, name: str, *argv: str, asked: bool = False) -> Process:
        """Run a program under *name*, in the place of an ended one of that name."""
        process = self._running[name] = Process(name, argv, OUT, asked=asked)
        return process

    def python(self, name: str, module: str, *arguments: str, asked: bool = False) -> Process:
        return self.start(name, sys.executable, "-m", module, *arguments, asked=asked)

    def start_bus(self) -> Process:
        """Start dbus-daemon, as the service manager does; wait until it is there."""
        BUS_SOCKET.unlink(missing_ok=True)
        bus = self.start("dbus", "dbus-daemon", "--system", "--nofork", "--nopidfile")
        until(BUS_SOCKET.exists, PATIENCE, "the bus")
        return bus

    def radio(self, *nodes: str) -> dict[str, str]:
        """Start the controllers *nodes*, see ``tests.vm.radio``; return how they are reached."""
        specs = [part for node in nodes for part in ("--node", node)]
        files = ("--log", str(AIR_LOG), "--desk", str(DESK))
        radio = self.python("radio", "tests.vm.radio", *specs, *files, asked=True)
        self.reached = json.loads(radio.first_line())
        return self.reached

    def bluetoothd(self, *, experimental: bool = False, wait: bool = True) -> Process:
        """Start bluetoothd; wait until it has every adapter powered."""
        daemon = self.start("bluetoothd", "bluetoothd", "-n", *(["-E"] if experimental else []))
        if wait:
            adapters = {name for name in self.reached.values() if name.startswith("hci")}
            until(lambda: adapters <= powered_adapters(), PATIENCE, f"{adapters} powered")
        return daemon

    def node(self, name: str, controller: str, **settings: Any) -> Node:
        """Start the program under test as *name* on a controller; again, with the state it had."""
        adapter = self.reached.get(controller, controller)
        node = Node.configured(name, adapter, STATE, settings)
        return self.run_node(node)

    def run_node(self, node: Node) -> Node:
        """Start *node*, or start it again."""
        node.process = self.start(node.name, *node.command)
        self.nodes[node.name] = node
        return node

    def __getitem__(self, name: str) -> Process:
        return self._running[name]

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Kill a program and wait for its end."""
        self._running[name].signal(number)
        self._running[name].ended(PATIENCE)

    def end(self, name: str) -> None:
        self._running[name].stop()

    # The air

    def desk(self, do: str, **request: Any) -> dict[str, Any]:
        """Ask the radio for something, see ``tests.vm.radio.desk``.

        Raises:
            ValueError: it did not understand.
        """
        with socket.socket(socket.AF_UNIX) as channel:
            channel.connect(str(DESK))
            channel.sendall(json.dumps({"do": do, **request}).encode() + b"\n")
            answer: dict[str, Any] = json.loads(channel.makefile().readline())
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer

    def air(self, since: float = 0.0) -> AirLog:
        """Return what was on the air since then (monotonic seconds)."""
        return read_air(AIR_LOG.read_text().splitlines(), since)


def now() -> float:
    """Return the time of the air log, seconds."""
    return time.monotonic()


def set_wall_clock(to: float) -> None:
    """Set the machine's clock, Unix seconds."""
    time.clock_settime(time.CLOCK_REALTIME, to)
