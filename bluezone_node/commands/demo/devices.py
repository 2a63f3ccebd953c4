"""What visitors' own devices do and say, asked by the commands that their owners would type."""

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from bluezone_node.alerts import Alert
from bluezone_node.commands.demo.cast import Cast, Document


class Devices:
    """Devices by their names."""

    def __init__(self, cast: Cast, settings: Callable[[str], Path]) -> None:
        """*settings*: returns the settings file of a device."""
        self._cast = cast
        self._settings = settings

    async def scan(self, name: str, text: str, *more: str) -> Document:
        """Let *name* scan a code; return the visit of now."""
        done = await self._ask(name, "visit", "in", "-", *more, typed=text)
        visit: Document = done["visits"][-1]
        return visit

    async def leave(self, name: str) -> Document:
        """Let *name* check out; return the visit."""
        return await self._ask(name, "visit", "out")

    async def code(self, name: str) -> str:
        """Return a code for the kiosk's camera."""
        return str((await self._ask(name, "visit", "code"))["code"])

    async def sync(self, names: Iterable[str]) -> None:
        """Let them fetch what there is."""
        await asyncio.gather(*(self._ask(name, "sync", "--now") for name in names))

    async def visits(self, names: Iterable[str]) -> dict[str, list[Document]]:
        """Return the visits that each device has kept."""
        return await self._each(names, "visits", "visit", "list")

    async def alerts(self, names: Iterable[str]) -> dict[str, list[Document]]:
        """Return the alerts that each device shows."""
        found = await self._each(names, "alerts", "alerts", "list")
        return {name: [each["alert"] for each in its] for name, its in found.items()}

    async def first_alert(self, name: str) -> Alert:
        """Return the first alert of *name*, whole."""
        shown = await self._ask(name, "alerts", "show", "1")
        return msgspec.convert(shown["alert"], Alert)

    async def report(self, name: str, code: str) -> int:
        """Publish the day keys of *name* with a health worker's code; return how many."""
        return int((await self._ask(name, "diagnosis", "report", code, "--yes"))["published"])

    async def _each(
        self, names: Iterable[str], field: str, *command: str
    ) -> dict[str, list[Document]]:
        asked = list(names)
        found = await asyncio.gather(*(self._ask(name, *command) for name in asked))
        return {name: listed[field] for name, listed in zip(asked, found, strict=True)}

    async def _ask(self, name: str, *command: str, typed: str = "") -> Document:
        return await self._cast.ask(*command, "--config", str(self._settings(name)), typed=typed)
