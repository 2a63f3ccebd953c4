"""The authority as a process of its own, for tests that look at it from outside."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bluezone_node.store.authority.folder import AuthorityFolder
from tests.patience import PATIENCE

PROGRAM = "from bluezone_node.commands import main; main()"


@dataclass
class Running:
    """A server, and what it wrote to its standard error."""

    url: str
    process: asyncio.subprocess.Process

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    async def stopped(self) -> str:
        """Return, once it has ended well, what it said."""
        async with asyncio.timeout(PATIENCE):
            _, said = await self.process.communicate()
        assert self.process.returncode == 0, said
        assert b"Traceback" not in said
        return said.decode()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    async def refusing(self) -> None:
        """Wait until it takes no new connection."""
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except ConnectionRefusedError:
                    return
                writer.close()
                await asyncio.sleep(0.02)


@asynccontextmanager
async def running(
    folder: AuthorityFolder, *options: str, first: str = "", **environ: str
) -> AsyncIterator[Running]:
    """Serve *folder* on a port of the kernel's choice; it is killed if the test leaves it alive.

    *first*: what the program does before.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-c", f"{first}\n{PROGRAM}", "authority", "serve"),
        *("--dir", str(folder.path), "--listen", "127.0.0.1:0", "--json", *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "BLUEZONE_CONFIG": os.devnull, **environ},
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            line = await process.stdout.readline()
        yield Running(json.loads(line)["listening"], process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
