"""A market with a kiosk, and a wearable, as processes: the radio alone tells who was there."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bluezone_node.ble.frame import decode
from bluezone_node.ble.virtual import connect_control
from bluezone_node.control import ask
from bluezone_node.crypto.cose import public_bytes
from bluezone_node.venues.tags import AirTag, air_tag_of, slot_of, start_of, venue_keys
from tests.kiosks import market, venue_file
from tests.patience import PATIENCE
from tests.system.test_node_process import Stage
from tests.venues.places import ROOT

pytestmark = pytest.mark.slow

START = datetime(2026, 11, 22, 8, 10, tzinfo=UTC)
AT_LEISURE = 1.0
"""The pace while something is asked for: nobody is too late for it."""
HURRYING = 50.0
"""The pace while nothing is: for who is six seconds of the wall late, the place was silent for
five minutes, and the visit is over."""
SCENARIO = """\
start = 2026-11-22T08:10:00Z
[[devices]]
name = "kiosk"
path = [{ at = "0m", x = 0, y = 0 }]
[[devices]]
name = "wearable"
path = [
    { at = "1m", x = 900, y = 0 },
    { at = "2m", x = 2, y = 0 }, { at = "7m", x = 2, y = 0 },
    { at = "8m", x = 0.1, y = 0 }, { at = "10m", x = 0.1, y = 0 },
    { at = "11m", x = 900, y = 0 },
]
"""


class Market(Stage):
    async def open(self) -> None:
        scenario = self.folder / "market.toml"
        scenario.write_text(SCENARIO)
        log = str(self.folder / "air.jsonl")
        self.served = await self.start(
            "air", "serve", str(scenario), "--listen", self.address, "--log", log
        )
        assert self.served.stdout is not None
        async with asyncio.timeout(PATIENCE):
            assert await self.served.stdout.readline()
        settings = self.folder / "kiosk.toml"
        place = venue_file(self.folder / "venue.json", market())
        settings.write_text(f'[kiosk]\nvenue = "{place}"\n')
        await self.node("kiosk", BLUEZONE_CONFIG=str(settings))
        await self.node("wearable", BLUEZONE_CONFIG=str(self.visitor()))
        self.control = await connect_control(f"air:{self.address}")
        await self.on_air("kiosk")
        await self.on_air("wearable")

    async def until(self, minute: float) -> None:
        """Let time fly until so many minutes of the air have passed, for both nodes too."""
        await self.control.skip_to(START + timedelta(minutes=minute), HURRYING, AT_LEISURE)
        async with asyncio.timeout(PATIENCE):
            for name in ("kiosk", "wearable"):
                while await self.minute(name) < minute:  # noqa: ASYNC110 - another process
                    await asyncio.sleep(0.05)

    async def minute(self, name: str) -> float:
        """Return how many have passed for a node."""
        answer = await asyncio.to_thread(ask, self.folder / name, "status")
        now = datetime.fromisoformat(answer["now"]) if answer else START
        return (now - START) / timedelta(minutes=1)

    async def visit(self) -> dict[str, Any]:
        """Return the only visit that the wearable knows of, once it is over."""
        async with asyncio.timeout(PATIENCE):
            while True:
                told = json.loads(await self.tell("visit", "list", "--json"))["visits"]
                if told and all(each["left"] for each in told):
                    break
        (visit,) = told
        return visit  # type: ignore[no-any-return]

    async def end(self) -> None:
        await self.control.close()
        await super().end()

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


async def tapped(opened: Market) -> str:
    """Ask until the kiosk hears who is held against it."""
    async with asyncio.timeout(PATIENCE):
        while True:
            answer = await asyncio.to_thread(ask, opened.folder / "kiosk", "tap")
            if answer and answer["tap"]:
                return str(answer["tap"])


async def test_who_wears_a_node_has_been_to_the_market_and_taps_its_kiosk(opened: Market) -> None:
    """One visit with the right times, a tap while held up, and the right tags on the air."""
    await opened.until(4)
    assert await asyncio.to_thread(ask, opened.folder / "kiosk", "tap") == {
        "tap": "",
        "why": "no device is near enough",
    }
    await opened.until(9)
    assert len(await tapped(opened)) == 16
    await opened.until(17)
    status = await asyncio.to_thread(ask, opened.folder / "kiosk", "status")
    assert status is not None
    assert status["radio"]["announcing"]
    assert status["presence"] is None
    visit = await opened.visit()
    came, left = (datetime.fromisoformat(visit[name]) for name in ("came", "left"))
    assert START + timedelta(minutes=1) < came < START + timedelta(minutes=3)
    assert START + timedelta(minutes=14) < left < START + timedelta(minutes=17)
    opened.served.terminate()
    await opened.served.wait()

    keys = venue_keys(market().payload)
    lines = [json.loads(line) for line in (opened.folder / "air.jsonl").read_text().splitlines()]
    sent = [(line, decode(bytes.fromhex(line["payload"]))) for line in lines]
    tags = [(line, frame) for line, frame in sent if isinstance(frame, AirTag)]
    assert {line["device"] for line, _ in tags} == {"kiosk"}
    # Never before its quarter of an hour; how late, is the machine's.
    begun = {frame.tag: datetime.fromisoformat(line["start"]) for line, frame in tags}
    slots = range(slot_of(START), slot_of(START) + len(tags))
    assert [*begun] == [air_tag_of(keys, slot).tag for slot in slots]
    assert all(at >= start_of(slot) for at, slot in zip(begun.values(), slots, strict=True))
    assert len(tags) > 1
    assert len({line["address"] for line in lines}) == len(lines)
