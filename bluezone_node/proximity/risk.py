"""Judging exposure: windows and a preset in, days with their evidence out, alerts from those.

How a day is scored is for the preset's rules to say; here is what all rules share: days, minutes
by band, and how sure the verdict is.  Nothing here knows what day it is unless told.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bluezone_node.alerts import Alert, AlertKind, AlertLevel
from bluezone_node.intervals import midnight
from bluezone_node.proximity.model import (
    SCAN_SECONDS,
    CalibrationConfidence,
    ExposureWindow,
    ReportType,
    ScanInstance,
)
from bluezone_node.proximity.preset import Preset
from bluezone_node.proximity.rules.verdict import Rules

SOLID_PACKETS = 30
"""Packets from which a day's verdict does not hang on which levels a receiver happened to read.

Measured on two Raspberry Pi 3: at 2 m, misses and false alarms together fall from 0.51 with one
reading to 0.16 with 30, and hardly further.
"""

NARROW_MARGIN = 1.5
"""A day nearer to the threshold than this factor, either way, could have fallen on its other side.

With 6 dB from link to link and free-space loss, half of all links read their distance wrong by
this factor or more.
"""

_SERIOUSNESS = (
    ReportType.CONFIRMED_TEST,
    ReportType.CONFIRMED_CLINICAL,
    ReportType.SELF_REPORT,
    ReportType.RECURSIVE,
    ReportType.REVOKED,
    ReportType.UNKNOWN,
)


@dataclass(frozen=True, slots=True)
class DayAssessment:
    """One UTC day, judged. All but the day itself is about the windows that count."""

    day: date
    score: float
    """In the unit of the rules: weighted seconds for ``gaen-v2``, minutes for the others but
    ``nhs``, whose score has none."""
    level: AlertLevel
    start: datetime
    end: datetime
    """The exposure lies within [start, end): that part of it which is not far, if there is one."""
    minutes_near: float
    minutes_middle: float
    minutes_far: float
    """By the bands of the rules."""
    packets: int
    report_type: ReportType
    """The most serious of the day."""
    confidence: str
    """'high', 'medium' or 'low', one step down for each of: fewer than `SOLID_PACKETS` packets,
    a sender that does not know its own power well, a score within `NARROW_MARGIN` of the
    threshold; fewer than half of `SOLID_PACKETS` is 'low' at once.  It says whether the verdict
    would be the same if heard again, not how near the other person was."""


@dataclass(frozen=True, slots=True)
class Assessment:
    days: tuple[DayAssessment, ...]
    """Ascending; every day that had a window, even where none of them counts."""
    level: AlertLevel
    encounters: tuple[int, int] | None
    """Distinct encounters of low and of high risk, where the rules count them."""


def assess(
    windows: Iterable[ExposureWindow], preset: Preset, today: date | None = None
) -> Assessment:
    """Judge *windows*, in any order, by *preset*.

    With *today*, days older than the preset's ``max_age_days`` are left out.
    """
    rules = preset.rules
    by_day: dict[date, list[ExposureWindow]] = {}
    for window in windows:
        if today and rules.max_age_days and (today - window.day).days > rules.max_age_days:
            continue
        by_day.setdefault(window.day, []).append(window)

    days: list[DayAssessment] = []
    encounters: tuple[int, int] | None = None
    for day in sorted(by_day):
        counted = [window for window in by_day[day] if rules.counts(window)]
        verdict = rules.judge(counted)
        if verdict.encounters:
            low, high = encounters or (0, 0)
            encounters = low + verdict.encounters[0], high + verdict.encounters[1]
        near, middle, far = _minutes_by_band(counted, rules)
        start, end = _extent(day, counted, rules)
        days.append(
            DayAssessment(
                day=day,
                score=verdict.score,
                level=verdict.level,
                start=start,
                end=end,
                minutes_near=near,
                minutes_middle=middle,
                minutes_far=far,
                packets=_packets(counted),
                report_type=_most_serious(counted or by_day[day]),
                confidence=_confidence(counted, verdict.ratio),
            )
        )
    level = max([rules.lowest_level, *(day.level for day in days)])
    return Assessment(tuple(days), level, encounters)


def alerts_from(assessment: Assessment, preset: Preset) -> list[Alert]:
    """Return an alert for each day that reached a level."""
    return [
        Alert(
            kind=AlertKind.PROXIMITY,
            day=day.day,
            start=day.start,
            end=day.end,
            level=day.level,
            score=day.score,
            minutes_near=day.minutes_near,
            minutes_middle=day.minutes_middle,
            minutes_far=day.minutes_far,
            confidence=day.confidence,
            packets=day.packets,
            rules=preset.name,
            report_type=day.report_type.name.lower(),
        )
        for day in assessment.days
        if day.level > AlertLevel.NONE
    ]


def _minutes_by_band(windows: Iterable[ExposureWindow], rules: Rules) -> tuple[float, float, float]:
    near_limit, middle_limit = rules.bands
    seconds = [0, 0, 0]
    for window in windows:
        for scan in window.scans:
            attenuation = rules.attenuation(scan)
            band = (attenuation > near_limit) + (attenuation > middle_limit)
            seconds[band] += max(scan.seconds, 0)
    return seconds[0] / 60, seconds[1] / 60, seconds[2] / 60


def _extent(
    day: date, windows: Iterable[ExposureWindow], rules: Rules
) -> tuple[datetime, datetime]:
    scans: Sequence[ScanInstance] = [scan for window in windows for scan in window.scans]
    not_far = [scan for scan in scans if rules.attenuation(scan) <= rules.bands[1]]
    starts = [scan.start for scan in not_far or scans]
    if not starts:
        return midnight(day), midnight(day) + timedelta(days=1)
    return min(starts), max(starts) + timedelta(seconds=SCAN_SECONDS)


def _packets(windows: Iterable[ExposureWindow]) -> int:
    return sum(scan.count for window in windows for scan in window.scans)


def _most_serious(windows: Iterable[ExposureWindow]) -> ReportType:
    return min((window.report_type for window in windows), key=_SERIOUSNESS.index)


def _confidence(windows: Sequence[ExposureWindow], ratio: float) -> str:
    packets = _packets(windows)
    if packets < SOLID_PACKETS / 2:
        return "low"
    doubts = (
        packets < SOLID_PACKETS,
        any(window.calibration_confidence < CalibrationConfidence.MEDIUM for window in windows),
        1 / NARROW_MARGIN < ratio < NARROW_MARGIN,
    )
    return ("high", "medium", "low", "low")[sum(doubts)]
