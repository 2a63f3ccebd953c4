"""What a visitor's node makes of the tags it hears: stays, and of those visits.

Nothing ties the tags of one place together but time and level: a place sends one tag at a time,
and the next one begins where the last one ended, at the border of a slot, about as strong.  So a
stay is followed across that border; where two places could be meant, the one whose level is nearer
is taken, and nothing worse comes of a mistake than that one of two places, both near, seems to
have been left at the quarter of an hour.
"""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import median_low

from bluezone_node.errors import DatabaseUnusable
from bluezone_node.node.timekeeper import Timekeeper
from bluezone_node.ports import HeardFrame, OnStore, PlaceStore, StoredVisit
from bluezone_node.venues.card import day_number
from bluezone_node.venues.heard import HeardStay, HeardTag, enter
from bluezone_node.venues.sighting import VenueSighting
from bluezone_node.venues.tags import AirTag, slot_of
from bluezone_node.venues.visits import SILENCE

log = logging.getLogger(__name__)

NEAR_DBM = -75
"""Level from which a minute counts as near: that of two Raspberry Pis 24 m apart in line of sight
(−49.7 − 18.3·log10 m, NIST's recordings), or 5 m and one wall or body (12 dB).  The level of a
minute is its median: a Raspberry Pi reads one packet in five 12 dB too strong."""

FAR_DBM = -85
"""Level under which a minute does not prolong a stay: ten less than what begins one, for a body or
a shelf between.  Stray packets that come from the other end of the street are no presence."""

NEAR_MINUTES = 3
NEAR_FOR = timedelta(minutes=2)
"""Near in three minutes, and two between the first and the last: who walks past a shop, or waits
at its door, has not been in it.  A wearable listens once a minute, so less would be one chance."""

SAME_LEVEL = 20
"""dB that a level may differ on the two sides of a slot's border, and be of one place: one body
turned round (12.6) and the spread of a minute's median."""

CLOCKS = timedelta(minutes=2)
"""By which the place's clock may be off, and its tag change beside the border."""

MOST_TAGS = 64
"""Followed at once: more than the shops around a hall.  A flood takes no more memory, and no more
rows, than that."""
MOST_PER_DAY = 100
"""Stays in a day that become visits: nobody is at more places for two minutes each.  A flood that
lasts stops there."""

MINUTE = 60.0
MOST_WAITING = 500
"""Stays kept while the database cannot be written, five days of the most; those that were not
heard for the longest go first, counted."""


@dataclass(frozen=True, slots=True)
class PresenceCondition:
    here: int
    """Places that the node is at, as far as the radio tells."""
    flooded: int
    """Packets not taken, and stays not kept, because there were too many different ones."""
    problem: str
    """Why the last write failed; empty when all is well."""


@dataclass(slots=True)
class _Minute:
    """One tag in the minute under way."""

    first: datetime
    last: datetime
    levels: Counter[int]


@dataclass(slots=True)
class _Trail:
    """What may become a stay."""

    tags: list[HeardTag]
    level: int
    """Median of the last minute, dBm."""
    near_minutes: int = 0
    first_near: datetime | None = None
    came: bool = False
    """Long and near enough to be one."""
    counted: bool = False
    """Among those of the day."""

    def extend(self, heard: HeardTag, level: int) -> None:
        if self.tags and self.tags[-1].air == heard.air:
            heard = replace(heard, first=self.tags.pop().first)
        self.tags.append(heard)
        self.level = level
        if level >= NEAR_DBM:
            self.near_minutes += 1
            self.first_near = self.first_near or heard.first
            near_for = heard.last - self.first_near
            self.came |= self.near_minutes >= NEAR_MINUTES and near_for >= NEAR_FOR


class Stays:
    """Folds sightings into stays, minute by minute."""

    def __init__(self) -> None:
        self.flooded = 0
        self._minute: dict[AirTag, _Minute] = {}
        self._trails: list[_Trail] = []
        self._followed: set[AirTag] = set()
        """Tags of trails: heard also where others came first in the minute."""
        self._today = 0
        self._came_today = 0

    @property
    def here(self) -> int:
        return sum(trail.came for trail in self._trails)

    def hear(self, sighting: VenueSighting) -> None:
        heard = self._minute.get(sighting.tag)
        if heard is None:
            if len(self._minute) >= MOST_TAGS and sighting.tag not in self._followed:
                self.flooded += 1
                return
            heard = self._minute[sighting.tag] = _Minute(sighting.at, sighting.at, Counter())
        heard.first = min(heard.first, sighting.at)
        heard.last = max(heard.last, sighting.at)
        heard.levels[sighting.rssi] += 1

    def close(self, now: datetime) -> list[HeardStay]:
        """End the minute; return the stays that began or went on in it."""
        minute, self._minute = self._minute, {}
        self._trails = [each for each in self._trails if now - each.tags[-1].last <= SILENCE]
        heard = [
            (HeardTag(air, one.first, one.last), median_low(one.levels.elements()))
            for air, one in minute.items()
        ]
        heard = [(tag, level) for tag, level in heard if level >= FAR_DBM]
        # Once each: in the minute of a border one may be heard with both its tags.
        went_on = {id(trail): trail for trail in self._trails_of(heard) if trail.came}
        kept = []
        for trail in went_on.values():
            if trail.counted or self._has_room(trail.tags[-1].last):
                kept.append(HeardStay(tuple(trail.tags), begins=not trail.counted))
                trail.counted = True
            else:
                self._trails.remove(trail)
                self.flooded += 1
        self._followed = {trail.tags[-1].air for trail in self._trails}
        return kept

    def move(self, by: timedelta) -> None:
        """The time was set: what is under way goes on by the new one."""
        for trail in self._trails:
            trail.tags = [replace(t, first=t.first + by, last=t.last + by) for t in trail.tags]
            if trail.first_near is not None:
                trail.first_near += by
        for heard in self._minute.values():
            heard.first, heard.last = heard.first + by, heard.last + by

    def _trails_of(self, heard: list[tuple[HeardTag, int]]) -> list[_Trail]:
        """Let trails go on with the tags *heard*, and begin new ones; return all of these."""
        known = {trail.tags[-1].air: trail for trail in self._trails}
        gone_on = []
        fresh = []
        for tag, level in heard:
            if tag.air in known:
                known[tag.air].extend(tag, level)
                gone_on.append(known[tag.air])
            else:
                fresh.append((tag, level))
        # The most alike first, each trail and each tag once.
        pairs = [
            (abs(trail.level - level), number, place)
            for number, (_, level) in enumerate(fresh)
            for place, trail in enumerate(self._trails)
            if abs(trail.level - level) <= SAME_LEVEL
        ]
        followed, taken = set(), set()
        for _, number, place in sorted(pairs):
            trail, (tag, level) = self._trails[place], fresh[number]
            if number in followed or place in taken or not _may_follow(trail.tags[-1], tag):
                continue
            followed.add(number)
            taken.add(place)
            trail.extend(tag, level)
            gone_on.append(trail)
        begun = [pair for number, pair in enumerate(fresh) if number not in followed]
        return gone_on + [trail for pair in begun for trail in self._begun(*pair)]

    def _begun(self, tag: HeardTag, level: int) -> Iterator[_Trail]:
        if level < NEAR_DBM:
            return
        if len(self._trails) >= MOST_TAGS:
            self.flooded += 1
            return
        trail = _Trail([], level)
        trail.extend(tag, level)
        self._trails.append(trail)
        yield trail

    def _has_room(self, at: datetime) -> bool:
        if (day := day_number(at)) != self._today:
            self._today, self._came_today = day, 0
        self._came_today += 1
        return self._came_today <= MOST_PER_DAY


def _may_follow(last: HeardTag, tag: HeardTag) -> bool:
    """Tell whether one place may have sent *tag* after *last*: a border lies between them."""
    return last.last <= tag.first and slot_of(last.last - CLOCKS) < slot_of(tag.first + CLOCKS)


class Presence:
    """Hears, and writes the visits that follow once a minute."""

    def __init__(self, timekeeper: Timekeeper, on_store: OnStore) -> None:
        self._clock = timekeeper
        self._on_store = on_store
        self._stays = Stays()
        self._waiting: dict[AirTag, HeardStay] = {}
        """By the tag that each began with: as it grows, a stay takes its own place."""
        self._lost = 0
        self._problem = ""
        timekeeper.tell(self._stays.move)

    def condition(self) -> PresenceCondition:
        return PresenceCondition(self._stays.here, self._stays.flooded + self._lost, self._problem)

    def hear(self, frame: HeardFrame) -> None:
        """Take note of a tag.

        Not before the time is known: a tag without its time proves nothing.
        """
        if isinstance(frame, VenueSighting) and self._clock.known.is_set():
            self._stays.hear(frame)

    async def run(self) -> None:
        """To be started when the time is known."""
        while True:
            await self._clock.sleep(MINUTE)
            await self.write()

    async def write(self) -> None:
        """End the minute under way, and write what it changed; keep it if that cannot be done."""
        for stay in self._stays.close(self._clock.now()):
            known = self._waiting.pop(stay.tags[0].air, stay)
            self._waiting[stay.tags[0].air] = replace(stay, begins=known.begins)
        while len(self._waiting) > MOST_WAITING:
            del self._waiting[next(iter(self._waiting))]
            self._lost += 1
        if not self._waiting:
            return
        stays = list(self._waiting.values())
        try:
            await self._on_store(lambda store: write_stays(store, stays))
        except DatabaseUnusable as error:
            if not self._problem:
                log.error("visits cannot be written and are kept in memory: %s", error)
            self._problem = str(error)
            return
        self._waiting.clear()
        self._problem = ""


def write_stays(store: PlaceStore, stays: Sequence[HeardStay]) -> None:
    """Make visits of *stays*; each may be given again as it grows."""

    def change(stored: Sequence[StoredVisit]) -> list[StoredVisit]:
        visits = [each.visit for each in stored]
        touched = set()
        for stay in stays:
            if (entered := enter(visits, stay)) is not None:
                number, visit = entered
                visits[number : number + 1] = [visit]
                touched.add(number)
        ids = [each.id for each in stored] + [0] * (len(visits) - len(stored))
        return [StoredVisit(ids[number], visits[number]) for number in sorted(touched)]

    store.change_visits(change)
