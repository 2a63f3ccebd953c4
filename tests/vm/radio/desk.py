"""The scenario's hand on the air: one JSON request a line, one JSON answer, on a Unix socket.

``loss``    a, b, db: put so much between two nodes
``crowd``   name, size, [interval, rotation, foreign, logged]: neighbours with no hosts; size 0: end
``mark``    text: a line in the air log
``fault``   node, what: ``unplug``, ``plug``, ``error`` (hardware error event), ``brownout`` (all
            forgotten, silently), ``deaf`` with until = ``scan``, ``reset`` or ``ever``, ``hang``,
            ``slow`` (to answer), ``heal``
``status``  only asks
"""

import asyncio
import json
from pathlib import Path
from typing import Any

from tests.vm.radio import hci
from tests.vm.radio.air import Air
from tests.vm.radio.crowd import Crowd
from tests.vm.radio.host import KernelHost

Request = dict[str, Any]

SLOW = 0.4
"""Seconds to answer, of a chip whose firmware is busy: starting a scan takes three answers."""

_SOME_CODE = 0x42


class Desk:
    def __init__(self, air: Air, hosts: dict[str, KernelHost]) -> None:
        self._air = air
        self._hosts = hosts
        self._crowds: dict[str, Crowd] = {}

    async def serve(self, path: Path) -> None:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while line := await reader.readline():
                try:
                    answer = await self._do(json.loads(line))
                except (KeyError, TypeError, ValueError) as error:
                    answer = {"error": f"{type(error).__name__}: {error}"}
                writer.write(json.dumps(answer).encode() + b"\n")
            writer.close()

        await asyncio.start_unix_server(talk, path)

    async def _do(self, asked: Request) -> dict[str, Any]:
        match asked["do"]:
            case "loss":
                self._air.place(asked["a"], asked["b"], asked["db"])
            case "crowd":
                self._crowd(**{key: value for key, value in asked.items() if key != "do"})
            case "mark":
                self._air.note("mark", text=asked["text"])
            case "fault":
                await self._fault(asked["node"], asked["what"], asked.get("until", ""))
            case "status":
                pass
            case unknown:
                raise ValueError(f"nothing is done by {unknown!r}")
        return self._status()

    def _crowd(self, name: str, size: int, **how: Any) -> None:
        if name in self._crowds:
            self._crowds.pop(name).stop()
        if size:
            self._crowds[name] = crowd = Crowd(self._air, name, size, **how)
            crowd.start()

    async def _fault(self, node: str, what: str, until: str) -> None:
        chip = self._air.controllers[node]
        if what not in ("plug", "unplug"):
            chip.note("fault", what=what, until=until)
        match what:
            case "unplug":
                self._hosts[node].unplug()
            case "plug":
                await self._hosts[node].plug()
            case "error":
                chip.send(hci.hardware_error(_SOME_CODE))
            case "brownout":
                chip.reset()
            case "deaf":
                chip.deaf_until = until
            case "hang":
                chip.hung = True
            case "slow":
                chip.answers_after = SLOW
            case "heal":
                chip.hung, chip.deaf_until, chip.answers_after = False, "", 0.0
            case unknown:
                raise ValueError(f"no such fault: {unknown!r}")

    def _status(self) -> dict[str, Any]:
        return {
            "nodes": {
                chip.name: {
                    "index": self._hosts[chip.name].index if chip.name in self._hosts else None,
                    "scans": chip.scanner.on,
                    "deaf": chip.deaf_until,
                    "reported": chip.reported,
                    "advertises": sum(one.enabled for one in chip.sets.values()),
                    "unknown": {f"0x{code:04x}": n for code, n in chip.unknown.items()},
                }
                for chip in self._air.controllers.values()
            },
            "crowds": {name: crowd.rotations for name, crowd in self._crowds.items()},
        }
