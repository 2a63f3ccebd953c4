"""The page at the market's door, as those who stand before it use it."""

from typing import Any

import httpx2 as httpx

from bluezone_node.commands.demo.cast import Document, StoryFailed
from bluezone_node.commands.demo.stage import PATIENCE


class Door:
    """A browser on the kiosk's page. What it shows is a document, see `web.kiosk.wording.Shown`."""

    def __init__(self, address: str) -> None:
        self._browser = httpx.AsyncClient(
            base_url=address, headers={"Accept": "application/json"}, timeout=PATIENCE
        )

    async def close(self) -> None:
        await self._browser.aclose()

    async def inside(self) -> int:
        """Return how many people the kiosk counts."""
        return int((await self._json("GET", "/state"))["inside"])

    async def see(self, jpeg: bytes) -> Document:
        """Hold something before the camera."""
        return await self._json("POST", "/frame", content=jpeg)

    async def scan(self, text: str) -> Document:
        """Hold something before the scanner, which types its *text*."""
        return await self._json("POST", "/scan", data={"text": text})

    async def tap(self) -> Document:
        """Press the button of the tap.

        Raises:
            ConnectionError: nobody is held against the kiosk yet.
        """
        shown = await self._json("POST", "/tap", data={"party": "1"})
        if shown["sign"] == "no":
            raise ConnectionError
        return shown

    async def slip(self) -> Document:
        """Press the button of the paper slip."""
        return await self._json("POST", "/slip", data={"party": "1"})

    async def display(self) -> str:
        """Return the square on the screen, as SVG."""
        return (await self._answer("GET", "/code.svg")).text

    async def paper(self, entry: int) -> bytes:
        """Return the slip of an entry as it is printed, a PNG."""
        return (await self._answer("GET", f"/slip/{entry}.png")).content

    async def _json(self, method: str, path: str, **sent: Any) -> Document:
        document: Document = (await self._answer(method, path, **sent)).json()
        return document

    async def _answer(self, method: str, path: str, **sent: Any) -> httpx.Response:
        try:
            answer = await self._browser.request(method, path, **sent)
        except httpx.HTTPError as error:
            raise StoryFailed(f"the kiosk's page does not answer: {error}") from error
        if answer.status_code != httpx.codes.OK:
            raise StoryFailed(f"the kiosk's page answers with HTTP status {answer.status_code}")
        return answer
