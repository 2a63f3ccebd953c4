"""A wearable held to the kiosk turns the page green: radio, daemon, socket and page as they are."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2 as httpx
import pytest

from tests.patience import PATIENCE
from tests.system.test_place_on_the_air import Market

pytestmark = pytest.mark.slow


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Market]:
    opened = Market(tmp_path)
    await opened.open()
    yield opened
    await opened.end()


async def page_of(opened: Market) -> str:
    """Serve the page beside the daemon; return its address."""
    settings = opened.folder / "page.toml"
    settings.write_text(
        f'[node]\nradio = "air:{opened.address}#kiosk"\n'
        f'[kiosk]\nvenue = "{opened.folder / "venue.json"}"\n'
    )
    kiosk = await opened.start(
        *("kiosk", "--listen", "127.0.0.1:0"),
        BLUEZONE_STATE_DIR=str(opened.folder / "kiosk"),
        BLUEZONE_CONFIG=str(settings),
    )
    assert kiosk.stderr is not None
    async with asyncio.timeout(PATIENCE):
        while b"http://" not in (line := await kiosk.stderr.readline()):
            assert line
    return line.decode().split()[-1]


async def tap(browser: httpx.AsyncClient) -> dict[str, object]:
    """Press the button."""
    headers = {"Accept": "application/json"}
    answer: dict[str, object] = (
        await browser.post("tap", data={"party": "1"}, headers=headers)
    ).json()
    return answer


async def test_a_device_that_is_held_to_the_kiosk_comes_in(opened: Market) -> None:
    """Two metres away it is nobody; held against it, it is one visitor, by the air's own time."""
    async with httpx.AsyncClient(base_url=await page_of(opened)) as browser:
        await opened.until(4)
        answer = await tap(browser)
        assert (answer["colour"], answer["inside"]) == ("red", 0)
        assert "Không thấy thiết bị" in str(answer["notes"])
        await opened.until(9)
        async with asyncio.timeout(PATIENCE):
            while answer["colour"] == "red":
                answer = await tap(browser)
        assert (answer["colour"], answer["sign"], answer["inside"]) == ("green", "in", 1)
        state = (await browser.get("state")).json()
        assert state["status"][0] == {
            "well": True,
            "vi": "Bluetooth chạy",
            "en": "Bluetooth runs",
        }
