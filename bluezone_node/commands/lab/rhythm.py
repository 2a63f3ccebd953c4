"""The rhythm in which a recording was made: what each minute that was heard stands for.

A recording does not say when the radio listened.  A device's minute therefore stands for the time
since the device was last heard, if that is within GAEN's five minutes, and after a longer silence
for the usual time between two hearings in this recording.  So a look of 4 seconds every few
minutes and a radio that never pauses come to the same time.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, pairwise
from statistics import median

from bluezone_node.intervals import day_of, from_unix
from bluezone_node.proximity.encounters import LONGEST_SCAN_SECONDS
from bluezone_node.proximity.model import (
    SCAN_SECONDS,
    CalibrationConfidence,
    ExposureWindow,
    Infectiousness,
    ReportType,
    ScanInstance,
)
from bluezone_node.proximity.windows import cut, scan_instance


def usual_gap(devices: Iterable[Iterable[int]]) -> int:
    """Return the usual seconds from one hearing of a device to its next.

    *devices* are the minutes in which each was heard, in any order.
    """
    gaps = [
        gap for minutes in devices for gap in _gaps(sorted(minutes)) if gap <= LONGEST_SCAN_SECONDS
    ]
    return round(median(gaps)) if gaps else SCAN_SECONDS


def scans_of(minutes: Mapping[int, Mapping[int, int]], rhythm: int) -> Iterator[ScanInstance]:
    """Yield a scan a minute, ascending; *minutes* are minute → attenuation in dB → packets."""
    ascending = sorted(minutes)
    # The first has none before it; where there is no first, there is nothing to tell.
    for minute, gap in zip(ascending, chain([rhythm], _gaps(ascending)), strict=False):
        seconds = gap if gap <= LONGEST_SCAN_SECONDS else rhythm
        yield scan_instance(from_unix(minute * SCAN_SECONDS), seconds, minutes[minute])


def worst_windows(scans: Iterable[ScanInstance]) -> Iterator[ExposureWindow]:
    """Yield the windows of *scans*, had the bearer been highly infectious all along."""
    for part in cut(scans):
        yield ExposureWindow(
            day=day_of(part[0].start),
            report_type=ReportType.CONFIRMED_TEST,
            infectiousness=Infectiousness.HIGH,
            calibration_confidence=CalibrationConfidence.LOWEST,
            scans=tuple(part),
        )


def _gaps(minutes: list[int]) -> Iterator[int]:
    for previous, this in pairwise(minutes):
        yield (this - previous) * SCAN_SECONDS
