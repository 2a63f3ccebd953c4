"""Fitting a profile's constants to links whose true distances are known.

Least squares and moments, each constant from the part of the scatter that it names:

* level and exponent: the mean attenuation of each link on its mean log-distance;
* spread between links: what that line leaves over;
* spread between packets: within a minute, pooled;
* fading: what minutes differ by within a link, beyond what packets explain;
* distance, its spread, and drift: how the people recorded did space themselves and move,
  minute by minute.

For all but the last, links count alike, however long they are: the scatter between them is what
matters most, and a long link tells no more of it than a short one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, log, sqrt
from statistics import fmean, median

from bluezone_node.errors import BadInput

LEAST_LINKS = 5
"""Links that a spread between them takes: from fewer it is a guess."""

LEAST_DISTANCES = 3
"""Distances that a slope takes. Two always lie on a line, and on a Raspberry Pi three near ones
do not: 0.5 m may read weaker than 1 m."""

SAME_DISTANCE = 0.1
"""Two links whose distances differ by less than a tenth are at one distance."""

LEAST_CORRELATION = 0.2
"""Of attenuation with log-distance. Phones on different people at different ranges show 0.04
(MIT Lincoln Laboratory, Range_Angle): a slope from that says nothing of distance."""

SURE_SLOPE = 2.0
"""Standard errors by which the slope must exceed nothing."""

SCATTER_PACKETS = 3
"""Packets of a minute from which its scatter and its mean are used for the spreads."""

SCATTER_MINUTES = 5
"""Such minutes that a link must have."""

LEAST_DRIFT = 0.001
"""Drift that is none: what the rounding of labels makes of people who sit still."""


@dataclass(frozen=True, slots=True)
class LabelledMinute:
    """What was heard on a link in one minute, and how far it was."""

    minute: int
    attenuations: tuple[float, ...]
    """Of each packet, dB; at least one."""
    log_metres: float
    """Mean natural logarithm of the true distance."""


@dataclass(frozen=True, slots=True)
class Fit:
    """The constants of a `Profile`, and what they rest on."""

    loss_at_1m: float
    exponent: float
    link_spread: float
    fading: float
    packet_spread: float
    typical_distance: float | None
    distance_spread: float | None
    """None, both: at so few distances it was not people who chose them."""
    drift: float | None
    """None: nobody moved, and the labels cannot tell."""
    links: int
    distances: int
    """Different ones among the links' means."""
    correlation: float | None
    """Of attenuation with log-distance over the links; None of a slope that was given."""
    exponent_error: float | None
    """Standard error of the exponent; None where that was given."""


def fit(links: Sequence[Sequence[LabelledMinute]], exponent: float | None = None) -> Fit:
    """Fit the constants to *links*, each with at least one minute; or to a given *exponent*.

    Raises:
        BadInput: reason ``too_few_links``, ``too_few_distances``, ``no_slope`` or ``no_scatter``.
    """
    if len(links) < LEAST_LINKS:
        raise BadInput(
            f"{len(links)} links are too few: how links differ takes at least {LEAST_LINKS}.",
            reason="too_few_links",
            hint="Record more pairs, or the same pair at more places.",
        )
    far = [fmean(minute.log_metres for minute in link) for link in links]
    lost = [fmean(fmean(minute.attenuations) for minute in link) for link in links]
    distances = _distinct(far)
    correlation = error = None
    degrees = len(links) - 1
    if exponent is None:
        exponent, correlation, error = _slope(far, lost, distances)
        degrees -= 1
    scale = 10 * exponent / log(10)
    level = fmean(lost) - scale * fmean(far)
    left = [loss - level - scale * at for at, loss in zip(far, lost, strict=True)]
    packets = _packet_variance(links)
    minutes = [minute.log_metres for link in links for minute in link]
    return Fit(
        loss_at_1m=level,
        exponent=exponent,
        link_spread=sqrt(sum(one**2 for one in left) / degrees),
        fading=sqrt(_fading_variance(links, scale, packets)),
        packet_spread=sqrt(packets),
        typical_distance=exp(median(minutes)) if distances >= LEAST_DISTANCES else None,
        distance_spread=sqrt(_variance(minutes)) if distances >= LEAST_DISTANCES else None,
        drift=_drift(links),
        links=len(links),
        distances=distances,
        correlation=correlation,
        exponent_error=error,
    )


def _slope(
    far: Sequence[float], lost: Sequence[float], distances: int
) -> tuple[float, float, float]:
    """Return exponent, correlation, and the exponent's standard error."""
    give = "Give the slope with --exponent (2 in line of sight, about 1 among people)."
    if distances < LEAST_DISTANCES:
        raise BadInput(
            f"A slope takes {LEAST_DISTANCES} distances or more, and here are {distances}.",
            reason="too_few_distances",
            hint=give,
        )
    across, down = _variance(far), _variance(lost)
    mean_far, mean_lost = fmean(far), fmean(lost)
    together = sum(
        (at - mean_far) * (loss - mean_lost) for at, loss in zip(far, lost, strict=True)
    ) / (len(far) - 1)
    slope = together / across
    correlation = together / sqrt(across * down) if down else 0.0
    left = max(down - slope * together, 0.0) * (len(far) - 1) / (len(far) - 2)
    error = sqrt(left / (across * (len(far) - 1)))
    if correlation < LEAST_CORRELATION or slope < SURE_SLOPE * error:
        raise BadInput(
            "Attenuation hardly grows with distance here "
            f"(correlation {correlation:.2f} over {len(far)} links): there is no slope to fit.",
            reason="no_slope",
            hint=give,
        )
    per_decade = log(10) / 10
    return slope * per_decade, correlation, error * per_decade


def _packet_variance(links: Sequence[Sequence[LabelledMinute]]) -> float:
    """Return the variance of packets within a minute, dB², pooled over all minutes."""
    squares, degrees = 0.0, 0
    for minute in (minute for link in links for minute in link):
        packets = len(minute.attenuations)
        if packets >= SCATTER_PACKETS:
            mean = fmean(minute.attenuations)
            squares += sum((loss - mean) ** 2 for loss in minute.attenuations)
            degrees += packets - 1
    if not squares:
        raise BadInput(
            f"No minute has {SCATTER_PACKETS} packets that differ: how packets scatter is unknown.",
            reason="no_scatter",
        )
    return squares / degrees


def _fading_variance(
    links: Sequence[Sequence[LabelledMinute]], scale: float, packets: float
) -> float:
    """Return the variance of minutes within a link, dB², less what packets and distance explain."""
    squares, degrees, explained = 0.0, 0, 0.0
    for link in links:
        minutes = [minute for minute in link if len(minute.attenuations) >= SCATTER_PACKETS]
        if len(minutes) < SCATTER_MINUTES:
            continue
        left = [fmean(minute.attenuations) - scale * minute.log_metres for minute in minutes]
        squares += _variance(left) * (len(left) - 1)
        degrees += len(left) - 1
        noise = fmean(packets / len(minute.attenuations) for minute in minutes)
        explained += noise * (len(left) - 1)
    # Where no link is long enough, minutes cannot be told from links.
    return max((squares - explained) / degrees, 0.0) if degrees else 0.0


def _drift(links: Sequence[Sequence[LabelledMinute]]) -> float | None:
    """Return the deviation of the log-distance after one minute, as a random walk's."""
    squares, minutes = 0.0, 0
    for link in links:
        ordered = sorted(link, key=lambda minute: minute.minute)
        for before, after in pairwise(ordered):
            squares += (after.log_metres - before.log_metres) ** 2
            minutes += after.minute - before.minute
    drift = sqrt(squares / minutes) if minutes else 0.0
    return drift if drift >= LEAST_DRIFT else None


def _distinct(far: Sequence[float]) -> int:
    """Count the distances that differ by a tenth or more from the one below."""
    count, last = 0, float("-inf")
    for at in sorted(far):
        if at - last >= SAME_DISTANCE:
            count, last = count + 1, at
    return count


def _variance(values: Sequence[float]) -> float:
    mean = fmean(values)
    return sum((value - mean) ** 2 for value in values) / (len(values) - 1)
