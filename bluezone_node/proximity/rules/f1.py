"""Close contact (F1) as Vietnam defined it: within so many metres for so many minutes of a day.

The law speaks of metres and the radio of decibels, and between them lies doubt: these rules count
the *expected* minutes within the limit, as `proximity.distance` estimates them.  A contact that
is read as exactly at the limit for exactly the legal time must be one, and what it is expected to
have spent within the limit is where the score says F1.  Time is known better than distance, so
the legal time itself, to the nearest scan, must not be out of the question.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bluezone_node.alerts import AlertLevel
from bluezone_node.proximity.distance import (
    SURELY,
    Estimate,
    minutes_if,
    minutes_within,
    nearest_scan,
)
from bluezone_node.proximity.model import ExposureWindow, Infectiousness, ReportType
from bluezone_node.proximity.rules.verdict import COUNTED, Contact, InfectiousnessMap, Verdict


@dataclass(frozen=True, slots=True)
class F1Rules:
    distance_m: float
    """The limit in the definition, metres."""
    minutes: float
    """The time in the definition."""
    alert_minutes: float
    """Expected minutes within the limit that are taken for a contact: about what one has that is
    read as exactly at the limit for exactly the legal time.  At 2 m, which is as near as people
    usually are, that is half of it; at 1 m a seventh."""
    counted_minutes: float
    """Minutes of a day that count, the nearest first.  Hours in one room would otherwise outweigh
    a quarter of an hour at a table by the mere number of their small chances."""
    infectiousness: InfectiousnessMap
    """The days in which a contact counts; high and standard alike."""
    report_type_when_missing: ReportType
    max_age_days: int = 0

    @property
    def lowest_level(self) -> AlertLevel:
        return AlertLevel.NONE

    @property
    def contact(self) -> Contact:
        return Contact(self.distance_m, self.minutes)

    def counts(self, window: ExposureWindow) -> bool:
        return window.report_type in COUNTED and window.infectiousness is not Infectiousness.NONE

    def judge(self, windows: Sequence[ExposureWindow], estimates: Sequence[Estimate]) -> Verdict:
        expected = minutes_within(estimates, self.distance_m, self.counted_minutes)
        longest = minutes_if(estimates, self.distance_m, -SURELY) + nearest_scan(estimates)
        contact = expected >= self.alert_minutes and longest >= self.minutes
        return Verdict(expected, AlertLevel.HIGH if contact else AlertLevel.NONE)
