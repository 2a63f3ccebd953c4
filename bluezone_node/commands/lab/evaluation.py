"""What came out of an evaluation: the figures of every method on one labelled recording."""

from collections.abc import Sequence
from dataclasses import dataclass

from bluezone_node.commands.lab.methods import Method
from bluezone_node.commands.lab.samples import Sample
from bluezone_node.proximity.distance import SURELY, chance_of, estimate, minutes_if
from bluezone_node.proximity.risk import how_sure
from bluezone_node.proximity.scoring import (
    auc,
    auc_interval,
    best,
    decisions,
    dose_error,
    wilson,
)

Interval = tuple[float, float] | None

HALF_A_MINUTE = 0.5
"""What minutes heard as whole scans may differ from a stopwatch."""


@dataclass(frozen=True, slots=True)
class MethodFigures:
    """Of one method on one recording; None where these samples cannot tell.

    Intervals are of 95 percent: those of the AUC between scenes, the others as if samples were
    independent, which they are not quite: too narrow rather than too wide.
    """

    method: str
    auc: float | None
    auc_interval: Interval
    p_miss: float | None
    """These six at the method's own threshold, None where a sample is too short to reach it."""
    p_fa: float | None
    ndcf: float | None
    precision: float | None
    precision_interval: Interval
    recall: float | None
    recall_interval: Interval
    min_ndcf: float | None
    """At the threshold that is best on these very samples: optimistic."""
    best_threshold: float | None
    """In the method's own unit; None where never alerting is best."""
    dose_mae: float
    """Minutes at one metre."""
    dose_bias: float


@dataclass(frozen=True, slots=True)
class Told:
    """How often what the estimator said came true, where it said about the same."""

    chance: str
    """'high' (two in three or more), 'medium' or 'low' (below one in three): alerts' words."""
    samples: int
    contacts: int
    share: float | None
    share_interval: Interval


@dataclass(frozen=True, slots=True)
class Reliability:
    """Whether the estimator is as sure as it should be, over the samples that were heard."""

    told: tuple[Told, ...]
    covered: float | None
    """Share whose true minutes within the limit lie between the bounds, which claim 0.9, to the
    nearest half minute; None where nothing was heard."""


@dataclass(frozen=True, slots=True)
class SetFigures:
    """Of all methods on one recording."""

    set: str
    samples: int
    contacts: int
    scenes: int
    unheard: int
    """Samples in which nothing was heard."""
    window: int | None
    """Minutes of a sample; None where a sample is a whole link."""
    profiles: tuple[str, ...]
    mean_dose: float
    """True, minutes at one metre."""
    methods: tuple[MethodFigures, ...]
    reliability: Reliability
    notes: tuple[str, ...]


def figures_of(method: Method, samples: Sequence[Sample], *, decide: bool) -> MethodFigures:
    """Judge *samples* (at least one) by *method*; *decide*: also at its own threshold."""
    outcomes = [method.judge(sample) for sample in samples]
    # As in `lab replay`: what differs by less is the arithmetic's doing, and a tie.
    scores = [round(outcome.score, 6) for outcome in outcomes]
    contacts = [sample.contact for sample in samples]
    made = decisions([outcome.alert for outcome in outcomes], contacts)
    alerts, real = made.hits + made.false_alarms, made.hits + made.misses
    lowest = best(scores, contacts)
    error = dose_error([outcome.dose for outcome in outcomes], [sample.dose for sample in samples])
    return MethodFigures(
        method=method.name,
        auc=_rounded(auc(scores, contacts)),
        auc_interval=_both(auc_interval(scores, contacts, [s.scenario for s in samples])),
        p_miss=_rounded(made.p_miss) if decide else None,
        p_fa=_rounded(made.p_fa) if decide else None,
        ndcf=_rounded(made.ndcf) if decide else None,
        precision=_rounded(made.precision) if decide else None,
        precision_interval=_both(wilson(made.hits, alerts)) if decide else None,
        recall=_rounded(made.recall) if decide else None,
        recall_interval=_both(wilson(made.hits, real)) if decide else None,
        min_ndcf=_rounded(lowest.ndcf) if lowest else None,
        best_threshold=_rounded(lowest.threshold) if lowest else None,
        dose_mae=round(error.mean_absolute, 6),
        dose_bias=round(error.bias, 6),
    )


def reliability_of(samples: Sequence[Sample], metres: float) -> Reliability:
    """Compare what the estimator says of the heard ones of *samples* with what was true."""
    said: dict[str, list[bool]] = {"high": [], "medium": [], "low": []}
    covered = []
    for sample in samples:
        if not sample.scans:
            continue
        estimates = estimate(sample.scans, sample.profile)
        chance = chance_of(estimates, metres, sample.needed)
        said[how_sure(chance)].append(sample.contact)
        low, high = (minutes_if(estimates, metres, z) for z in (SURELY, -SURELY))
        covered.append(low - HALF_A_MINUTE <= sample.within <= high + HALF_A_MINUTE)
    return Reliability(
        tuple(
            Told(
                chance=word,
                samples=len(real),
                contacts=sum(real),
                share=_rounded(sum(real) / len(real)) if real else None,
                share_interval=_both(wilson(sum(real), len(real))),
            )
            for word, real in said.items()
        ),
        _rounded(sum(covered) / len(covered)) if covered else None,
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _both(interval: Interval) -> Interval:
    return None if interval is None else (round(interval[0], 6), round(interval[1], 6))
