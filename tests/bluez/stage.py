"""Where a test meets the played BlueZ: private buses, and a process that plays on them.

    async with playing(tmp_path) as stage:
        await stage.host("an", hci0="legacy")
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", stage.bus("an"))

Skips the test where there is no dbus-daemon or no dbus-next.
"""

import asyncio
import atexit
import functools
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.patience import PATIENCE

_ROOT = Path(__file__).resolve().parents[2]
_CONFIG = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/>
  </policy>
</busconfig>
"""


@dataclass(frozen=True, slots=True)
class Sent:
    """One payload that was on the air under one address."""

    address: str
    payload: bytes
    start: float
    """Seconds of CLOCK_MONOTONIC, as ``time.monotonic()`` gives them here too."""
    end: float | None
    """None: still on the air."""
    packets: int


class Stage:
    def __init__(
        self, folder: Path, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._folder = folder
        self._reader = reader
        self._writer = writer
        self._turn = asyncio.Lock()
        self._buses: dict[str, asyncio.subprocess.Process] = {}

    async def host(
        self,
        name: str,
        version: str = "5.66",
        experimental: bool = False,
        le_only: bool = False,
        restart: float = 10.24,
        **adapters: str,
    ) -> str:
        """Start a bus with BlueZ and *adapters* (``hci0="legacy"``); return the bus's address.

        *le_only*: they have no BR/EDR; *restart*: wall seconds that a scan of the kernel lasts.
        """
        await self.start_bus(name)
        await self(
            "host",
            host=name,
            bus=self.bus(name),
            version=version,
            experimental=experimental,
            le_only=le_only,
            restart=restart,
            adapters=adapters,
        )
        return self.bus(name)

    async def __call__(self, op: str, **arguments: Any) -> Any:
        """Ask the world for *op*: see ``world.World``."""
        async with self._turn, asyncio.timeout(PATIENCE):
            self._writer.write(json.dumps({"op": op, **arguments}).encode() + b"\n")
            line = await self._reader.readline()
        if not line:
            raise RuntimeError("the process that plays BlueZ is gone")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(f"{op}: {answer['error']}")
        return answer["done"]

    def bus(self, host: str) -> str:
        return f"unix:path={self._folder / host}.bus"

    async def kill_bus(self, host: str) -> None:
        """End a bus, and with it the bluetoothd on it."""
        process = self._buses.pop(host)
        process.kill()
        await process.wait()

    async def start_bus(self, host: str) -> None:
        """Start a bus, also again at its old address; bluetoothd needs a ``rise`` then."""
        socket = self._folder / f"{host}.bus"
        socket.unlink(missing_ok=True)
        config = self._folder / f"{host}.conf"
        config.write_text(_CONFIG.format(socket=socket))
        self._buses[host] = process = await asyncio.create_subprocess_exec(
            *("dbus-daemon", "--nofork", "--print-address", f"--config-file={config}"),
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        assert await asyncio.wait_for(process.stdout.readline(), PATIENCE)

    async def sent(self, sender: str) -> list[Sent]:
        """Return all that *sender* ever had on the air, oldest first."""
        return [
            Sent(
                each["address"],
                bytes.fromhex(each["payload"]),
                each["start"],
                each["end"],
                each["packets"],
            )
            for each in await self("log", sender=sender)
        ]

    async def until_sent(
        self, sender: str, fits: Callable[[list[Sent]], bool], patience: float = PATIENCE
    ) -> list[Sent]:
        """Wait until what *sender* had on the air fits, and return it."""
        async with asyncio.timeout(patience):
            while not fits(sent := await self.sent(sender)):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.02)
        return sent

    async def more(self, sender: str, packets: int = 10) -> None:
        """Wait until *sender* has sent so many packets more."""

        def count(sent: list[Sent]) -> int:
            return sum(each.packets for each in sent)

        before = count(await self.sent(sender))
        await self.until_sent(sender, lambda sent: count(sent) >= before + packets)

    async def calls(self, host: str, *members: str) -> list[str]:
        """Return the *members* (all where none is named) that were called, oldest first."""
        named = [call["member"] for call in await self("calls", host=host)]
        return [member for member in named if not members or member in members]

    async def until(
        self, adapter: str, fits: Callable[[dict[str, Any]], bool], patience: float = PATIENCE
    ) -> dict[str, Any]:
        """Wait until the state of *adapter* fits, and return it."""
        async with asyncio.timeout(patience):
            while not fits(state := await self("state", adapter=adapter)):  # noqa: ASYNC110 - in another process
                await asyncio.sleep(0.02)
        return state  # type: ignore[no-any-return]

    async def end(self) -> None:
        self._writer.close()
        await self._reader.read()
        for host in list(self._buses):
            await self.kill_bus(host)


@asynccontextmanager
async def playing(folder: Path) -> AsyncIterator[Stage]:
    """Have a world to play in, or skip the test with the reason why not."""
    reader, writer = await asyncio.open_unix_connection(_world(), limit=1 << 24)
    stage = Stage(folder, reader, writer)
    try:
        yield stage
    finally:
        await stage.end()


def _world() -> Path:
    """Return the socket of the one process that plays all worlds of this run."""
    if _skipped():
        pytest.skip(_skipped())
    if _started and _started[-1].process.poll() is None:
        return _started[-1].socket
    _started.append(_Process())
    atexit.register(_started[-1].end)
    return _started[-1].socket


class _Process:
    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="bluez-")
        self.socket = Path(self.folder.name) / "world"
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.bluez.world", self.socket],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def end(self) -> None:
        self.process.communicate(timeout=PATIENCE)
        self.folder.cleanup()


_started: list[_Process] = []


@functools.cache
def _skipped() -> str:
    """Say why BlueZ cannot be played here; empty: it can."""
    if shutil.which("dbus-daemon") is None:
        return "dbus-daemon is not installed"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", "import dbus_next.aio"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        return f"dbus-next cannot be imported: {done.stderr.strip().splitlines()[-1]}"
    return ""


async def host(stage: Stage, monkeypatch: pytest.MonkeyPatch, **options: object) -> None:
    """Start the machine *an* (one strict chip where *options* say nothing else), and be on it."""
    address = await stage.host("an", **({"hci0": "legacy"} | options))  # type: ignore[arg-type]
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
