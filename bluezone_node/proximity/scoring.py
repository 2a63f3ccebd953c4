"""How well a method tells contacts from others, by the figures that the field compares.

Pure: scores and the truth in, figures out.  A figure that the sample cannot tell, such as a share
of no contacts at all, is None and never a number that looks like one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

NINETEEN_IN_TWENTY = 1.96
"""Standard deviations either way of an interval of 95 percent."""


@dataclass(frozen=True, slots=True)
class Decisions:
    """How often alerting was right and wrong."""

    hits: int
    misses: int
    false_alarms: int
    correct_silences: int

    @property
    def p_miss(self) -> float | None:
        """Share of the contacts that raised no alert."""
        return _share(self.misses, self.hits + self.misses)

    @property
    def p_fa(self) -> float | None:
        """Share of the others that raised one."""
        return _share(self.false_alarms, self.false_alarms + self.correct_silences)

    @property
    def recall(self) -> float | None:
        """Share of the contacts that raised an alert."""
        return _share(self.hits, self.hits + self.misses)

    @property
    def precision(self) -> float | None:
        """Share of the alerts that were contacts."""
        return _share(self.hits, self.hits + self.false_alarms)

    @property
    def ndcf(self) -> float | None:
        """Normalised detection cost: 0 is perfect, 1 is never (or always) alerting.

        (P_miss + P_fa) / min(w) with both weights 1: the NIST TC4TL challenge's scorer.
        """
        if self.p_miss is None or self.p_fa is None:
            return None
        return self.p_miss + self.p_fa


@dataclass(frozen=True, slots=True)
class Best:
    """The lowest cost that any threshold reaches on these very samples: an optimistic figure."""

    ndcf: float
    threshold: float | None
    """The score from which it alerts; None: it had better never."""


@dataclass(frozen=True, slots=True)
class DoseError:
    """In minutes at one metre."""

    mean_absolute: float
    bias: float
    """Mean of estimate - truth: more than 0 is too much."""


def decisions(alerts: Sequence[bool], contacts: Sequence[bool]) -> Decisions:
    """Count *alerts* against the *contacts* that there were, one a sample in both."""
    raised, real = np.asarray(alerts, bool), np.asarray(contacts, bool)
    return Decisions(
        hits=int((raised & real).sum()),
        misses=int((~raised & real).sum()),
        false_alarms=int((raised & ~real).sum()),
        correct_silences=int((~raised & ~real).sum()),
    )


def best(scores: Sequence[float], contacts: Sequence[bool]) -> Best | None:
    """Return the threshold of lowest cost; None where contacts or others are missing."""
    values, real = np.asarray(scores, float), np.asarray(contacts, bool)
    positives, negatives = int(real.sum()), int((~real).sum())
    if not positives or not negatives:
        return None
    order = np.argsort(-values, kind="stable")
    ranked = values[order]
    hits = np.cumsum(real[order]) / positives
    false_alarms = np.cumsum(~real[order]) / negatives
    # A threshold takes all samples of one score or none of them.
    last_of_score = np.append(ranked[1:] != ranked[:-1], True)
    costs = (1 - hits + false_alarms)[last_of_score]
    lowest = int(np.argmin(costs))
    if costs[lowest] >= 1:
        return Best(1.0, None)
    return Best(float(costs[lowest]), float(ranked[last_of_score][lowest]))


def auc(scores: Sequence[float], contacts: Sequence[bool]) -> float | None:
    """Return the probability that a contact scores more than another; equal scores are half.

    None where contacts or others are missing.
    """
    placed = _placements(scores, contacts)
    return None if placed is None else float(placed[0].mean())


def auc_interval(
    scores: Sequence[float], contacts: Sequence[bool], groups: Sequence[str]
) -> tuple[float, float] | None:
    """Return the interval of 95 percent of `auc`; None where there is no telling.

    Samples of one group (one scene, one room) are not independent, so the variance is taken
    between groups (N. A. Obuchowski, Nonparametric analysis of clustered ROC curve data,
    Biometrics 53, 1997; with every sample its own group it is close to DeLong's).  Contacts must
    be of two groups at least, and so must the others; of a handful of groups it is too narrow.
    """
    placed = _placements(scores, contacts)
    if placed is None:
        return None
    of_contacts, of_others = placed
    area = float(of_contacts.mean())
    real = np.asarray(contacts, bool)
    _, group = np.unique(np.asarray(groups), return_inverse=True)
    if len(set(group[real])) < 2 or len(set(group[~real])) < 2:
        return None
    count = int(group.max()) + 1
    above = np.bincount(group[real], of_contacts - area, count) / len(of_contacts)
    below = np.bincount(group[~real], of_others - area, count) / len(of_others)
    variance = float(((above + below) ** 2).sum()) * count / (count - 1)
    if variance <= 0:
        return None
    width = NINETEEN_IN_TWENTY * sqrt(variance)
    return max(area - width, 0.0), min(area + width, 1.0)


def wilson(successes: int, trials: int) -> tuple[float, float] | None:
    """Return the interval of 95 percent of a share (E. B. Wilson 1927); None of no trials."""
    if not trials:
        return None
    square = NINETEEN_IN_TWENTY**2
    share = successes / trials
    middle = (share + square / (2 * trials)) / (1 + square / trials)
    width = (
        NINETEEN_IN_TWENTY
        * sqrt(share * (1 - share) / trials + square / (4 * trials**2))
        / (1 + square / trials)
    )
    # At the ends the interval touches them, and rounding must not leave a hair in between.
    return (
        0.0 if successes == 0 else middle - width,
        1.0 if successes == trials else middle + width,
    )


def dose_error(doses: Sequence[float], truths: Sequence[float]) -> DoseError:
    """Return how far *doses* are from the *truths*, minutes at one metre; at least one of each."""
    errors = np.asarray(doses, float) - np.asarray(truths, float)
    return DoseError(float(np.abs(errors).mean()), float(errors.mean()))


def _placements(
    scores: Sequence[float], contacts: Sequence[bool]
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return of each contact the share of others below it, of each other that of contacts above."""
    values, real = np.asarray(scores, float), np.asarray(contacts, bool)
    positives, negatives = values[real], values[~real]
    if not len(positives) or not len(negatives):
        return None
    return _share_below(negatives, positives), 1 - _share_below(positives, negatives)


def _share_below(sample: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of *sample* less than each of *values*, equal ones counted half."""
    ranked = np.sort(sample)
    less = np.searchsorted(ranked, values, side="left")
    up_to = np.searchsorted(ranked, values, side="right")
    return (less + up_to) / (2 * len(sample))


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
