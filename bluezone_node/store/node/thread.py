"""One thread for all database work: a SQLite connection belongs to the thread that made it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from bluezone_node.ports import NodeStore, Result
from bluezone_node.store.node.store import SqliteNodeStore, open_node_store


class StoreThread:
    """An OnStore: runs work on the store one piece after another, off the event loop.

        async with StoreThread(path) as on_store:
            await on_store(lambda store: store.log(encounters, scans))

    An iterator of the store that work returns may be advanced only by other such work.
    """

    def __init__(self, path: Path, secret: bytes | None = None) -> None:
        self._path = path
        self._secret = secret
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._store: SqliteNodeStore

    async def __aenter__(self) -> Self:
        try:
            self._store = await self._run(lambda: open_node_store(self._path, self._secret))
        except BaseException:
            self._thread.shutdown(wait=False)
            raise
        return self

    async def __call__(self, work: Callable[[NodeStore], Result]) -> Result:
        return await self._run(lambda: work(self._store))

    async def close(self) -> None:
        """Finish the work under way and close the database."""
        await self._run(self._store.close)
        self._thread.shutdown(wait=False)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def _run(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
