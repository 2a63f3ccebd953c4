"""Forget: what is older than fourteen days is erased, not hidden."""

import logging
from datetime import datetime, timedelta

from bluezone_node.errors import DatabaseUnusable
from bluezone_node.intervals import RETENTION
from bluezone_node.node.timekeeper import Timekeeper
from bluezone_node.ports import Clock, OnStore

log = logging.getLogger(__name__)

FORGET_EVERY = 3600.0
"""Seconds between rounds: a due row outlives its day by an hour at most."""

FAMILIAR = timedelta(days=1)
"""A clock that stands within this of the last minute logged is the one that logged it."""


class Retention:
    """Erases what is due, every hour."""

    def __init__(self, clock: Clock, on_store: OnStore, timekeeper: Timekeeper) -> None:
        self._clock = clock
        self._on_store = on_store
        self._timekeeper = timekeeper
        self.last_run: datetime | None = None

    async def run(self) -> None:
        if await self._familiar():
            await self.forget()
        while True:
            await self._clock.sleep(FORGET_EVERY)
            if self._timekeeper.settled():
                await self.forget()

    async def _familiar(self) -> bool:
        """Whether the log ends about now.

        A Raspberry Pi that was off does not know the time at first: what it has may look weeks
        old until the time server answers. An hour later the clock is believed all the same.
        """
        now = self._clock.now()
        return bool(await self._on_store(lambda store: store.scans(now - FAMILIAR, now)))

    async def forget(self) -> None:
        before = self._clock.now() - RETENTION
        try:
            removed = await self._on_store(lambda store: store.forget(before))
        except DatabaseUnusable as error:
            log.error("old data could not be erased and will be tried again: %s", error)
            return
        self.last_run = self._clock.now()
        if removed:
            log.info("erased %d rows older than fourteen days", removed)
