"""Whether two samples are of one kind."""

from bisect import bisect_right
from collections.abc import Sequence


def difference(one: Sequence[float], other: Sequence[float]) -> float:
    """Return Kolmogorov and Smirnov's statistic: 0 for two samples alike, 1 for two apart."""
    one, other = sorted(one), sorted(other)
    return max(
        abs(bisect_right(one, x) / len(one) - bisect_right(other, x) / len(other))
        for x in (*one, *other)
    )
