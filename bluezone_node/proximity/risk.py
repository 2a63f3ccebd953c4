"""Judging exposure: windows and a preset in, days with their evidence out, alerts from those.

How a day is scored is for the preset's rules to say; here is what all rules share: days, how near
and how long, and how sure that is.  Nothing here knows what day it is unless told.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bluezone_node.alerts import Alert, AlertKind, AlertLevel, Expected, Moment, Nearness
from bluezone_node.intervals import midnight, to_unix
from bluezone_node.proximity.distance import (
    SURELY,
    Estimate,
    chance_of,
    dose,
    dose_if,
    estimate,
    minutes_if,
    minutes_within,
)
from bluezone_node.proximity.model import SCAN_SECONDS, ExposureWindow, ReportType
from bluezone_node.proximity.preset import Preset
from bluezone_node.proximity.profile import Profile
from bluezone_node.proximity.rules.verdict import Contact

LIKELY, HARDLY = 2 / 3, 1 / 3
"""Probabilities of a contact from which confidence is 'high', and below which it is 'low'."""

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
    """The exposure lies within [start, end): that part of it which may have been a contact by
    the rules, if there is one."""
    nearness: Nearness
    packets: int
    report_type: ReportType
    """The most serious of the day."""

    @property
    def confidence(self) -> str:
        """How sure it is that this was a contact by the rules."""
        return how_sure(self.nearness.chance)


@dataclass(frozen=True, slots=True)
class Assessment:
    days: tuple[DayAssessment, ...]
    """Ascending; every day that had a window, even where none of them counts."""
    level: AlertLevel
    encounters: tuple[int, int] | None
    """Distinct encounters of low and of high risk, where the rules count them."""


def how_sure(chance: float) -> str:
    """Return 'high', 'medium' or 'low' for a probability."""
    return "high" if chance >= LIKELY else "medium" if chance >= HARDLY else "low"


def assess(
    windows: Iterable[ExposureWindow],
    preset: Preset,
    profile: Profile,
    today: date | None = None,
) -> Assessment:
    """Judge *windows*, in any order, by *preset*, distances estimated by *profile*.

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
        estimates = estimates_of(counted, profile)
        verdict = rules.judge(counted, estimates)
        if verdict.encounters:
            low, high = encounters or (0, 0)
            encounters = low + verdict.encounters[0], high + verdict.encounters[1]
        start, end = _extent(day, estimates, rules.contact)
        days.append(
            DayAssessment(
                day=day,
                score=verdict.score,
                level=verdict.level,
                start=start,
                end=end,
                nearness=nearness(estimates, rules.contact),
                packets=sum(scan.count for window in counted for scan in window.scans),
                report_type=_most_serious(counted or by_day[day]),
            )
        )
    level = max([rules.lowest_level, *(day.level for day in days)])
    return Assessment(tuple(days), level, encounters)


def estimates_of(windows: Iterable[ExposureWindow], profile: Profile) -> list[Estimate]:
    """Return the distances in all *windows*, those near one key smoothed together."""
    links: dict[int, list[ExposureWindow]] = {}
    for window in windows:
        links.setdefault(window.link, []).append(window)
    estimates = [
        one
        for of_link in links.values()
        for one in estimate((scan for window in of_link for scan in window.scans), profile)
    ]
    return sorted(estimates, key=lambda one: (one.start, one.log_distance, one.seconds))


def nearness(estimates: Sequence[Estimate], contact: Contact) -> Nearness:
    """Sum up a day's *estimates*, against what makes a *contact* by the rules."""
    return Nearness(
        minutes_heard=sum(one.seconds for one in estimates) / 60,
        within_1m=_minutes(estimates, 1.0),
        within_2m=_minutes(estimates, 2.0),
        within_3m=_minutes(estimates, 3.0),
        dose=_expected(dose(estimates), dose_if(estimates, SURELY), dose_if(estimates, -SURELY)),
        contact_metres=contact.metres,
        contact_minutes=contact.minutes,
        chance=chance_of(estimates, contact.metres, contact.minutes),
        course=tuple(
            Moment(one.start, one.seconds, *(round(one.metres(z), 2) for z in (0, -SURELY, SURELY)))
            for one in _nearest_by_minute(estimates)
        ),
    )


def _nearest_by_minute(estimates: Iterable[Estimate]) -> list[Estimate]:
    """Return one estimate a minute: a kiosk may have been near a whole ward on one day."""
    nearest: dict[int, Estimate] = {}
    for one in estimates:
        minute = to_unix(one.start) // SCAN_SECONDS
        if minute not in nearest or one.log_distance < nearest[minute].log_distance:
            nearest[minute] = one
    return [nearest[minute] for minute in sorted(nearest)]


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
            minutes_near=day.nearness.minutes_near,
            minutes_middle=day.nearness.minutes_middle,
            minutes_far=day.nearness.minutes_far,
            confidence=day.confidence,
            packets=day.packets,
            rules=preset.name,
            report_type=day.report_type.name.lower(),
            nearness=day.nearness,
        )
        for day in assessment.days
        if day.level > AlertLevel.NONE
    ]


def _minutes(estimates: Sequence[Estimate], metres: float) -> Expected:
    return _expected(
        minutes_within(estimates, metres),
        minutes_if(estimates, metres, SURELY),
        minutes_if(estimates, metres, -SURELY),
    )


def _expected(value: float, low: float, high: float) -> Expected:
    """Return the estimate; small chances that add up may leave the bounds, which then give way."""
    return Expected(value, min(low, value), max(high, value))


def _extent(
    day: date, estimates: Sequence[Estimate], contact: Contact
) -> tuple[datetime, datetime]:
    near = [one.start for one in estimates if one.metres(-SURELY) <= contact.metres]
    starts = near or [one.start for one in estimates]
    if not starts:
        return midnight(day), midnight(day) + timedelta(days=1)
    return min(starts), max(starts) + timedelta(seconds=SCAN_SECONDS)


def _most_serious(windows: Iterable[ExposureWindow]) -> ReportType:
    return min((window.report_type for window in windows), key=_SERIOUSNESS.index)
