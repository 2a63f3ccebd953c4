"""How near, and for how long: distance from attenuation, with how sure that is.

Attenuation gives an *apparent* distance: the one at which an average link would lose as much.
It follows a random walk in the logarithm of distance, and each scan measures it with fading and
with the scatter of its packets; a Kalman smoother (forward, then backward over the encounter) is
the exact Bayes filter of that.

No link is average.  Bodies, pockets and devices shift all of a link's readings by the same
unknown bias, of 3 to 8 dB, for as long as the link lasts.  Apparent and true distance therefore
part by a factor that is drawn once a link:

    ln d = ln typical + w · (apparent - ln typical) + s · z,    z ~ N(0, 1), the same in all scans

where w and s are those of two Gaussians, the bias and how people space themselves
(`Profile.distance_spread`).  Expected times are averages over z; an interval is what comes out
with z at its ends, everything wrong in the same direction: the widest that these scans allow.

The bias is integrated over and never learned from the encounter itself: nothing in it can tell a
weak link from a far one.  That is also why a nearer minute never lowers the dose, and why a far
one makes no other nearer, but for the little that a link heard for longer is known better.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from math import erfc, exp, log, sqrt

from bluezone_node.proximity.model import ScanInstance
from bluezone_node.proximity.profile import Profile

SURELY = 1.645
"""Standard deviations either way that hold nine in ten: intervals run from 5 to 95 percent."""

BELIEVED_PACKETS = 10
"""How many packets the profile's scatter is worth against the scatter seen in a scan: a handful
of packets says little of how much they scatter, thirty say it all."""


LARGEST_LOSS = 150.0
"""Attenuation, dB, beyond which nothing is heard: 20 dBm sent, -127 heard. What claims more, or
less than nothing, is taken for the bound."""


JUMP = 2.0
"""Standard deviations of its own noise by which the neighbours of a scan may move it.  A walk has
no jumps and people do: they sit for an hour (the logarithm of distance drifts by 0.05 in a typical
minute of DP-3T's experiments) and then get up and leave (root mean square 0.25).  Without a bound,
the hour would lend nearness to the minutes after it."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """The distance during one scan, log-normal."""

    start: datetime
    seconds: float
    log_distance: float
    """Mean of the natural logarithm of the metres."""
    deviation: float
    """Its standard deviation, more than 0."""

    def metres(self, deviations: float = 0.0) -> float:
        """Return the distance if the link is *deviations* from its mean; 0: the median."""
        return exp(self.log_distance + deviations * self.deviation)

    def chance_within(self, metres: float) -> float:
        """Return the probability that the distance was at most *metres*."""
        return _below((log(metres) - self.log_distance) / self.deviation)

    def dose_rate(self) -> float:
        """Return the expectation of min(1, 1/d²), d in metres."""
        mean, deviation = self.log_distance, self.deviation
        square = deviation * deviation
        beyond_1m = exp(2 * square - 2 * mean) * _below(mean / deviation - 2 * deviation)
        return _below(-mean / deviation) + beyond_1m


def estimate(scans: Iterable[ScanInstance], profile: Profile) -> tuple[Estimate, ...]:
    """Return the distance during each of one link's *scans*, ascending by time.

    Scans may come in any order and more than one at a time; what lies between them may be any
    gap.  None of them is empty.
    """
    ordered = sorted(scans, key=lambda scan: scan.start)
    scale = profile.exponent * 10 / log(10)
    typical = log(profile.typical_distance)
    bias = (profile.link_spread / scale) ** 2
    spacing = profile.distance_spread**2
    estimates = []
    for scan, (apparent, variance) in zip(ordered, _apparent(ordered, profile, scale), strict=True):
        unsure = bias + variance
        weight = spacing / (spacing + unsure)
        mean = typical + weight * (apparent - typical)
        seconds = max(float(scan.seconds), 0.0)
        estimates.append(Estimate(scan.start, seconds, mean, sqrt(weight * unsure)))
    return tuple(estimates)


def minutes_within(
    estimates: Iterable[Estimate], metres: float, at_most: float = float("inf")
) -> float:
    """Return the expected minutes within *metres*, of the nearest *at_most* minutes."""
    left, minutes = at_most * 60, 0.0
    for chance, seconds in _nearest_first(estimates, metres):
        counted = min(seconds, left)
        minutes += chance * counted / 60
        left -= counted
    return minutes


def minutes_if(estimates: Iterable[Estimate], metres: float, deviations: float) -> float:
    """Return the minutes within *metres* if every link is *deviations* from its mean."""
    return sum(one.seconds for one in estimates if one.metres(deviations) <= metres) / 60


def nearest_scan(estimates: Iterable[Estimate]) -> float:
    """Return the minutes by which the length of an encounter is off at most: half a scan.

    Looks every five minutes show a quarter of an hour as 12.5 to 17.5.
    """
    return max((one.seconds for one in estimates), default=0.0) / 120


def chance_of(estimates: Sequence[Estimate], metres: float, minutes: float) -> float:
    """Return the probability that *minutes* or more, to the nearest scan, were within *metres*."""
    left = (minutes - nearest_scan(estimates)) * 60
    for chance, seconds in _nearest_first(estimates, metres):
        left -= seconds
        if left <= 0:
            return chance
    return 0.0


def dose(estimates: Iterable[Estimate]) -> float:
    """Return the expected dose, ∫ min(1, 1/d²) dt, in minutes at one metre or nearer."""
    return sum(one.dose_rate() * one.seconds for one in estimates) / 60


def dose_if(estimates: Iterable[Estimate], deviations: float) -> float:
    """Return the dose if every link is *deviations* from its mean."""
    return sum(min(1.0, one.metres(deviations) ** -2) * one.seconds for one in estimates) / 60


def _nearest_first(estimates: Iterable[Estimate], metres: float) -> list[tuple[float, float]]:
    """Return (probability within *metres*, seconds) of each, the likeliest first."""
    return sorted(((one.chance_within(metres), one.seconds) for one in estimates), reverse=True)


def _apparent(
    scans: Sequence[ScanInstance], profile: Profile, scale: float
) -> list[tuple[float, float]]:
    """Return mean and variance of the logarithm of the apparent distance during each scan."""
    measured = [_measured(scan, profile, scale) for scan in scans]
    smoothed = measured[:1]
    drifted: list[float] = []
    """Variance of each scan's prediction from those before it."""
    for (earlier, later), (level, noise) in zip(pairwise(scans), measured[1:], strict=True):
        mean, variance = smoothed[-1]
        minutes = (later.start - earlier.start).total_seconds() / 60
        drifted.append(variance + profile.drift**2 * minutes)
        gain = drifted[-1] / (drifted[-1] + noise)
        smoothed.append((mean + gain * (level - mean), drifted[-1] * (1 - gain)))
    for index in range(len(scans) - 2, -1, -1):
        mean, variance = smoothed[index]
        later_mean, later_variance = smoothed[index + 1]
        back = variance / drifted[index]
        smoothed[index] = (
            mean + back * (later_mean - mean),
            variance + back**2 * (later_variance - drifted[index]),
        )
    return [
        (_within(mean, level, JUMP * sqrt(noise)), variance)
        for (mean, variance), (level, noise) in zip(smoothed, measured, strict=True)
    ]


def _measured(scan: ScanInstance, profile: Profile, scale: float) -> tuple[float, float]:
    """Return what *scan* alone says of the logarithm of the apparent distance: mean, variance."""
    loss = min(max(scan.mean_attenuation, 0.0), LARGEST_LOSS)
    return (loss - profile.loss_at_1m) / scale, _noise(scan, profile) / scale**2


def _within(value: float, middle: float, reach: float) -> float:
    return min(max(value, middle - reach), middle + reach)


def _noise(scan: ScanInstance, profile: Profile) -> float:
    """Return the variance, dB², with which the mean attenuation of *scan* tells the link's."""
    expected = profile.packet_spread**2
    packets = max(scan.count, 1)
    if scan.spread is None:
        scatter = expected
    else:
        seen = scan.spread**2 * packets
        scatter = (BELIEVED_PACKETS * expected + seen) / (BELIEVED_PACKETS + packets)
    return profile.fading**2 + scatter / packets


def _below(deviations: float) -> float:
    """Return the standard normal distribution function."""
    return erfc(-deviations / sqrt(2)) / 2
