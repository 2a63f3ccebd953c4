"""Fitting a profile: what was put in comes out, and what cannot be told is refused."""

import random
from math import log, log10

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.errors import BadInput
from bluezone_node.proximity.fitting import LabelledMinute, fit

Links = list[list[LabelledMinute]]


def links(
    metres: list[float], loss_at_1m: float = 60.0, exponent: float = 2.0, minutes: int = 4
) -> Links:
    """Links without any noise but two packets that differ by 2 dB either way."""
    return [
        [
            LabelledMinute(m, (level - 2, level, level + 2), log(far))
            for m in range(minutes)
            for level in [loss_at_1m + 10 * exponent * log10(far)]
        ]
        for far in metres
    ]


def noisy(
    seed: int, *, count: int, link: float, fading: float, packet: float, drift: float = 0.0
) -> Links:
    """Links as the estimator imagines them: 60 dB at 1 m, exponent 1.5, distances around 2 m."""
    rng = random.Random(seed)
    made = []
    for _ in range(count):
        bias, far = rng.gauss(0, link), log(2) + rng.gauss(0, 0.6)
        minutes = []
        for minute in range(20):
            level = 60 + 15 / log(10) * far + bias + rng.gauss(0, fading)
            packets = tuple(level + rng.gauss(0, packet) for _ in range(10))
            minutes.append(LabelledMinute(minute, packets, far))
            far += rng.gauss(0, drift)
        made.append(minutes)
    return made


@given(st.floats(30, 90), st.floats(0.8, 4))
def test_a_line_without_noise_is_found(level: float, exponent: float) -> None:
    """Level and exponent are those of the line, and nothing is left over between links."""
    told = fit(links([0.5, 1, 1.5, 2, 4, 8], level, exponent))
    assert told.loss_at_1m == pytest.approx(level)
    assert told.exponent == pytest.approx(exponent)
    assert told.link_spread == pytest.approx(0, abs=1e-5)
    assert told.fading == 0
    assert told.packet_spread == pytest.approx(2)
    assert (told.links, told.distances, told.drift) == (6, 6, None)


def test_each_constant_is_told_from_its_own_scatter() -> None:
    """Links drawn with known spreads give those spreads back."""
    told = fit(noisy(1, count=600, link=5, fading=3, packet=4, drift=0.2))
    assert told.loss_at_1m == pytest.approx(60, abs=1)
    assert told.exponent == pytest.approx(1.5, abs=0.25)
    assert told.link_spread == pytest.approx(5, rel=0.1)
    assert told.fading == pytest.approx(3, rel=0.1)
    assert told.packet_spread == pytest.approx(4, rel=0.05)
    assert told.drift == pytest.approx(0.2, rel=0.1)
    assert told.typical_distance == pytest.approx(2, rel=0.15)
    assert told.exponent_error is not None
    assert abs(told.exponent - 1.5) < 3 * told.exponent_error


def test_a_given_slope_is_kept() -> None:
    """Then the level is the best for it, and one distance will do."""
    told = fit(links([2.0] * 5, 60, 2.0), exponent=1.0)
    assert told.exponent == 1.0
    assert told.loss_at_1m == pytest.approx(60 + 10 * log10(2))
    assert (told.typical_distance, told.distance_spread, told.correlation) == (None, None, None)


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (links([1, 2, 4, 8]), "too_few_links"),
        (links([1, 1, 1, 2, 2]), "too_few_distances"),
        (links([1, 1.02, 1.04, 2, 2.05]), "too_few_distances"),
        (links([1, 2, 3, 4, 5], exponent=0.0), "no_slope"),
        (links([1, 2, 3, 4, 5], exponent=-1.0), "no_slope"),
        (noisy(3, count=8, link=40, fading=1, packet=2), "no_slope"),
        ([[LabelledMinute(0, (60.0,), log(d))] for d in (1, 2, 3, 4, 5)], "no_slope"),
    ],
)
def test_what_the_recordings_cannot_tell_is_refused(made: Links, reason: str) -> None:
    """Few links, few distances, no growth with distance: words instead of a number."""
    with pytest.raises(BadInput) as refused:
        fit(made)
    assert refused.value.reason == reason
    assert refused.value.hint


def test_packets_that_do_not_scatter_are_refused() -> None:
    """A packet a minute says nothing of how packets scatter."""
    made = [[LabelledMinute(0, (60 + 20 * log10(d),), log(d))] for d in (1, 2, 3, 4, 5)]
    with pytest.raises(BadInput) as refused:
        fit(made)
    assert refused.value.reason == "no_scatter"
