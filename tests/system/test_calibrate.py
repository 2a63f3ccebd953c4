"""A weak peer on a simulated air, calibrated by real processes, and the judgement that follows."""

import asyncio
import base64
import json
import os
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bluezone_node.ble.virtual import AirControl, connect_control
from bluezone_node.control import ask
from bluezone_node.proximity.model import DiagnosisKey, ReportType
from bluezone_node.store.node import open_node_store
from tests.patience import PATIENCE
from tests.sources import SIGNING_KEY, signed_export

pytestmark = pytest.mark.slow

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
MOVED = START + timedelta(minutes=14)
MEASURING, HURRYING = 60.0, 600.0
PUBLIC_KEY = base64.b64encode(
    SIGNING_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
).decode()

ROOM = """\
start = 2026-03-02T01:00:00Z
pace = 5
[air]
shadowing_sd = 0
[[devices]]
name = "an"
path = [{ at = "0m", x = 0, y = 0 }]
# It tells 12 dBm, as its program has it, and radiates 4.
[[devices]]
name = "binh"
tx_power = 4
path = [{ at = "13m", x = 1, y = 0 }, { at = "14m", x = 2, y = 0 }]
"""


class Stage:
    """An air with two nodes, and commands beside the first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.air = f"air:{folder / 'a.sock'}"
        self._processes: list[asyncio.subprocess.Process] = []

    async def start(self, *words: str, config: str = os.devnull) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bluezone_node", *words),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "BLUEZONE_CONFIG": config},
        )
        self._processes.append(process)
        return process

    async def open(self) -> AirControl:
        room = self.folder / "room.toml"
        room.write_text(ROOM)
        air = await self.start("air", "serve", str(room), "--listen", str(self.folder / "a.sock"))
        assert air.stdout is not None
        assert await asyncio.wait_for(air.stdout.readline(), PATIENCE)
        for name in ("an", "binh"):
            await self.start("run", config=self.config(name))
        return await connect_control(self.air)

    def config(self, name: str, setting: str = "") -> str:
        path = self.folder / f"{name}{len(setting)}.toml"
        path.write_text(
            f'[node]\nstate_dir = "{self.folder / name}"\nradio = "{self.air}#{name}"\n{setting}'
        )
        return str(path)

    async def answer(self, name: str, question: str) -> dict[str, Any]:
        return await asyncio.to_thread(ask, self.folder / name, question) or {}

    async def peers_mark(self) -> str:
        """Wait until An hears Bình, and return Bình's mark."""
        async with asyncio.timeout(PATIENCE):
            while True:
                mark = (await self.answer("binh", "neighbours")).get("mark")
                near = (await self.answer("an", "neighbours")).get("near", [])
                if mark and mark in {each["mark"] for each in near}:
                    return str(mark)
                await asyncio.sleep(0.05)

    async def ask_an(self, *words: str, setting: str = "") -> dict[str, Any]:
        process = await self.start(*words, "--json", config=self.config("an", setting))
        out, err = await process.communicate()
        assert process.returncode == 0, err.decode()
        document: dict[str, Any] = json.loads(out)
        return document

    async def end(self) -> None:
        for process in self._processes:
            if process.returncode is None:
                process.kill()
            await process.communicate()


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    opened = Stage(tmp_path)
    yield opened
    await opened.end()


async def until(stream: asyncio.StreamReader | None, said: str) -> None:
    assert stream is not None
    await asyncio.wait_for(stream.readuntil(said.encode()), PATIENCE)


async def test_a_weak_peer_is_calibrated_and_judged_nearer(stage: Stage) -> None:
    """At 1 m, carried, at 2 m: 8 dB are found, stored, told, and count for what was heard."""
    control = await stage.open()
    mark = await stage.peers_mark()
    calibrate = await stage.start(
        *("calibrate", "--with", mark, "--minutes", "4", "--json"), config=stage.config("an")
    )
    assert calibrate.stdin is not None
    assert calibrate.stdout is not None
    await until(calibrate.stderr, "when done:")
    await control.set_pace(MEASURING)
    calibrate.stdin.write(b"\n")
    await until(calibrate.stderr, "when done:")
    await control.skip_to(MOVED, HURRYING, MEASURING)
    while control.clock.now() < MOVED:
        await control.clock.sleep(10)
    calibrate.stdin.write(b"\n")
    document = json.loads(await asyncio.wait_for(calibrate.stdout.read(), PATIENCE))
    assert await calibrate.wait() == 0

    found = document["calibration"]
    assert found["offset"] == pytest.approx(8, abs=1)
    assert document["peer_radiates"] == pytest.approx(4, abs=1)
    assert found["radio"] == f"{stage.air}#an"
    assert MOVED < datetime.fromisoformat(found["made"]) < MOVED + timedelta(hours=1)
    assert (await stage.ask_an("status"))["receiver"]["offset"] == found["offset"]

    without = await minutes_within_2m(stage, "rx_offset = 0.0\n")
    assert await minutes_within_2m(stage) > max(without + 2, 8)
    await control.close()


async def minutes_within_2m(stage: Stage, setting: str = "") -> float:
    """Publish Bình's key, and return what An is told of Bình; 0 where there is no alert."""
    export = stage.folder / "1.zip"
    if not export.exists():
        with open_node_store(stage.folder / "binh" / "node.db") as store:
            keys = [
                DiagnosisKey(
                    own.key,
                    own.rolling_start,
                    own.rolling_period,
                    ReportType.CONFIRMED_TEST,
                    days_since_onset=0,
                )
                for own in store.own_keys()
            ]
        export.write_bytes(signed_export(keys, end=MOVED + timedelta(hours=1)))
    await stage.ask_an(
        *("keys", "import", str(export), "--public-key", PUBLIC_KEY), setting=setting
    )
    stored = (await stage.ask_an("alerts", "list"))["alerts"]
    return sum(float(told["alert"]["nearness"]["within_2m"]["value"]) for told in stored)
