"""The two places of the market's story: registered, with a code at the door of each.

What is scanned there is read back from the paper, as a camera would.
"""

import asyncio
import json
from pathlib import Path

from bluezone_node.commands.demo.cast import Cast
from bluezone_node.commands.demo.door import Door
from bluezone_node.commands.demo.squares import read_display, read_poster, read_slip
from bluezone_node.errors import FontUnavailable
from bluezone_node.posters.fonts import faces

PLACE, PHARMACY = "Chợ Hôm", "Hiệu thuốc Lò Đúc"
COMMUNE = "256"
"""Hai Bà Trưng ward, of the list of July 2025."""


class Premises:
    """A market and a pharmacy."""

    def __init__(self, cast: Cast, folder: Path, authority: Path, air: str) -> None:
        self._cast = cast
        self._folder = folder
        self._common = ("--dir", str(authority), "--clock", air)
        self.has_fonts = _has_fonts()
        """Whether anything can be printed on this machine."""
        self.poster = self.pharmacy = ""
        """What a camera reads at the door of each."""

    async def register(self) -> str:
        """Register both, make the kiosk's file, and hang up the codes; return the spoken one."""
        market, _ = await asyncio.gather(
            self._cast.ask(
                *("venue", "register", PLACE, "--kind", "market", "--commune", COMMUNE),
                *("--address", "79 phố Huế, Hà Nội", "--hours", "05:00-18:00"),
                *("--mark", "radio", "--mark", "check-out", *self._common),
            ),
            self._cast.ask("venue", "register", PHARMACY, "--commune", COMMUNE, *self._common),
        )
        _, self.poster, self.pharmacy = await asyncio.gather(
            self._make_file(PLACE, self._folder / "venue.json"),
            self._hang(PLACE),
            self._hang(PHARMACY),
        )
        (self._folder / "poster.txt").write_text(self.poster)
        return str(market["code"])

    async def slip_of(self, entry: int, door: Door) -> str:
        """Return what a camera reads on the slip of *entry*."""
        if not self.has_fonts:
            # The screen shows the same square in these minutes.
            return read_display(await door.display())
        return read_slip(await door.paper(entry))

    async def _hang(self, place: str) -> str:
        """Draw the poster of *place*; return what a camera reads there."""
        if not self.has_fonts:
            file = self._folder / f"{place}.json"
            await self._make_file(place, file)
            return str(json.loads(file.read_text())["card"])
        poster = self._folder / f"{place}.png"
        paper = ("--format", "png", "--size", "a5", "--out", str(poster))
        await self._cast.run("venue", "poster", place, *paper, *self._common)
        return read_poster(poster)

    async def _make_file(self, place: str, file: Path) -> None:
        await self._cast.run("venue", "kiosk", place, "--out", str(file), *self._common)


def _has_fonts() -> bool:
    try:
        faces()
    except FontUnavailable:
        return False
    return True
