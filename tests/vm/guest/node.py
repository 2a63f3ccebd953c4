"""One node under test: ``bluezone-node run`` on an adapter, with its own folder and settings."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bluezone_node.control import ask
from bluezone_node.ports import NodeStore
from bluezone_node.store.node import open_node_store
from tests.vm.guest.process import Process

Document = dict[str, Any]

PROGRAM = (sys.executable, "-m", "bluezone_node")


@dataclass(slots=True)
class Node:
    name: str
    adapter: str
    folder: Path
    config: Path
    process: Process | None = None

    @classmethod
    def configured(cls, name: str, adapter: str, state: Path, settings: dict[str, Any]) -> "Node":
        """Write the settings of a node down; *settings* go into its ``[node]``, as TOML values."""
        folder, config = state / name, state / f"{name}.toml"
        state.mkdir(exist_ok=True)
        chosen = {"state_dir": str(folder), "radio": f"bluez:{adapter}"} | settings
        more = str(chosen.pop("more", ""))
        lines = [f"{key} = {json.dumps(value)}" for key, value in chosen.items()]
        config.write_text("\n".join(["[node]", *lines, more, ""]))
        return cls(name, adapter, folder, config)

    @property
    def command(self) -> tuple[str, ...]:
        return (*PROGRAM, "run", "--config", str(self.config))

    def condition(self) -> Document | None:
        """Return what the daemon says of itself; None where it does not answer."""
        return ask(self.folder, "status")

    def on_air(self) -> bool:
        """Whether it believes that others can hear it."""
        said = self.condition()
        return said is not None and bool(said["radio"]["advertising"])

    def heard(self) -> int:
        """Return how many frames it has heard since it started; 0 where it does not answer."""
        said = self.condition()
        return int(said["radio"]["heard"]) if said else 0

    def ask(self, *arguments: str) -> Document:
        """Run a command on this node's settings and return its ``--json``.

        Raises:
            RuntimeError: it failed; with what it said.
        """
        return command(*arguments, "--config", str(self.config))

    @contextmanager
    def store(self) -> Iterator[NodeStore]:
        """Open its database, as a command does."""
        with open_node_store(self.folder / "node.db") as store:
            yield store


def command(*arguments: str) -> Document:
    """Run ``bluezone-node ARGUMENTS --json`` and return its document.

    Raises:
        RuntimeError: it failed; with what it said.
    """
    done = subprocess.run(
        [*PROGRAM, *arguments, "--json"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments[:2])} failed: {done.stderr.strip()}")
    document: Document = json.loads(done.stdout)
    return document
