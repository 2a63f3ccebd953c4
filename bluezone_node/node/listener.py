"""Hear who is near: sightings are folded each minute and written in one batch."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bluezone_node.errors import DatabaseUnusable
from bluezone_node.ports import Clock, OnStore, Radio, RadioCondition
from bluezone_node.proximity.encounters import Fold, stands_for
from bluezone_node.proximity.model import SCAN_SECONDS, Encounter, Scan, Sighting

log = logging.getLogger(__name__)

SETTLE = 2.0
"""Seconds after the end of a minute before it is folded: reports that are still in a queue
between the radio and us belong to the minute in which they were heard."""

BACKLOG_MINUTES = 24 * 60
"""How many minutes are kept in memory while the database cannot be written (a full disk): a day
of a busy place is a few tens of megabytes.  Beyond it the oldest go, counted."""


@dataclass(frozen=True, slots=True)
class ListenerCondition:
    last_written: datetime | None
    """When the last batch was committed."""
    backlog_minutes: int
    """Minutes that wait for the database."""
    lost_minutes: int
    """Minutes given up because the backlog was full."""
    flooded: int
    """Sightings not logged because too many different identifiers were on the air at once."""
    problem: str
    """Why the last write failed; empty when all is well."""


class Listener:
    """Folds what the radio hears and logs it, with the coverage: silence is not deafness."""

    def __init__(self, radio: Radio, clock: Clock, on_store: OnStore) -> None:
        self._radio = radio
        self._clock = clock
        self._on_store = on_store
        self._fold = Fold()
        self._minute = _minute_of(clock.now())
        """The first minute that is not yet closed."""
        self._monotonic = clock.monotonic()
        """When the last minute was closed."""
        self._previous_scan: datetime | None = None
        self._counted: RadioCondition = radio.condition()
        self._backlog: list[tuple[list[Encounter], Scan]] = []
        self._last_written: datetime | None = None
        self._lost_minutes = 0
        self._problem = ""

    def condition(self) -> ListenerCondition:
        return ListenerCondition(
            self._last_written,
            len(self._backlog),
            self._lost_minutes,
            self._fold.dropped,
            self._problem,
        )

    async def run_hearing(self) -> None:
        """Take sightings from the radio until it closes."""
        async for sighting in self._radio.hear():
            self.heard(sighting)

    def heard(self, sighting: Sighting) -> None:
        self._fold.hear(sighting)

    async def run_writing(self, alive: Callable[[], None]) -> None:
        """Close and write every minute once it is over; call *alive* after each round."""
        while True:
            now = self._clock.now()
            ahead = (_minute_of(now) + timedelta(seconds=SCAN_SECONDS) - now).total_seconds()
            await self._clock.sleep(ahead + SETTLE)
            self._close_minutes_before(self._clock.now())
            await self._write()
            alive()

    async def finish(self) -> None:
        """Close the minute under way too, and write everything: the node stops."""
        self._close_minutes_before(self._clock.now() + timedelta(seconds=SCAN_SECONDS))
        await self._write()

    def _close_minutes_before(self, now: datetime) -> None:
        """Close every minute that ended by *now*.

        The radio counts the seconds it listened by the monotonic clock.  Where the wall clock
        agrees, they belong to the minutes that went by; where it jumped, to the minute that was
        open when it did and to as many before *now* as really passed.
        """
        minutes = self._minutes_until(_minute_of(now))
        condition = self._radio.condition()
        listened = max(0.0, condition.listened_seconds - self._counted.listened_seconds)
        sightings = condition.heard - self._counted.heard
        foreign = condition.foreign - self._counted.foreign
        for index, minute in enumerate(minutes):
            self._close(
                minute,
                listened=min(listened / len(minutes), float(SCAN_SECONDS)),
                sightings=_share(sightings, index, len(minutes)),
                foreign=_share(foreign, index, len(minutes)),
            )
        self._counted = condition
        self._minute = _minute_of(now)
        self._monotonic = self._clock.monotonic()

    def _minutes_until(self, end: datetime) -> list[datetime]:
        passed = max(1, round((self._clock.monotonic() - self._monotonic) / SCAN_SECONDS))
        minutes = [end - timedelta(seconds=SCAN_SECONDS * back) for back in range(passed, 0, -1)]
        return minutes if self._minute in minutes else [self._minute, *minutes]

    def _close(self, minute: datetime, *, listened: float, sightings: int, foreign: int) -> None:
        seconds = stands_for(self._previous_scan, minute)
        encounters = self._fold.close(minute, seconds)
        if not encounters and listened == 0:
            return
        self._previous_scan = minute
        self._backlog.append((encounters, Scan(minute, seconds, listened, sightings, foreign)))
        if len(self._backlog) > BACKLOG_MINUTES:
            del self._backlog[0]
            self._lost_minutes += 1

    async def _write(self) -> None:
        if not self._backlog:
            return
        batch = list(self._backlog)
        encounters = [encounter for minute, _ in batch for encounter in minute]
        scans = [scan for _, scan in batch]
        try:
            await self._on_store(lambda store: store.log(encounters, scans))
        except DatabaseUnusable as error:
            if not self._problem:
                log.error("encounters cannot be written and are kept in memory: %s", error)
            self._problem = str(error)
            return
        del self._backlog[: len(batch)]
        self._last_written = self._clock.now()
        if self._problem:
            log.warning("encounters are written again")
        self._problem = ""


def _minute_of(instant: datetime) -> datetime:
    return instant.replace(second=0, microsecond=0)


def _share(total: int, index: int, parts: int) -> int:
    """Return part *index* of *total* dealt into whole *parts* that add up to it."""
    return total * (index + 1) // parts - total * index // parts
