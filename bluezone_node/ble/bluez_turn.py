"""Who uses the adapter just now: it listens, or it changes what is on the air, never both.

A chip of Bluetooth 4 that obeys the letter of the specification refuses a new random address
while it scans; the old advertisement is gone by then, and the node is silent.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turn:
    """Taken patiently by listening, which gives way when somebody is in a hurry."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._in_a_hurry = 0
        self._wanted = asyncio.Event()

    @asynccontextmanager
    async def patient(self) -> AsyncIterator[None]:
        async with self._lock:
            yield

    @asynccontextmanager
    async def urgent(self) -> AsyncIterator[None]:
        self._in_a_hurry += 1
        self._wanted.set()
        try:
            async with self._lock:
                yield
        finally:
            self._in_a_hurry -= 1
            if not self._in_a_hurry:
                self._wanted.clear()

    async def wanted(self) -> None:
        """Return when somebody in a hurry waits for the turn."""
        await self._wanted.wait()
