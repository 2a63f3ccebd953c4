"""The German Corona-Warn-App's second rules (version 1.15 and later), in weighted minutes.

They go by the *minimum* attenuation of a scan, encode report type and infectiousness in one
transmission risk level, and count distinct encounters.  Parameters and rounding are those of
cwa-app-android's DefaultRiskLevels and cwa-server's risk-calculation-parameters-1.15.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bluezone_node.alerts import AlertLevel
from bluezone_node.proximity.distance import Estimate
from bluezone_node.proximity.model import ExposureWindow, Infectiousness, ReportType, ScanInstance
from bluezone_node.proximity.rounding import half_up
from bluezone_node.proximity.rules.verdict import (
    COUNTED,
    USUAL_CONTACT,
    Contact,
    InfectiousnessMap,
    Verdict,
)

_REPORT_TYPE_OFFSET = {
    ReportType.RECURSIVE: 0,
    ReportType.SELF_REPORT: 2,
    ReportType.CONFIRMED_CLINICAL: 4,
    ReportType.CONFIRMED_TEST: 6,
}


@dataclass(frozen=True, slots=True)
class CwaRules:
    attenuation_limits: tuple[int, int, int]
    """Attenuations, dB, at which the bands below end: each limit belongs to the next band."""
    attenuation_weights: tuple[float, float, float]
    """Of the three bands; beyond the last nothing counts."""
    transmission_risk_values: tuple[float, ...]
    """Of the transmission risk levels 1 to 8."""
    low_minutes: float
    high_minutes: float
    infectiousness: InfectiousnessMap
    report_type_when_missing: ReportType
    max_age_days: int = 0

    @property
    def lowest_level(self) -> AlertLevel:
        return AlertLevel.LOW

    @property
    def contact(self) -> Contact:
        return USUAL_CONTACT

    def counts(self, window: ExposureWindow) -> bool:
        return (
            window.report_type in COUNTED
            # The framework on the phones never handed such a window to the app.
            and window.infectiousness is not Infectiousness.NONE
        )

    def judge(self, windows: Sequence[ExposureWindow], estimates: Sequence[Estimate]) -> Verdict:
        minutes = [self._minutes(window) for window in windows]
        # To one decimal, as the app since EXPOSUREAPP-12211: 8.9999… minutes are 9.
        day = half_up(sum(minutes) * 10) / 10
        level = AlertLevel.HIGH if day >= self.high_minutes else AlertLevel.LOW
        if day < self.low_minutes:
            return Verdict(day, AlertLevel.NONE, encounters=(0, 0))
        high = [m >= self.high_minutes for m in minutes]
        encounters = (
            _distinct(window for window, is_high in zip(windows, high, strict=True) if not is_high),
            _distinct(window for window, is_high in zip(windows, high, strict=True) if is_high),
        )
        return Verdict(day, level, encounters)

    def _minutes(self, window: ExposureWindow) -> float:
        seconds = sum(max(scan.seconds, 0) * self._weight(scan) for scan in window.scans)
        return self.transmission_risk_values[_risk_level(window) - 1] * (seconds / 60)

    def _weight(self, scan: ScanInstance) -> float:
        for limit, weight in zip(self.attenuation_limits, self.attenuation_weights, strict=True):
            if scan.min_attenuation < limit:
                return weight
        return 0.0


def _risk_level(window: ExposureWindow) -> int:
    """Return the transmission risk level, 1 to 8."""
    high = window.infectiousness is Infectiousness.HIGH
    return _REPORT_TYPE_OFFSET[window.report_type] + (2 if high else 1)


def _distinct(windows: Iterable[ExposureWindow]) -> int:
    """Count people at least: windows alike in all that could tell their owners apart are one."""
    return len({(_risk_level(window), window.calibration_confidence) for window in windows})
