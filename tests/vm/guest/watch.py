"""What nodes say of themselves while things go wrong, looked at a few times a second."""

import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.vm.guest.node import PROGRAM, Node

LOOK_EVERY = 0.25

Action = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Look:
    """One node at one moment."""

    t: float
    heard: int
    fault: str
    repairs: dict[str, int]


class Watch:
    """Looks at nodes, and keeps what they said; asks ``status --json`` once a fault is named."""

    def __init__(self, nodes: Sequence[Node], folder: Path) -> None:
        self.looks: dict[str, list[Look]] = {node.name: [] for node in nodes}
        self._nodes = nodes
        self._folder = folder
        self._asked: dict[str, subprocess.Popen[bytes]] = {}

    def run(
        self,
        seconds: float,
        actions: Sequence[tuple[float, Action]] = (),
        enough: Callable[[], bool] = lambda: False,
    ) -> None:
        """Look for so many *seconds*, or until it is *enough*; take each action at its second."""
        began = time.monotonic()
        waiting = sorted(actions, key=lambda action: action[0])
        while (elapsed := time.monotonic() - began) < seconds:
            while waiting and waiting[0][0] <= elapsed:
                waiting.pop(0)[1]()
            for node in self._nodes:
                self._look(node)
            if not waiting and enough():
                return
            time.sleep(LOOK_EVERY)

    def _look(self, node: Node) -> None:
        said = node.condition()
        if said is None:
            return
        radio: dict[str, Any] = said["radio"]
        look = Look(time.monotonic(), radio["heard"], radio["fault"], radio["repairs"])
        self.looks[node.name].append(look)
        if look.fault and node.name not in self._asked:
            # Not waited for: a command takes a second or two, and others are to be looked at.
            with (self._folder / f"status-{node.name}.json").open("wb") as document:
                self._asked[node.name] = subprocess.Popen(
                    [*PROGRAM, "status", "--json", "--config", str(node.config)],
                    stdout=document,
                    stderr=subprocess.DEVNULL,
                )

    def status(self, name: str) -> str:
        """Return what ``status --json`` printed while the node had a fault; empty: it had none."""
        if name not in self._asked:
            return ""
        self._asked.pop(name).wait()
        return (self._folder / f"status-{name}.json").read_text()

    def faults(self, name: str) -> dict[str, float]:
        """Return the faults that a node named, and when it first did."""
        named: dict[str, float] = {}
        for look in self.looks[name]:
            if look.fault:
                named.setdefault(look.fault, look.t)
        return named

    def repairs(self, name: str) -> dict[str, int]:
        looks = self.looks[name]
        return looks[-1].repairs if looks else {}

    def hears_after(self, name: str, moment: float, pause: float) -> float | None:
        """Return the seconds from *moment* until the node never heard nothing for *pause* again.

        None where it hears nothing now.
        """
        looks = [look for look in self.looks[name] if look.t >= moment]
        # Any other count is news: a node that was started again counts from nothing.
        news = [b.t for a, b in pairwise(looks) if b.heard != a.heard and b.heard]
        if not news or time.monotonic() - news[-1] > pause:
            return None
        stalls = [b for a, b in pairwise([moment, *news]) if b - a > pause]
        return (stalls[-1] if stalls else news[0]) - moment
