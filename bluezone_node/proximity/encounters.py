"""Folding sightings into encounters: what is kept of hundreds of packets a second.

A busy place gives many packets for each thing worth remembering, so the hot path touches plain
dicts of ints and makes a value only when a scan is over.  What stays open is bounded: anyone can
put random identifiers on the air, and must not be able to fill the memory of a node with them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bluezone_node.intervals import from_unix, to_unix
from bluezone_node.proximity.model import (
    SCAN_SECONDS,
    Encounter,
    HeardScan,
    IdentifierProtocol,
    RssiHistogram,
    Scan,
    Sighting,
)

CAPACITY = 4096
"""Identifiers open at once: twenty times the 200 neighbours of a crowded hall, about 2 MB."""

LONGEST_SCAN_SECONDS = 300
"""A scan never stands for more than this: GAEN's cap on secondsSinceLastScan."""

_UNBOUNDED = 2**62

_Key = tuple[bytes, bytes | None, IdentifierProtocol]


@dataclass(slots=True)
class _Open:
    """What was heard of one identifier in one minute so far."""

    first: int
    counts: dict[int, int]


class Fold:
    """Takes sightings as they come and gives back encounters a scan at a time.

    Sightings may come out of order and more than once. One of a minute that was closed already
    opens that minute again, and comes out with the next close.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._minutes: dict[int, dict[_Key, _Open]] = {}
        self._size = 0
        self.dropped = 0
        """Sightings lost because their identifier was new and the capacity was used up."""

    def __len__(self) -> int:
        """Return how many identifiers are open, one heard in two minutes counted twice."""
        return self._size

    def hear(self, sighting: Sighting) -> None:
        """Take one sighting into its minute."""
        second = to_unix(sighting.at)
        heard = self._minutes.setdefault(second // SCAN_SECONDS, {})
        key = (sighting.identifier, sighting.metadata, sighting.protocol)
        entry = heard.get(key)
        if entry is None:
            if self._size >= self._capacity:
                self.dropped += 1
                return
            self._size += 1
            heard[key] = entry = _Open(second, {})
        elif second < entry.first:
            entry.first = second
        counts = entry.counts
        rssi = sighting.rssi
        counts[rssi] = counts.get(rssi, 0) + 1

    def close(self, minute: datetime, seconds: int) -> list[Encounter]:
        """Return and forget what was heard in the minutes up to *minute*, one scan each.

        *seconds* is what the scan of *minute* stands for (see `stands_for`). Where earlier
        minutes are still open, because closing was late, they share that time between them.
        """
        last = to_unix(minute) // SCAN_SECONDS
        previous = minute - timedelta(seconds=seconds)
        encounters: list[Encounter] = []
        for number in sorted(number for number in self._minutes if number <= last):
            start = from_unix(number * SCAN_SECONDS)
            heard = self._minutes.pop(number)
            self._size -= len(heard)
            encounters += _encounters(heard, stands_for(previous, start))
            previous = max(previous, start)
        return encounters


def _encounters(heard: dict[_Key, _Open], seconds: int) -> Iterable[Encounter]:
    for (identifier, metadata, protocol), entry in heard.items():
        histogram = RssiHistogram(tuple(sorted(entry.counts.items())))
        scan = HeardScan(from_unix(entry.first), seconds, histogram)
        yield Encounter(identifier, metadata, (scan,), protocol)


def stands_for(previous: datetime | None, this: datetime) -> int:
    """Return the seconds that a scan beginning at *this* stands for.

    The time since the *previous* scan began, at most `LONGEST_SCAN_SECONDS`. The length of one
    scan where there was none, or where the clock was set back in between.
    """
    if previous is None or this <= previous:
        return SCAN_SECONDS
    return min(int((this - previous).total_seconds()), LONGEST_SCAN_SECONDS)


def fold_all(sightings: Iterable[Sighting]) -> tuple[list[Encounter], list[Scan]]:
    """Fold a whole recording: its encounters, first heard first, and the scans it shows.

    A recording does not say when the radio listened, so its scans are the minutes in which
    anything was heard at all. Each pair of identifier and metadata gives one encounter.
    """
    by_minute: dict[int, list[Sighting]] = {}
    for sighting in sightings:
        minute = to_unix(sighting.at) // SCAN_SECONDS
        by_minute.setdefault(minute, []).append(sighting)

    fold = Fold(_UNBOUNDED)
    scans: list[Scan] = []
    merged: dict[_Key, list[HeardScan]] = {}
    previous: datetime | None = None
    for minute in sorted(by_minute):
        heard = by_minute.pop(minute)
        for sighting in heard:
            fold.hear(sighting)
        start = from_unix(minute * SCAN_SECONDS)
        seconds = stands_for(previous, start)
        scans.append(Scan(start, seconds, float(SCAN_SECONDS), len(heard), foreign=0))
        for encounter in fold.close(start, seconds):
            key = (encounter.identifier, encounter.metadata, encounter.protocol)
            merged.setdefault(key, []).extend(encounter.scans)
        previous = start
    encounters = [
        Encounter(identifier, metadata, tuple(scans_of), protocol)
        for (identifier, metadata, protocol), scans_of in merged.items()
    ]
    return sorted(encounters, key=lambda encounter: encounter.scans[0].start), scans
