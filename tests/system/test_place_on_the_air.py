"""A market with a kiosk, and a wearable, as processes: the radio alone tells who was there."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bluezone_node.ble.frame import decode
from bluezone_node.control import ask
from bluezone_node.crypto.cose import public_bytes
from bluezone_node.venues.tags import AirTag, air_tag_of, slot_of, venue_keys
from tests.kiosks import market, venue_file
from tests.patience import PATIENCE
from tests.system.test_node_process import Stage
from tests.venues.places import ROOT

pytestmark = pytest.mark.slow

START = datetime(2026, 11, 22, 8, 3, tzinfo=UTC)
SCENARIO = """\
start = 2026-11-22T08:03:00Z
pace = 100
[[devices]]
name = "kiosk"
path = [{ at = "0m", x = 0, y = 0 }]
[[devices]]
name = "wearable"
path = [
    { at = "0m", x = 900, y = 0 }, { at = "5m", x = 900, y = 0 },
    { at = "6m", x = 2, y = 0 }, { at = "16m", x = 2, y = 0 },
    { at = "17m", x = 0.1, y = 0 }, { at = "21m", x = 0.1, y = 0 },
    { at = "22m", x = 900, y = 0 },
]
"""


class Market(Stage):
    async def open(self) -> None:
        scenario = self.folder / "market.toml"
        scenario.write_text(SCENARIO)
        log = str(self.folder / "air.jsonl")
        air = await self.start(
            "air", "serve", str(scenario), "--listen", self.address, "--log", log
        )
        assert air.stdout is not None
        async with asyncio.timeout(PATIENCE):
            assert await air.stdout.readline()
        settings = self.folder / "kiosk.toml"
        place = venue_file(self.folder / "venue.json", market())
        settings.write_text(f'[kiosk]\nvenue = "{place}"\n')
        await self.node("kiosk", BLUEZONE_CONFIG=str(settings))
        await self.node("wearable", BLUEZONE_CONFIG=str(self.visitor()))

    def visitor(self) -> Path:
        """Return settings that know of places, for the wearable."""
        settings = self.folder / "wearable.toml"
        settings.write_text(f'[places]\nroot = "{b64encode(public_bytes(ROOT)).decode()}"\n')
        return settings

    async def tell(self, *arguments: str) -> str:
        asked = await self.start(
            *arguments,
            BLUEZONE_STATE_DIR=str(self.folder / "wearable"),
            BLUEZONE_CONFIG=str(self.visitor()),
        )
        out, err = await asked.communicate()
        assert asked.returncode == 0, err.decode()
        return out.decode()


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Market]:
    opened = Market(tmp_path)
    await opened.open()
    yield opened
    await opened.end()


async def until_minute(opened: Market, minute: float) -> None:
    """Wait until so many minutes of the air have passed for both nodes."""
    async with asyncio.timeout(2 * PATIENCE):
        while True:
            answers = [
                await asyncio.to_thread(ask, opened.folder / name, "status")
                for name in ("kiosk", "wearable")
            ]
            told = [datetime.fromisoformat(each["now"]) if each else START for each in answers]
            if min(told) >= START + timedelta(minutes=minute):
                return
            await asyncio.sleep(0.05)


async def tapped(opened: Market) -> str:
    """Ask until the kiosk hears who is held against it: a second here is 100 of the air."""
    async with asyncio.timeout(PATIENCE):
        while True:
            answer = await asyncio.to_thread(ask, opened.folder / "kiosk", "tap")
            if answer and answer["tap"]:
                return str(answer["tap"])


async def test_who_wears_a_node_has_been_to_the_market_and_taps_its_kiosk(opened: Market) -> None:
    """One visit with the right times, a tap while held up, and the right tags on the air."""
    await until_minute(opened, 8)
    assert await asyncio.to_thread(ask, opened.folder / "kiosk", "tap") == {
        "tap": "",
        "why": "no device is near enough",
    }
    await until_minute(opened, 18)
    assert len(await tapped(opened)) == 16
    await until_minute(opened, 30)
    status = await asyncio.to_thread(ask, opened.folder / "kiosk", "status")
    assert status is not None
    assert status["radio"]["announcing"]
    assert status["presence"] is None
    (visit,) = json.loads(await opened.tell("visit", "list", "--json"))["visits"]
    came, left = (datetime.fromisoformat(visit[name]) for name in ("came", "left"))
    # A node that its machine lets wait for a second is nearly two minutes of the air late.
    assert START + timedelta(minutes=5) < came < START + timedelta(minutes=9)
    assert START + timedelta(minutes=24) < left < START + timedelta(minutes=28)
    await opened.end()

    keys = venue_keys(market().payload)
    lines = [json.loads(line) for line in (opened.folder / "air.jsonl").read_text().splitlines()]
    sent = [(line, decode(bytes.fromhex(line["payload"]))) for line in lines]
    tags = [(line, frame) for line, frame in sent if isinstance(frame, AirTag)]
    assert {line["device"] for line, _ in tags} == {"kiosk"}
    for line, frame in tags:
        start, end = (datetime.fromisoformat(line[name]) for name in ("start", "end"))
        assert frame == air_tag_of(keys, slot_of(start + timedelta(seconds=60)))
        assert end - start < timedelta(minutes=17)
    assert len({line["address"] for line in lines}) == len(lines)
