"""The daemon as a process: started, asked, stopped, started twice, and deserted."""

import asyncio
import json
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bluezone_node.control import ask
from tests.patience import PATIENCE

pytestmark = pytest.mark.slow

STOPPED_WITHIN = 15.0
"""Seconds after which systemd would kill it (TimeoutStopSec); it takes one or two."""

SCENARIO = """\
start = 2026-03-02T01:00:00Z
pace = 30
[[devices]]
name = "an"
path = [{ at = "0m", x = 0, y = 0 }]
[[devices]]
name = "binh"
path = [{ at = "0m", x = 1, y = 0 }]
"""


class Stage:
    """An air, and nodes on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[asyncio.subprocess.Process] = []

    async def start(self, *arguments: str, **environment: str) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bluezone_node", *arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "BLUEZONE_CONFIG": os.devnull, **environment},
        )
        self.processes.append(process)
        return process

    async def air(self) -> asyncio.subprocess.Process:
        scenario = self.folder / "two.toml"
        scenario.write_text(SCENARIO)
        process = await self.start("air", "serve", str(scenario), "--listen", self.address)
        assert process.stdout is not None
        assert await asyncio.wait_for(process.stdout.readline(), PATIENCE)
        return process

    async def node(self, name: str, **environment: str) -> asyncio.subprocess.Process:
        return await self.start(
            *("run", "--radio", f"air:{self.address}#{name}"),
            BLUEZONE_STATE_DIR=str(self.folder / name),
            **environment,
        )

    @property
    def address(self) -> str:
        return str(self.folder / "a.sock")

    async def on_air(self, name: str, heard: int = 0) -> None:
        """Wait until a node advertises, and has heard so many frames."""
        async with asyncio.timeout(PATIENCE):
            while True:
                answer = await asyncio.to_thread(ask, self.folder / name, "status")
                if answer and answer["radio"]["advertising"] and answer["radio"]["heard"] >= heard:
                    return
                await asyncio.sleep(0.05)

    async def end(self) -> None:
        for process in self.processes:
            if process.returncode is None:
                process.kill()
            await process.communicate()


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    await stage.end()


async def test_a_node_that_is_told_to_stop_stops_cleanly(stage: Stage) -> None:
    """Exit status 0, the socket gone, and the minute under way written down."""
    await stage.air()
    an = await stage.node("an")
    await stage.node("binh")
    await stage.on_air("an", heard=5)
    began = time.monotonic()
    an.send_signal(signal.SIGTERM)
    await asyncio.wait_for(an.wait(), PATIENCE)

    assert time.monotonic() - began < STOPPED_WITHIN
    assert an.returncode == 0
    assert not (stage.folder / "an" / "control.sock").exists()

    listed = await stage.start("encounters", "--json", BLUEZONE_STATE_DIR=str(stage.folder / "an"))
    out, _ = await listed.communicate()
    assert json.loads(out)["encounters"]


async def test_ctrl_c_is_as_good_as_sigterm(stage: Stage) -> None:
    """No traceback, exit status 0."""
    await stage.air()
    an = await stage.node("an")
    await stage.on_air("an")
    an.send_signal(signal.SIGINT)
    _, err = await asyncio.wait_for(an.communicate(), PATIENCE)

    assert an.returncode == 0
    assert b"Traceback" not in err


async def test_a_second_daemon_on_one_database_is_refused(stage: Stage) -> None:
    """It says which database is in use, and leaves the first alone."""
    await stage.air()
    await stage.node("an")
    await stage.on_air("an")
    second = await stage.start(
        *("run", "--radio", f"air:{stage.address}#binh"),
        BLUEZONE_STATE_DIR=str(stage.folder / "an"),
    )
    _, err = await asyncio.wait_for(second.communicate(), PATIENCE)

    assert second.returncode == 1
    assert b"another node" in err
    assert str(stage.folder / "an").encode() in err
    await stage.on_air("an")


async def test_nothing_is_erased_under_a_running_node(stage: Stage) -> None:
    """It would write its last minute again."""
    await stage.air()
    await stage.node("an")
    await stage.on_air("an")
    erase = await stage.start("erase", "--yes", BLUEZONE_STATE_DIR=str(stage.folder / "an"))
    _, err = await asyncio.wait_for(erase.communicate(), PATIENCE)

    assert erase.returncode == 1
    assert b"another node" in err


async def test_a_node_whose_radio_is_gone_says_so_and_ends(stage: Stage) -> None:
    """One sentence, and the exit status by which the unit knows that the radio is to be mended."""
    air = await stage.air()
    an = await stage.node("an")
    await stage.on_air("an")
    air.kill()
    _, err = await asyncio.wait_for(an.communicate(), PATIENCE)

    assert an.returncode == os.EX_UNAVAILABLE
    assert b"error: the air is gone" in err
    assert b"Traceback" not in err


async def test_the_service_manager_is_told_ready_alive_and_stopping(stage: Stage) -> None:
    """READY once the first identifier is on the air, WATCHDOG from work done, STOPPING at last."""
    await stage.air()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(stage.folder / "n.sock"))
        manager.settimeout(PATIENCE)
        an = await stage.node("an", NOTIFY_SOCKET=str(stage.folder / "n.sock"))
        told = [(await asyncio.to_thread(manager.recv, 100)).decode() for _ in range(3)]
        an.terminate()
        await asyncio.wait_for(an.wait(), PATIENCE)
        while told[-1] == "WATCHDOG=1":
            told.append((await asyncio.to_thread(manager.recv, 100)).decode())

    assert told[0] == "READY=1"
    assert "WATCHDOG=1" in told
    assert told[-1] == "STOPPING=1"


async def test_a_killed_node_starts_again_with_what_it_had(stage: Stage) -> None:
    """The same key is in use, the lock and the socket of the dead one are no obstacle."""
    await stage.air()
    an = await stage.node("an")
    await stage.on_air("an")
    before = await keys_of(stage, "an")
    an.kill()
    await an.wait()
    await stage.node("an")
    await stage.on_air("an")

    assert await keys_of(stage, "an") == before == 1


async def keys_of(stage: Stage, name: str) -> int:
    status = await stage.start("status", "--json", BLUEZONE_STATE_DIR=str(stage.folder / name))
    out, _ = await status.communicate()
    count: int = json.loads(out)["own_keys"]
    return count
