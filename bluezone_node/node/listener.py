"""Hear who is near: sightings are folded each minute and written in one batch.

While the time is not known, minutes are kept in memory, by a clock that goes evenly from a wrong
beginning; when it becomes known they are moved to where they belong.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bluezone_node.errors import DatabaseUnusable
from bluezone_node.node.timekeeper import Timekeeper
from bluezone_node.ports import HeardFrame, OnStore, Radio, RadioCondition
from bluezone_node.proximity.encounters import Fold, stands_for
from bluezone_node.proximity.model import SCAN_SECONDS, Encounter, Scan, Sighting

log = logging.getLogger(__name__)

SETTLE = 2.0
"""Seconds after the end of a minute before it is folded: reports that are still in a queue
between the radio and us belong to the minute in which they were heard."""

BACKLOG_MINUTES = 24 * 60
"""How many minutes are kept in memory while the database cannot be written (a full disk) or the
time is not known: a day of a busy place is a few tens of megabytes.  Beyond it the oldest go,
counted."""

Ear = Callable[[HeardFrame], None]
"""Somebody else who is told of everything heard, dated by the node's own time."""

_Minute = tuple[list[Encounter], Scan]


@dataclass(frozen=True, slots=True)
class ListenerCondition:
    last_written: datetime | None
    """When the last batch was committed."""
    backlog_minutes: int
    """Minutes that wait for the database."""
    undated_minutes: int
    """Minutes that wait for the time to be known."""
    lost_minutes: int
    """Minutes given up because the backlog was full."""
    flooded: int
    """Sightings not logged because too many different identifiers were on the air at once."""
    problem: str
    """Why the last write failed; empty when all is well."""


class Listener:
    """Folds what the radio hears and logs it, with the coverage: silence is not deafness."""

    def __init__(
        self,
        radio: Radio,
        timekeeper: Timekeeper,
        on_store: OnStore,
        ears: Sequence[Ear] = (),
    ) -> None:
        self._radio = radio
        self._ears = ears
        self._clock = timekeeper
        self._on_store = on_store
        self._fold = Fold()
        self._minute = _minute_of(timekeeper.now())
        """The first minute that is not yet closed."""
        self._previous_scan: datetime | None = None
        self._counted: RadioCondition = radio.condition()
        self._undated: list[_Minute] = []
        self._backlog: list[_Minute] = []
        self._writing: asyncio.Task[None] | None = None
        self._last_turn = timekeeper.monotonic()
        self._last_written: datetime | None = None
        self._lost_minutes = 0
        self._problem = ""
        timekeeper.tell(self._time_moved)

    def condition(self) -> ListenerCondition:
        return ListenerCondition(
            self._last_written,
            len(self._backlog),
            len(self._undated),
            self._lost_minutes,
            self._fold.dropped,
            self._problem,
        )

    def since_last_turn(self) -> float:
        """Return the seconds since a minute was last closed and tried to be written."""
        return self._clock.monotonic() - self._last_turn

    async def run_hearing(self) -> None:
        """Take what the radio hears until it closes."""
        async for frame in self._radio.hear():
            self.heard(frame)

    def heard(self, frame: HeardFrame) -> None:
        at = self._clock.dated(frame.at)
        dated = frame if at == frame.at else replace(frame, at=at)
        if isinstance(dated, Sighting):
            self._fold.hear(dated)
        for ear in self._ears:
            ear(dated)

    async def run_writing(self) -> None:
        """Close and write every minute once it is over."""
        while True:
            now = self._clock.now()
            await self._clock.sleep((_next_minute(now) - now).total_seconds() + SETTLE)
            self._close_minutes_before(self._clock.now())
            await self.write()
            self._last_turn = self._clock.monotonic()

    async def finish(self) -> None:
        """Close the minute under way too, and write everything: the node stops."""
        if self._writing is not None:
            await self._writing
        self._close_minutes_before(_next_minute(self._clock.now()))
        await self.write()
        if self._undated:
            # When the program starts again, nothing ties this clock to the next one.
            log.warning(
                "%d minutes are lost: the time was not known when the node was stopped",
                len(self._undated),
            )

    def _time_moved(self, by: timedelta) -> None:
        """End the minute under way by the old time, and go on by the new one.

        What was heard before the time was known is moved along.  By whole minutes: the scans of
        all that were near one another stay the same scans.
        """
        if by:
            now = self._clock.now()
            self._close_minutes_before(_next_minute(now - by))
            self._minute = _minute_of(now)
            self._previous_scan = None
        minutes = timedelta(minutes=round(by / timedelta(minutes=1)))
        for waiting in self._undated:
            self._keep(self._backlog, _moved(waiting, minutes))
        self._undated.clear()

    def _close_minutes_before(self, now: datetime) -> None:
        """Close every minute that ended by *now*; what the radio counted is dealt out to them."""
        minutes = list(_minutes(self._minute, _minute_of(now)))
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
        if minutes:
            self._counted = condition
            self._minute = _minute_of(now)

    def _close(self, minute: datetime, *, listened: float, sightings: int, foreign: int) -> None:
        seconds = stands_for(self._previous_scan, minute)
        encounters = self._fold.close(minute, seconds)
        if not encounters and listened == 0:
            return
        self._previous_scan = minute
        closed = encounters, Scan(minute, seconds, listened, sightings, foreign)
        self._keep(self._backlog if self._clock.known.is_set() else self._undated, closed)

    def _keep(self, minutes: list[_Minute], closed: _Minute) -> None:
        minutes.append(closed)
        if len(minutes) > BACKLOG_MINUTES:
            del minutes[0]
            self._lost_minutes += 1

    async def write(self) -> None:
        """Write the minutes that wait, or keep them if that cannot be done.

        The store answers even where there is nothing to write: one that hangs is seen.
        """
        while self._writing is not None:
            await asyncio.shield(self._writing)
        self._writing = asyncio.create_task(self._write())
        # What the store has begun cannot be called back: `finish` must know how it ended.
        await asyncio.shield(self._writing)

    async def _write(self) -> None:
        batch = list(self._backlog)
        encounters = [encounter for minute, _ in batch for encounter in minute]
        scans = [scan for _, scan in batch]
        try:
            await self._on_store(lambda store: store.log(encounters, scans) if batch else None)
        except DatabaseUnusable as error:
            if not self._problem:
                log.error("encounters cannot be written and are kept in memory: %s", error)
            self._problem = str(error)
            return
        finally:
            self._writing = None
        if not batch:
            return
        del self._backlog[: len(batch)]
        self._last_written = self._clock.now()
        if self._problem:
            log.warning("encounters are written again")
        self._problem = ""


def _moved(closed: _Minute, by: timedelta) -> _Minute:
    encounters, scan = closed
    moved = [
        replace(
            encounter,
            scans=tuple(replace(heard, start=heard.start + by) for heard in encounter.scans),
        )
        for encounter in encounters
    ]
    return moved, replace(scan, start=scan.start + by)


def _minute_of(instant: datetime) -> datetime:
    return instant.replace(second=0, microsecond=0)


def _next_minute(instant: datetime) -> datetime:
    return _minute_of(instant) + timedelta(seconds=SCAN_SECONDS)


def _minutes(first: datetime, end: datetime) -> Iterable[datetime]:
    """Yield the minutes from *first* on that begin before *end*."""
    while first < end:
        yield first
        first += timedelta(seconds=SCAN_SECONDS)


def _share(total: int, index: int, parts: int) -> int:
    """Return part *index* of *total* dealt into whole *parts* that add up to it."""
    return total * (index + 1) // parts - total * index // parts
