"""Forget: what is older than fourteen days is erased, not hidden; visits after 21 days.

The names of private visits go when these are over.
"""

import logging
from datetime import datetime

from bluezone_node.errors import DatabaseUnusable
from bluezone_node.intervals import RETENTION
from bluezone_node.node.checkin import settle_visits
from bluezone_node.ports import Clock, OnStore

log = logging.getLogger(__name__)

FORGET_EVERY = 3600.0
"""Seconds between rounds: a due row outlives its day by an hour at most."""


class Retention:
    """Erases what is due, every hour."""

    def __init__(self, clock: Clock, on_store: OnStore) -> None:
        self._clock = clock
        self._on_store = on_store
        self.last_run: datetime | None = None

    async def run(self) -> None:
        """To be started when the time is known: by a wrong one, everything may look due."""
        while True:
            await self.forget()
            await self._clock.sleep(FORGET_EVERY)

    async def forget(self) -> None:
        now = self._clock.now()
        before = now - RETENTION
        try:
            await self._on_store(lambda store: settle_visits(store, now))
            removed = await self._on_store(lambda store: store.forget(before))
        except DatabaseUnusable as error:
            log.error("old data could not be erased and will be tried again: %s", error)
            return
        self.last_run = self._clock.now()
        if removed:
            log.info("erased %d rows older than fourteen days", removed)
