"""Sightings on their way from the radio that made them to whoever hears with it."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from bluezone_node.errors import RadioUnavailable
from bluezone_node.ports import HeardFrame


class Inbox:
    """Holds sightings in order until they are heard, then says how it ended."""

    def __init__(self) -> None:
        self._sightings: deque[HeardFrame] = deque()
        self._changed = asyncio.Event()
        self._closed = False
        self._gone: RadioUnavailable | None = None

    def put(self, sighting: HeardFrame) -> None:
        self._sightings.append(sighting)
        self._changed.set()

    def close(self) -> None:
        """No more will come: its owner closed the radio."""
        self._closed = True
        self._changed.set()

    def fail(self, gone: RadioUnavailable) -> None:
        """No more will come: the radio is gone."""
        self._gone = gone
        self._changed.set()

    async def hear(self) -> AsyncIterator[HeardFrame]:
        """Yield what was put in; end quietly where it was closed.

        Raises:
            RadioUnavailable: as given to `fail`.
        """
        while True:
            while self._sightings:
                yield self._sightings.popleft()
            if self._closed:
                return
            if self._gone is not None:
                raise self._gone
            self._changed.clear()
            await self._changed.wait()
