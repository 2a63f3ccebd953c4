"""The methods that an evaluation compares: every preset, the estimator itself, and plain rules.

The plain rules are the floor: a preset that does no better than counting minutes heard, with no
look at signal strength, gains nothing from it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import erfc, log10, sqrt

from bluezone_node.alerts import AlertLevel
from bluezone_node.commands.lab.rhythm import worst_windows
from bluezone_node.commands.lab.samples import Sample
from bluezone_node.presets import load_preset, preset_names
from bluezone_node.proximity.distance import dose, estimate, minutes_within
from bluezone_node.proximity.model import ScanInstance
from bluezone_node.proximity.preset import Preset
from bluezone_node.proximity.risk import assess

ALERT_SHARE = 7 / 15
"""Share of the legal time that, expected within the limit, is taken for a contact; and"""
COUNTED_TIMES = 25 / 15
"""how many times the legal time is counted at most: as in the presets ``vn-f1-…``."""

_SECONDS_SCORE = 60.0
"""Score of a minute at weight 1 in ``gaen-v2`` (weighted seconds), and of one at 1 m in ``nhs``."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a method says of one sample."""

    score: float
    """Larger is more surely a contact; 0 of what was never heard."""
    alert: bool
    """At the method's own threshold."""
    dose: float
    """Minutes at one metre, or the method's score read as that."""


@dataclass(frozen=True, slots=True)
class Method:
    name: str
    judge: Callable[[Sample], Outcome]


def methods(metres: float, minutes: float) -> list[Method]:
    """Return all methods for contacts of *minutes* within *metres*.

    Presets have limits of their own, which these do not change.
    """
    return [
        *(Method(name, _preset(load_preset(name))) for name in preset_names()),
        Method("expected-minutes", _expected_minutes(metres, minutes)),
        Method("expected-dose", _expected_dose(metres, minutes)),
        Method("mean-path-loss", _mean_path_loss(metres, minutes)),
        Method("minutes-heard", _minutes_heard(minutes)),
    ]


def _preset(preset: Preset) -> Callable[[Sample], Outcome]:
    unit = _SECONDS_SCORE if preset.kind in ("gaen-v2", "nhs") else 1.0

    def judge(sample: Sample) -> Outcome:
        days = assess(worst_windows(sample.scans), preset, sample.profile).days
        return Outcome(
            score=max((day.score for day in days), default=0.0),
            alert=any(day.level is AlertLevel.HIGH for day in days),
            dose=sum(day.score for day in days) / unit,
        )

    return judge


def _expected_minutes(metres: float, minutes: float) -> Callable[[Sample], Outcome]:
    """The expected minutes within the limit, of the nearest ones, as the F1 rules count them."""
    threshold, counted = ALERT_SHARE * minutes, COUNTED_TIMES * minutes

    def judge(sample: Sample) -> Outcome:
        estimates = estimate(sample.scans, sample.profile)
        expected = minutes_within(estimates, metres, counted)
        return Outcome(expected, expected >= threshold, expected)

    return judge


def _expected_dose(metres: float, minutes: float) -> Callable[[Sample], Outcome]:
    threshold = _least_dose(metres, minutes)

    def judge(sample: Sample) -> Outcome:
        expected = dose(estimate(sample.scans, sample.profile))
        return Outcome(expected, expected >= threshold, expected)

    return judge


def _mean_path_loss(metres: float, minutes: float) -> Callable[[Sample], Outcome]:
    """The minutes heard, times the probability that a link of that mean loss is so near.

    No smoothing, and no word on how people usually space themselves.
    """
    # At the limit the probability is a half.
    threshold = minutes / 2

    def judge(sample: Sample) -> Outcome:
        heard = _heard(sample.scans)
        if not heard:
            return Outcome(0.0, False, 0.0)
        profile = sample.profile
        loss = sum(s.mean_attenuation * s.seconds for s in sample.scans) / (60 * heard)
        beyond = loss - profile.loss_at_1m - 10 * profile.exponent * log10(metres)
        score = heard * erfc(beyond / max(profile.link_spread, 1e-6) / sqrt(2)) / 2
        found = float(10 ** ((loss - profile.loss_at_1m) / (10 * profile.exponent)))
        return Outcome(score, score >= threshold, heard * _dose_rate(found))

    return judge


def _minutes_heard(minutes: float) -> Callable[[Sample], Outcome]:
    def judge(sample: Sample) -> Outcome:
        heard = _heard(sample.scans)
        return Outcome(heard, heard >= minutes, heard)

    return judge


def _least_dose(metres: float, minutes: float) -> float:
    """Return the dose of a contact that is no longer and no nearer than it must be."""
    return minutes * _dose_rate(metres)


def _dose_rate(metres: float) -> float:
    return 1.0 if metres <= 1 else metres**-2


def _heard(scans: Sequence[ScanInstance]) -> float:
    return sum(scan.seconds for scan in scans) / 60
