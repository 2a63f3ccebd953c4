"""Close contact (F1) as Vietnam defined it: within so many metres for so many minutes of a day.

The law speaks of metres and the radio of decibels.  Attenuation at a given distance differs from
link to link by 5 to 8 dB (bodies, pockets, devices), so no decibel is 2 m.  These rules keep that
doubt: each minute counts with the probability that it was within the limit,

    Φ((limit_db − typical attenuation) / spread_db),

and the score is the expected number of minutes within the limit.  A contact that stays exactly
at the limit for exactly the legal time is expected to have been within it for half of that, and
so half is where the score says F1.  Time is known better than distance, so the legal time itself,
to the nearest scan, must have been spent where being within the limit is at least plausible.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import erf, sqrt

from bluezone_node.alerts import AlertLevel
from bluezone_node.proximity.model import ExposureWindow, Infectiousness, ReportType, ScanInstance
from bluezone_node.proximity.rules.verdict import COUNTED, InfectiousnessMap, Verdict


@dataclass(frozen=True, slots=True)
class F1Rules:
    distance_m: float
    """The limit in the definition, metres: what `limit_db` stands for."""
    minutes: float
    """The time in the definition."""
    limit_db: int
    """Attenuation at which within the limit is as likely as beyond it."""
    spread_db: int
    """Standard deviation from link to link; one above the limit is still plausible."""
    infectiousness: InfectiousnessMap
    """The days in which a contact counts; high and standard alike."""
    report_type_when_missing: ReportType
    max_age_days: int = 0

    @property
    def lowest_level(self) -> AlertLevel:
        return AlertLevel.NONE

    @property
    def bands(self) -> tuple[int, int]:
        return self.limit_db, self.limit_db + self.spread_db

    def attenuation(self, scan: ScanInstance) -> int:
        return scan.typical_attenuation

    def counts(self, window: ExposureWindow) -> bool:
        return window.report_type in COUNTED and window.infectiousness is not Infectiousness.NONE

    def judge(self, windows: Sequence[ExposureWindow]) -> Verdict:
        scans = [scan for window in windows for scan in window.scans]
        expected = sum(_minutes(scan) * self.probability_within(scan) for scan in scans)
        plausible = [_minutes(scan) for scan in scans if self._plausible(scan)]
        # To the nearest scan: looks every five minutes show a quarter of an hour as 12.5 to 17.5.
        longest = sum(plausible) + max(plausible, default=0.0) / 2
        ratio = min(expected / (self.minutes / 2), longest / self.minutes)
        return Verdict(expected, AlertLevel.HIGH if ratio >= 1 else AlertLevel.NONE, ratio)

    def probability_within(self, scan: ScanInstance) -> float:
        """Return the probability that *scan* was within the limit."""
        deviations = (self.limit_db - scan.typical_attenuation) / self.spread_db
        return (1 + erf(deviations / sqrt(2))) / 2

    def _plausible(self, scan: ScanInstance) -> bool:
        return scan.typical_attenuation <= self.limit_db + self.spread_db


def _minutes(scan: ScanInstance) -> float:
    return max(scan.seconds, 0) / 60
