"""The course of a day made to fit a picture: what to leave out, and what stands in each column.

A day may hold two meetings hours apart, or a thousand moments; a picture has some hundred
columns, a line of a terminal sixty.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from math import ceil, inf

from bluezone_node.alerts import Moment
from bluezone_node.proximity.model import SCAN_SECONDS

SILENCE = 1800.0
"""Seconds in which nobody was heard, from which on they are cut out. A shorter break belongs to
one meeting, and is shown as long as it was."""

LONGEST = 86400.0
"""Seconds; no moment of a day is longer."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the day in which somebody was heard, without a long silence."""

    start: float
    """Unix seconds, likewise below."""
    end: float
    moments: tuple[Moment, ...]
    """Ascending, at least one."""
    ends: tuple[float, ...]
    """When each of them ended."""

    @property
    def seconds(self) -> float:
        return self.end - self.start

    def columns(self, count: int, seconds: float) -> list[Moment | None]:
        """Return what to show in each of *count* columns of so many *seconds* from the start.

        None is silence. Of several people, or moments, in one column the nearest is shown. A
        moment too short for a column of its own still has one.
        """
        shown: list[Moment | None] = [None] * count
        for moment, end in zip(self.moments, self.ends, strict=True):
            begins = (moment.start.timestamp() - self.start) / seconds
            ends = (end - self.start) / seconds
            # Whose middle it covers: with edges, two minutes that straddle a break would hide it.
            first, last = ceil(begins - 0.5), ceil(ends - 0.5)
            for column in range(first, last) if first < last else (int(begins),):
                there = shown[column] if 0 <= column < count else moment
                if there is None or moment.metres < there.metres:
                    shown[column] = moment
        return shown


def stretches(course: Sequence[Moment], at_most: int) -> tuple[Stretch, ...]:
    """Cut *course* at its long silences, if there are many at the longest, into *at_most* parts."""
    ordered = sorted(course, key=lambda moment: moment.start)
    starts = [moment.start.timestamp() for moment in ordered]
    ends = [
        _end(moment, start, following)
        for moment, start, following in zip(ordered, starts, [*starts[1:], inf], strict=False)
    ]
    silences: list[tuple[float, int]] = []
    heard_until = -inf
    for index, (start, end) in enumerate(zip(starts, ends, strict=True)):
        if index and start - heard_until > SILENCE:
            silences.append((start - heard_until, index))
        heard_until = max(heard_until, end)
    longest = sorted(silences, reverse=True)[: at_most - 1]
    cuts = [0, *sorted(index for _, index in longest), len(ordered)]
    return tuple(
        Stretch(
            starts[first],
            max(ends[first:last]),
            tuple(ordered[first:last]),
            tuple(ends[first:last]),
        )
        for first, last in pairwise(cuts)
        if first < last
    )


def share(stretched: Sequence[Stretch], total: int, least: int) -> list[int]:
    """Deal *total* columns out to stretches by their length, each at *least* so many."""
    whole = sum(stretch.seconds for stretch in stretched) or 1.0
    free = total - least * len(stretched)
    return [least + int(free * stretch.seconds / whole) for stretch in stretched]


def local_time(unix: float) -> datetime:
    """Return the local time of *unix* seconds."""
    return datetime.fromtimestamp(unix).astimezone()


def _end(moment: Moment, start: float, following: float) -> float:
    """Return when *moment* ended: with the next one's beginning if that is the next scan's.

    A scan is dated by the first packet in it, which may come at any second of its minute.
    """
    end = start + min(max(moment.seconds, 0.0), LONGEST)
    return following if end < following < end + SCAN_SECONDS else end
