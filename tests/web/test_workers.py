"""Several workers under a parent: replaced when they die or fall silent, ended all together.

The workers are small programs with the real worker's end of the channel.
"""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bluezone_node.errors import BadConfig
from bluezone_node.web import server
from bluezone_node.web.workers import Workers
from tests.patience import PATIENCE

WORKER = """
import asyncio, os, sys
from pathlib import Path
from bluezone_node.web import server
from bluezone_node.web.worker import this_worker

async def main():
    stop, worker = server.stop_on_signals(), this_worker()
    Path(sys.argv[1], f"{worker.part}-{os.getpid()}").touch()
    with worker.bound:
        living = asyncio.create_task(worker.live(stop))
        await stop.wait()
        living.cancel()
        await asyncio.wait([living])
    Path(sys.argv[1], f"ended-{os.getpid()}").touch()

asyncio.run(main())
"""


@dataclass
class Staff:
    """Workers at work, and what was heard of them."""

    folder: Path
    running: asyncio.Task[None]
    stop: asyncio.Event
    reload: asyncio.Event
    heard: asyncio.Queue[str] = field(default_factory=asyncio.Queue)

    def pids(self, part: str = "serving") -> set[int]:
        return {int(path.name.partition("-")[2]) for path in self.folder.glob(f"{part}-*")}


async def until(true: Callable[[], object]) -> None:
    """Wait for what other processes do."""
    async with asyncio.timeout(PATIENCE):
        while not true():  # noqa: ASYNC110 - nothing here tells us
            await asyncio.sleep(0.02)


@asynccontextmanager
async def at_work(
    folder: Path, count: int = 2, patience: float = PATIENCE, code: str = WORKER
) -> AsyncIterator[Staff]:
    """Run workers; yield when all are ready, and stop them."""
    stop, reload, ready = asyncio.Event(), asyncio.Event(), asyncio.Event()
    heard: asyncio.Queue[str] = asyncio.Queue()
    with server.bind("127.0.0.1:0") as bound:
        workers = Workers(count, bound, ["-c", code, str(folder)], os.environ, patience)
        running = asyncio.create_task(
            workers.run(
                ready=ready.set,
                alive=lambda: heard.put_nowait("alive"),
                stop=stop,
                reload=reload,
            )
        )
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait((running, waiting), return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        try:
            yield Staff(folder, running, stop, reload, heard)
        finally:
            stop.set()
            await running


@pytest.mark.slow
async def test_all_work_before_it_is_ready_and_all_end(tmp_path: Path) -> None:
    """Two that serve and one for the rounds; told to stop, each ends by itself."""
    async with at_work(tmp_path) as staff:
        assert len(staff.pids()) == 2
        assert len(staff.pids("rounds")) == 1
        async with asyncio.timeout(PATIENCE):
            assert await staff.heard.get() == "alive"
    assert staff.pids("ended") == staff.pids() | staff.pids("rounds")


@pytest.mark.slow
async def test_a_worker_that_died_is_replaced(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """After a pause, and the one beside it goes on."""
    async with at_work(tmp_path) as staff:
        killed = min(staff.pids())
        os.kill(killed, signal.SIGKILL)
        await until(lambda: len(staff.pids()) == 3)
        pids = staff.pids()
    assert "a worker (serving) ended with status -9; another starts in 1 s" in caplog.messages
    assert staff.pids("ended") == (pids | staff.pids("rounds")) - {killed}


@pytest.mark.slow
async def test_a_worker_that_fell_silent_is_killed_and_replaced(tmp_path: Path) -> None:
    """One whose loop stands still answers nobody, though its process is there."""
    async with at_work(tmp_path, count=1, patience=8.0) as staff:
        (silent,) = staff.pids()
        os.kill(silent, signal.SIGSTOP)
        await until(lambda: len(staff.pids()) == 2)
    assert silent not in staff.pids("ended")


@pytest.mark.slow
async def test_all_are_replaced_one_by_one(tmp_path: Path) -> None:
    """The new one works before the old one is told to end; the rounds come last."""
    async with at_work(tmp_path) as staff:
        old = staff.pids() | staff.pids("rounds")
        staff.reload.set()
        await until(lambda: old <= staff.pids("ended"))
        assert len(staff.pids()) == 4
        assert len(staff.pids("rounds")) == 2


@pytest.mark.slow
async def test_those_that_were_replaced_are_waited_for(tmp_path: Path) -> None:
    """Told to stop meanwhile, the parent does not end before what the old one has under way."""
    busy = WORKER.replace(
        "        await stop.wait()\n",
        "        busy = not Path(sys.argv[1], 'idle').exists()\n"
        "        await stop.wait()\n"
        "        Path(sys.argv[1], f'told-{os.getpid()}').touch()\n"
        "        await asyncio.sleep(2 * busy)\n",
    )
    async with at_work(tmp_path, count=1, code=busy) as staff:
        old = staff.pids() | staff.pids("rounds")
        (tmp_path / "idle").touch()
        staff.reload.set()
        await until(lambda: old <= staff.pids("told"))
    assert staff.pids("ended") == staff.pids() | staff.pids("rounds")


@pytest.mark.slow
async def test_a_replacement_that_does_not_work_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A setting that was broken meanwhile must not take the service away."""
    broken = "import sys, os\nif os.path.exists(sys.argv[1] + '/broken'): sys.exit(1)\n" + WORKER
    async with at_work(tmp_path, code=broken) as staff:
        (tmp_path / "broken").touch()
        staff.reload.set()
        await until(lambda: "The others stay as they are" in caplog.text)
        assert not staff.pids("ended")
        assert len(staff.pids()) == 2


async def test_workers_that_never_work_are_an_error(tmp_path: Path) -> None:
    """Not a reason to start them again for ever: the service manager is told."""
    with pytest.raises(BadConfig, match="ended before it could serve"):
        async with at_work(tmp_path, code="raise SystemExit(1)"):
            pass


@pytest.mark.slow
async def test_workers_end_when_their_parent_is_gone(tmp_path: Path) -> None:
    """However it died: their channel tells them, and nothing serves on unwatched."""
    ours, theirs = socket.socketpair()
    with server.bind("127.0.0.1:0") as bound, theirs:
        passed = (theirs.fileno(), bound.fileno())
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", WORKER, str(tmp_path)),
            env={**os.environ, "BLUEZONE_WORKER": f"serving:{passed[0]}:{passed[1]}"},
            pass_fds=passed,
        )
    with ours:
        assert await asyncio.to_thread(ours.recv, 1) == b"."
    async with asyncio.timeout(PATIENCE):
        assert await process.wait() == 0
    await until(lambda: list(tmp_path.glob("ended-*")))
