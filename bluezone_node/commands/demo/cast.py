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

    async def run(self, *arguments: str, typed: str = "") -> bytes:
        """Run a command to its end, with *typed* on its standard input; return what it printed.

        Raises:
            StoryFailed: it failed.
        """
        process = await asyncio.create_subprocess_exec(
            *_program(arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate(typed.encode())
        if process.returncode:
            raise StoryFailed(f"`{' '.join(arguments[:2])}` failed: {err.decode().strip()}")
        return out

    async def ask(self, *arguments: str, typed: str = "") -> Document:
        """Run a command with ``--json`` and return its document.

        Raises:
            StoryFailed: it failed, or printed no document.
        """
        document = await self._asked(arguments, typed)
        if not isinstance(document, dict):
            raise StoryFailed(f"`{' '.join(arguments[:2])}` printed no document")
        return document

    async def ask_all(self, *arguments: str) -> list[Document]:
        """Run a command with ``--json`` that lists documents, and return these.

        Raises:
            StoryFailed: it failed, or printed no list.
        """
        documents = await self._asked(arguments, "")
        if not isinstance(documents, list):
            raise StoryFailed(f"`{' '.join(arguments[:2])}` printed no list")
        return documents

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

    async def _asked(self, arguments: tuple[str, ...], typed: str) -> object:
        try:
            found: object = json.loads(await self.run(*arguments, "--json", typed=typed))
        except ValueError:
            return None
        return found


def _program(arguments: tuple[str, ...]) -> tuple[str, ...]:
    return (sys.executable, "-m", "bluezone_node", *arguments)
