"""Two nodes, as one runs them, on two machines with a played BlueZ each."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bluezone_node.control import ask
from tests.bluez.stage import Stage, playing
from tests.patience import PATIENCE

pytestmark = pytest.mark.slow


def trusting(folder: Path) -> Path:
    """Return settings that vouch for the clock, whatever this machine knows of it."""
    config = folder / "config.toml"
    config.write_text('[node]\ntime = "trusted"\n')
    return config


@asynccontextmanager
async def node(stage: Stage, folder: Path, name: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bluezone_node", "run", "--radio", "bluez:hci0"),
        stderr=asyncio.subprocess.PIPE,
        env={
            **os.environ,
            "BLUEZONE_CONFIG": str(trusting(folder)),
            "BLUEZONE_STATE_DIR": str(folder / name),
            "DBUS_SYSTEM_BUS_ADDRESS": stage.bus(name),
        },
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.communicate(), PATIENCE)


async def until_heard(folder: Path, more: int = 1) -> dict[str, Any]:
    """Wait until the node of *folder* has heard *more* than now; return its radio's status."""
    heard = None
    async with asyncio.timeout(PATIENCE):
        while True:
            answer = await asyncio.to_thread(ask, folder, "status")
            if answer is not None:
                radio: dict[str, Any] = answer["radio"]
                heard = radio["heard"] if heard is None else heard
                if radio["advertising"] and radio["heard"] >= heard + more:
                    return radio
            await asyncio.sleep(0.2)


async def test_two_nodes_meet_and_one_loses_its_bluetoothd(tmp_path: Path) -> None:
    """They hear each other on chips of Bluetooth 4 and 5, and again after a restart of bluetoothd;
    one that is stopped leaves nothing on the air, and its neighbour knows of an encounter."""
    async with AsyncExitStack() as stack:
        stage = await stack.enter_async_context(playing(tmp_path))
        await stage.host("an", hci0="legacy")
        await stage.host("binh", hci0="ext", experimental=True)
        await stage("level", sender="an/hci0", receiver="binh/hci0", dbm=-70, spread=3)
        an = await stack.enter_async_context(node(stage, tmp_path, "an"))
        await stack.enter_async_context(node(stage, tmp_path, "binh"))
        assert "in bursts" in (await until_heard(tmp_path / "an"))["detail"]
        assert "with a monitor" in (await until_heard(tmp_path / "binh", 10))["detail"]

        await stage("rise", host="an")
        await until_heard(tmp_path / "an")
        await until_heard(tmp_path / "binh")

        an.terminate()
        _, err = await asyncio.wait_for(an.communicate(), PATIENCE)
        assert an.returncode == 0, err
        assert b"Traceback" not in err
        for sent in await stage.sent("an/hci0"):
            assert sent.end is not None
            assert len(sent.payload) == 28
            assert int(sent.address[:2], 16) >> 6 == 0
    listed = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bluezone_node", "encounters", "--json"),
        stdout=asyncio.subprocess.PIPE,
        env={
            **os.environ,
            "BLUEZONE_CONFIG": os.devnull,
            "BLUEZONE_STATE_DIR": str(tmp_path / "binh"),
        },
    )
    out, _ = await listed.communicate()
    assert json.loads(out)["encounters"]


async def test_a_node_whose_bus_is_gone_ends_with_the_status_for_it(tmp_path: Path) -> None:
    """69 (EX_UNAVAILABLE), by which the unit knows that the radio is to be mended."""
    async with playing(tmp_path) as stage:
        await stage.host("an", hci0="legacy")
        async with node(stage, tmp_path, "an") as an:
            await stage.until("an/hci0", lambda state: state["advertisements"] == 1)
            await stage.kill_bus("an")
            _, err = await asyncio.wait_for(an.communicate(), PATIENCE)
            assert an.returncode == os.EX_UNAVAILABLE
            assert b"D-Bus" in err
