"""GAEN v2: daily summaries of weighted seconds, and levels by thresholds on them.

As in exposure-notifications-internals (DailySummaryUtils) and, for the levels, the reference
design of exposure-notifications-android (DailySummaryRiskCalculator).  Scores are in GAEN's own
unit, weighted seconds: a quarter of an hour at weight 1 is 900.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bluezone_node.alerts import AlertLevel
from bluezone_node.proximity.distance import Estimate
from bluezone_node.proximity.model import ExposureWindow, Infectiousness, ReportType, ScanInstance
from bluezone_node.proximity.rules.verdict import (
    COUNTED,
    USUAL_CONTACT,
    Contact,
    InfectiousnessMap,
    Verdict,
)


@dataclass(frozen=True, slots=True)
class ReportTypeWeights:
    confirmed_test: float
    confirmed_clinical: float
    self_report: float
    recursive: float

    def of(self, report_type: ReportType) -> float:
        """Return the weight; 0 for the types that never count."""
        match report_type:
            case ReportType.CONFIRMED_TEST:
                return self.confirmed_test
            case ReportType.CONFIRMED_CLINICAL:
                return self.confirmed_clinical
            case ReportType.SELF_REPORT:
                return self.self_report
            case ReportType.RECURSIVE:
                return self.recursive
            case _:
                return 0.0


@dataclass(frozen=True, slots=True)
class Level:
    """A level and what reaches it: any threshold that is set (not 0), in weighted seconds."""

    level: AlertLevel
    day_sum: float = 0
    """Sum of the scores of the day's windows."""
    day_max: float = 0
    """Highest score of one window."""
    weighted_duration: float = 0
    """Sum of the durations weighted by attenuation only."""
    confirmed_test_sum: float = 0
    """Sum of the scores of the windows with this report type, likewise below."""
    confirmed_clinical_sum: float = 0
    self_report_sum: float = 0
    recursive_sum: float = 0


@dataclass(frozen=True, slots=True)
class GaenRules:
    attenuation_thresholds: tuple[int, int, int]
    """Largest typical attenuation, dB, that is immediate, near and medium; ascending."""
    attenuation_weights: tuple[float, float, float, float]
    """Of immediate, near, medium and other, 0 to 2.5."""
    infectiousness: InfectiousnessMap
    infectiousness_weights: tuple[float, float, float]
    """Of none, standard and high, 0 to 2.5."""
    report_type_weights: ReportTypeWeights
    report_type_when_missing: ReportType
    levels: tuple[Level, ...]
    """In order of priority: the first one reached is the level of the day."""
    minimum_window_score: float = 0
    """A window that scores less is left out."""
    max_age_days: int = 0
    """daysSinceExposureThreshold."""

    @property
    def lowest_level(self) -> AlertLevel:
        return AlertLevel.NONE

    @property
    def contact(self) -> Contact:
        return USUAL_CONTACT

    def counts(self, window: ExposureWindow) -> bool:
        return (
            window.report_type in COUNTED
            and self._factor(window) > 0
            and self._duration(window) * self._factor(window) >= self.minimum_window_score
        )

    def judge(self, windows: Sequence[ExposureWindow], estimates: Sequence[Estimate]) -> Verdict:
        scores = [self._duration(window) * self._factor(window) for window in windows]
        measures = {
            "day_sum": sum(scores),
            "day_max": max(scores, default=0.0),
            "weighted_duration": sum(map(self._duration, windows)),
        }
        for report_type in COUNTED:
            measures[f"{report_type.name.lower()}_sum"] = sum(
                score
                for window, score in zip(windows, scores, strict=True)
                if window.report_type is report_type
            )
        reached = (rung.level for rung in self.levels if _reached(rung, measures))
        return Verdict(measures["day_sum"], next(reached, AlertLevel.NONE))

    def _duration(self, window: ExposureWindow) -> float:
        return sum(max(scan.seconds, 0) * self._weight(scan) for scan in window.scans)

    def _weight(self, scan: ScanInstance) -> float:
        bucket = sum(scan.typical_attenuation > limit for limit in self.attenuation_thresholds)
        return self.attenuation_weights[bucket]

    def _factor(self, window: ExposureWindow) -> float:
        infectious = self.infectiousness_weights[Infectiousness(window.infectiousness)]
        return infectious * self.report_type_weights.of(window.report_type)


def _reached(rung: Level, measures: dict[str, float]) -> bool:
    """Tell whether the measures reach any threshold of a level that is set."""
    return any(0 < getattr(rung, name) <= measure for name, measure in measures.items())
