"""The machine's service manager, as far as these tests need one: it starts again what has ended.

It follows what the units say: bluetoothd and the bus soon, a node after RestartSec; a node that
gives its radio up has bluetoothd restarted first (OnFailure=bluezone-node-recover.service), by
SIGKILL where it does not hear SIGTERM within ten seconds.
"""

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from bluezone_node.errors import RadioUnavailable
from tests.vm.guest.node import Node
from tests.vm.guest.process import Process, until
from tests.vm.lab import Lab

BLUETOOTHD_AFTER = 2.0
BUS_AFTER = 1.0
NODE_AFTER = 10.0
"""RestartSec= of bluezone-node.service."""
TERM_PATIENCE = 10.0
"""Of /usr/lib/bluezone-node/recover."""


class Keeper:
    """Keeps bus, bluetoothd and *nodes* running until it is told to stop."""

    def __init__(self, lab: Lab, nodes: Sequence[Node]) -> None:
        self.diary: list[dict[str, Any]] = []
        """What ended, with which status and when."""
        self._lab = lab
        self._stopping = False
        self._bluetooth = threading.Lock()
        """Held while bluetoothd is being restarted on purpose."""
        services: list[tuple[str, float, Callable[[], Process]]] = [
            ("dbus", BUS_AFTER, lab.start_bus),
            ("bluetoothd", BLUETOOTHD_AFTER, lambda: lab.bluetoothd(wait=False)),
        ]
        threads = [threading.Thread(target=self._keep, args=service) for service in services]
        threads += [threading.Thread(target=self._keep_node, args=[node]) for node in nodes]
        for thread in threads:
            thread.daemon = True
            thread.start()

    def stop(self) -> None:
        """Let things end from now on."""
        self._stopping = True

    def _keep(self, name: str, after: float, start: Callable[[], Process]) -> None:
        while True:
            self._ended(name)
            time.sleep(after)
            with self._bluetooth:
                if self._stopping:
                    return
                if not self._lab[name].running():
                    if name == "bluetoothd":
                        # Started by its unit only where there is a bus.
                        until(self._bus_runs, 60, "the bus for bluetoothd")
                    start()

    def _bus_runs(self) -> bool:
        return self._lab["dbus"].running()

    def _keep_node(self, node: Node) -> None:
        while True:
            status = self._ended(node.name)
            if self._stopping:
                return
            if status == RadioUnavailable.exit_status:
                self._recover()
            else:
                time.sleep(NODE_AFTER)
            self._lab.run_node(node)

    def _recover(self) -> None:
        with self._bluetooth:
            bluetoothd = self._lab["bluetoothd"]
            if bluetoothd.running():
                bluetoothd.signal(signal.SIGTERM)
                try:
                    bluetoothd.ended(TERM_PATIENCE)
                except subprocess.TimeoutExpired:
                    bluetoothd.signal(signal.SIGKILL)
                    bluetoothd.ended(TERM_PATIENCE)
            self._lab.bluetoothd(wait=False)

    def _ended(self, name: str) -> int:
        """Wait for the end of what runs under *name* now."""
        process = self._lab[name]
        status = process.ended(None)
        if not self._stopping:
            self.diary.append({"t": round(time.monotonic(), 1), "name": name, "status": status})
        return status
