"""The daemon as a process with a watchdog: fed while it works, starved when it is stuck."""

import asyncio
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bluezone_node.node.supervisor import LONGEST_TURN, LOOK_EVERY
from tests.patience import PATIENCE
from tests.system.test_node_process import Stage

pytestmark = pytest.mark.slow

PACE = 30.0
"""Simulated seconds in a second, as in the stage's scenario."""

SEVERAL_LOOKS = 6 * LOOK_EVERY / PACE
"""Wall seconds in which a healthy node feeds the watchdog about six times."""

HANGS_WHEN_TOLD = """
import signal, threading
from bluezone_node.commands import main
from bluezone_node.store.node.store import SqliteNodeStore

hang = threading.Event()
log = SqliteNodeStore.log

def log_or_hang(store, encounters, scans):
    if hang.is_set():
        threading.Event().wait()
    log(store, encounters, scans)

SqliteNodeStore.log = log_or_hang
signal.signal(signal.SIGUSR1, lambda *_: hang.set())
main()
"""
"""The program on a card that stops answering in the middle of a write."""


class Manager:
    """A service manager's end of the notification socket."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))

    async def told(self, state: str) -> None:
        """Wait until it is told *state*."""
        async with asyncio.timeout(PATIENCE):
            while await self._next(PATIENCE) != state:
                pass

    async def starved(self, within: float) -> bool:
        """Whether, at the latest after that many seconds, the watchdog is fed no more."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within
        while loop.time() < deadline:
            if await self._next(SEVERAL_LOOKS) is None:
                return True
        return False

    async def _next(self, patience: float) -> str | None:
        self._socket.settimeout(patience)
        try:
            return (await asyncio.to_thread(self._socket.recv, 100)).decode()
        except TimeoutError:
            return None

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    manager = Manager(tmp_path / "n.sock")
    yield manager
    manager.close()


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    await stage.end()


async def test_a_node_that_is_frozen_starves_the_watchdog(stage: Stage, manager: Manager) -> None:
    """And feeds it again when it goes on."""
    await stage.air()
    an = await stage.node("an", NOTIFY_SOCKET=str(manager.path))
    await manager.told("READY=1")
    for _ in range(6):
        await manager.told("WATCHDOG=1")

    an.send_signal(signal.SIGSTOP)
    assert await manager.starved(PATIENCE)

    an.send_signal(signal.SIGCONT)
    await manager.told("WATCHDOG=1")


async def test_a_node_whose_card_hangs_starves_the_watchdog(stage: Stage, manager: Manager) -> None:
    """Its loop goes on and its radio is well: it is the minute that is not written."""
    await stage.air()
    an = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HANGS_WHEN_TOLD, "run", "--radio", f"air:{stage.address}#an"),
        env={
            "BLUEZONE_CONFIG": "/dev/null",
            "BLUEZONE_STATE_DIR": str(stage.folder / "an"),
            "NOTIFY_SOCKET": str(manager.path),
        },
    )
    stage.processes.append(an)
    await manager.told("WATCHDOG=1")
    an.send_signal(signal.SIGUSR1)

    assert await manager.starved(LONGEST_TURN / PACE + PATIENCE)
    await stage.on_air("an")
