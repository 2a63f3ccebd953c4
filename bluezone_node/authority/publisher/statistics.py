"""Statistics of uploads: what is counted of each, and what of the counts may be told.

A count of few is as good as a name to who knows the village.  So a day is told of only when it is
over for two days, and a province's only where ten or more published there on that day: Google's
key server has the same two limits (STATS_EMBARGO, STATS_UPLOAD_MINIMUM).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from bluezone_node.authority.ports.exposures import Exposure
from bluezone_node.authority.ports.tally import DayCount, Tally
from bluezone_node.intervals import ROLLING_PERIOD, midnight
from bluezone_node.ports import Clock

EMBARGO = timedelta(hours=48)
LEAST_UPLOADS = 10
UPLOADS = "uploads"
_OLDEST_KEY = 15
_KEY_AGE = tuple(f"key_age_{days:02}" for days in range(_OLDEST_KEY + 1))
_LONGEST_ONSET = 30
_ONSET = tuple(f"onset_to_upload_{days:02}" for days in range(_LONGEST_ONSET + 1))


def events_of(
    added: Sequence[Exposure],
    revised: Sequence[Exposure],
    *,
    today: int,
    onset: int | None,
) -> Mapping[str, int]:
    """Return what is counted of one upload that changed something.

    *today* and *onset* (None: nobody told) are days since the Unix epoch.  Older or longer than
    there is a count for goes to the last one.
    """
    events = Counter({UPLOADS: 1})
    if added:
        events["keys"] = len(added)
        for exposure in added:
            days = today - exposure.rolling_start // ROLLING_PERIOD
            events[_KEY_AGE[min(max(days, 0), _OLDEST_KEY)]] += 1
    if revised:
        events["keys_revised"] = len(revised)
    if onset is None:
        events["uploads_without_onset"] = 1
    else:
        events[_ONSET[min(max(today - onset, 0), _LONGEST_ONSET)]] = 1
    return events


def released(counts: Iterable[DayCount], now: datetime) -> list[DayCount]:
    """Return those of *counts* that may be told at *now*."""
    known = list(counts)
    many = {
        (count.day, count.realm)
        for count in known
        if count.event == UPLOADS and count.count >= LEAST_UPLOADS
    }
    over = now - EMBARGO
    return [
        count
        for count in known
        if (count.day, count.realm) in many and midnight(count.day) + timedelta(days=1) <= over
    ]


class Statistics:
    """`PublicationStats` where the publisher's database is at hand. It blocks."""

    def __init__(self, tally: Tally, clock: Clock) -> None:
        self._tally = tally
        self._clock = clock

    def days(self, first: date, last: date) -> list[DayCount]:
        return released(self._tally.days(first, last), self._clock.now())
