"""The processes of the demo: each the same program that a real installation runs."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from bluezone_node.errors import BluezoneError

Document = dict[str, Any]

STOP_WITHIN = 5.0
"""Wall seconds a process has to end after SIGTERM; a node needs two."""


class StoryFailed(BluezoneError):
    """A process of the demo failed."""


class Cast:
    """Starts, asks and stops the processes, and keeps what they say in the demo's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: dict[str, asyncio.subprocess.Process] = {}

    async def start(self, name: str, *arguments: str) -> asyncio.subprocess.Process:
        """Start a lasting process; what it logs goes to ``NAME.log``."""
        with (self._folder / f"{name}.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *_program(arguments), stdout=asyncio.subprocess.PIPE, stderr=log
            )
        self._running[name] = process
        return process

    async def ask(self, *arguments: str) -> Document:
        """Run a command with ``--json`` and return its document.

        Raises:
            StoryFailed: it failed, or printed no document.
        """
        process = await asyncio.create_subprocess_exec(
            *_program((*arguments, "--json")),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        try:
            document = json.loads(out)
        except ValueError:
            document = None
        if process.returncode or not isinstance(document, dict):
            raise StoryFailed(f"`{' '.join(arguments[:2])}` failed: {err.decode().strip()}")
        return document

    def fallen(self) -> list[str]:
        """Return the names of lasting processes that have ended."""
        return [name for name, p in self._running.items() if p.returncode is not None]

    async def stop(self) -> None:
        """End every process, last started first: politely, then not."""
        for process in reversed(self._running.values()):
            if process.returncode is None:
                process.terminate()
            try:
                async with asyncio.timeout(STOP_WITHIN):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


def _program(arguments: tuple[str, ...]) -> tuple[str, ...]:
    return (sys.executable, "-m", "bluezone_node", *arguments)
