"""Rules like those of the NHS Covid-19 app of England and Wales: a dose, time over distance².

Score of a window = 60 · Σ minutes · min(1, 1/d²) · infectiousness, and a day is as bad as its
worst window.  The app smoothed the distance with an unscented Kalman filter over the scans; here
each scan's distance is the inverse of the same path loss model, ln(attenuation) = slope·ln(d) +
intercept, at its minimum attenuation.  Hence *like*: a single strong packet weighs more here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log

from bluezone_node.alerts import AlertLevel
from bluezone_node.proximity.distance import Estimate
from bluezone_node.proximity.model import ExposureWindow, Infectiousness, ReportType
from bluezone_node.proximity.rules.verdict import (
    COUNTED,
    USUAL_CONTACT,
    Contact,
    InfectiousnessMap,
    Verdict,
)

SCORE_OF_A_MINUTE = 60
"""What one minute within one metre of a person at the height of infectiousness scores."""


@dataclass(frozen=True, slots=True)
class NhsRules:
    slope: float
    intercept: float
    """Of ln(attenuation in dB) over ln(distance in m)."""
    threshold: float
    """Score of one window that is an exposure."""
    infectiousness: InfectiousnessMap
    infectiousness_weights: tuple[float, float, float]
    report_type_when_missing: ReportType
    max_age_days: int = 0

    @property
    def lowest_level(self) -> AlertLevel:
        return AlertLevel.NONE

    @property
    def contact(self) -> Contact:
        return USUAL_CONTACT

    def distance(self, attenuation: float) -> float:
        """Return the metres at which the model expects *attenuation*."""
        return exp((log(max(attenuation, 1)) - self.intercept) / self.slope)

    def counts(self, window: ExposureWindow) -> bool:
        return window.report_type in COUNTED and self._infectious(window) > 0

    def judge(self, windows: Sequence[ExposureWindow], estimates: Sequence[Estimate]) -> Verdict:
        score = max(map(self._score, windows), default=0.0)
        level = AlertLevel.HIGH if score >= self.threshold else AlertLevel.NONE
        return Verdict(score, level)

    def _score(self, window: ExposureWindow) -> float:
        dose = sum(
            max(scan.seconds, 0) / 60 * min(1.0, self.distance(scan.min_attenuation) ** -2)
            for scan in window.scans
        )
        return SCORE_OF_A_MINUTE * dose * self._infectious(window)

    def _infectious(self, window: ExposureWindow) -> float:
        return self.infectiousness_weights[Infectiousness(window.infectiousness)]
