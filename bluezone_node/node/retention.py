"""Forget: what is older than fourteen days is erased, not hidden; visits after 21 days.

The names of private visits go when these are over.
"""

import logging
from datetime import datetime

from bluezone_node.errors import DatabaseUnusable
from bluezone_node.intervals import RETENTION
from bluezone_node.node.checkin import settle_visits
from bluezone_node.ports import Clock, NodeStore, OnStore
from bluezone_node.venues.visits import settle

log = logging.getLogger(__name__)

FORGET_EVERY = 3600.0
"""Seconds between rounds: a due row outlives its day by an hour at most."""
LOOK_EVERY = 60.0
"""Seconds between looks at private visits, which other processes begin and change, too."""


class Retention:
    """Erases what is due, every hour; the name of a private visit within a minute of its end."""

    def __init__(self, clock: Clock, on_store: OnStore) -> None:
        self._clock = clock
        self._on_store = on_store
        self.last_run: datetime | None = None

    async def run(self) -> None:
        """To be started when the time is known: by a wrong one, everything may look due."""
        while True:
            await self.forget()
            for _ in range(int(FORGET_EVERY / LOOK_EVERY)):
                await self._clock.sleep(LOOK_EVERY)
                await self.drop_names()

    async def drop_names(self) -> None:
        """Take off the names of private visits that are over by now."""
        now = self._clock.now()
        try:
            await self._on_store(lambda store: _settle_private(store, now))
        except DatabaseUnusable as error:
            log.error("a private visit may keep its name, which will be tried again: %s", error)

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


def _settle_private(store: NodeStore, now: datetime) -> None:
    visits = [entry.visit for entry in store.visits()]
    # Mostly there is none, and then nothing is written.
    if any(visit.private and settle(visit, now) != visit for visit in visits):
        settle_visits(store, now)
