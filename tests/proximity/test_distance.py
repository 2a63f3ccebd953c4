"""The estimator: known answers, and what must hold whatever was heard."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import exp, log, log10, sqrt
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.presets import load_profile, profile_names
from bluezone_node.proximity.distance import (
    SURELY,
    Estimate,
    chance_of,
    dose,
    dose_if,
    estimate,
    minutes_if,
    minutes_within,
)
from bluezone_node.proximity.model import ScanInstance
from bluezone_node.proximity.profile import Profile

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PROFILES = [load_profile(name) for name in profile_names()]
PEOPLE = load_profile("people")
BOARDS = load_profile("line-of-sight")


def scans(levels: Sequence[float], packets: int = 20, start: datetime = NOON) -> list[ScanInstance]:
    """One scan a minute at each of *levels*, dB."""
    return [
        ScanInstance(start + timedelta(minutes=minute), 60, packets, level, round(level), 4.0)
        for minute, level in enumerate(levels)
    ]


def loss(metres: float, profile: Profile) -> float:
    return profile.loss_at_1m + 10 * profile.exponent * log10(metres)


# Known answers ----------------------------------------------------------------------------


@pytest.mark.parametrize("metres", [0.5, 1.0, 2.0, 4.0])
def test_bare_boards_read_the_distance_they_stand_at(metres: float) -> None:
    """In line of sight a quarter of an hour gives the distance to a third."""
    told = estimate(scans([loss(metres, BOARDS)] * 15), BOARDS)
    assert told[7].metres() == pytest.approx(metres, rel=1 / 3)
    assert told[7].metres(-SURELY) < metres < told[7].metres(SURELY)


def test_among_people_the_radio_hardly_moves_what_is_usual() -> None:
    """Half a metre and five are told apart, and neither is believed."""
    near = estimate(scans([loss(0.5, PEOPLE)] * 15), PEOPLE)[7]
    far = estimate(scans([loss(5, PEOPLE)] * 15), PEOPLE)[7]
    assert 0.5 < near.metres() < PEOPLE.typical_distance < far.metres() < 5


def test_dose_is_that_of_a_log_normal_distance() -> None:
    """min(1, 1/d²) averaged over the posterior, against drawing a hundred thousand of it."""
    one = Estimate(NOON, 60, log(1.7), 0.6)
    rng = Random(4)
    drawn = [exp(rng.gauss(one.log_distance, one.deviation)) for _ in range(100_000)]
    assert one.dose_rate() == pytest.approx(
        sum(min(1, metres**-2) for metres in drawn) / len(drawn), rel=0.01
    )
    assert one.chance_within(2) == pytest.approx(
        sum(metres <= 2 for metres in drawn) / len(drawn), abs=0.01
    )


def test_a_fixed_and_certain_distance_gives_the_plain_dose() -> None:
    """Fifteen minutes at two metres weigh as much as 3.75 at one."""
    surely = [Estimate(NOON, 60, log(2), 1e-6)] * 15
    assert dose(surely) == pytest.approx(3.75, rel=1e-4)
    assert minutes_within(surely, 2.001) == pytest.approx(15)
    assert minutes_within(surely, 1.999) == pytest.approx(0)


def test_the_smoother_is_the_exact_posterior() -> None:
    """Against the normal equations of the same walk and the same noise, solved in one piece."""
    numpy = pytest.importorskip("numpy")
    levels, gaps = [60.0, 66.0, 58.0, 71.0, 63.0], [1, 4, 1, 9]
    seen, at = [], NOON
    for level, gap in zip(levels, [0, *gaps], strict=True):
        at += timedelta(minutes=gap)
        seen.append(ScanInstance(at, 60, 12, level, 50, 5.0))
    profile = replace(PEOPLE, link_spread=1e-9, distance_spread=1e6)  # apparent = true
    scale = profile.exponent * 10 / log(10)
    scatter = (10 * profile.packet_spread**2 + 25 * 12) / 22
    noise = (profile.fading**2 + scatter / 12) / scale**2
    precision = numpy.eye(5) / noise
    for index, gap in enumerate(gaps):
        tie = 1 / (profile.drift**2 * gap)
        precision[index : index + 2, index : index + 2] += tie * numpy.array([[1, -1], [-1, 1]])
    measured = (numpy.array(levels) - profile.loss_at_1m) / scale
    mean = numpy.linalg.solve(precision, measured / noise)
    variance = numpy.diag(numpy.linalg.inv(precision))
    for one, wanted, spread in zip(estimate(seen, profile), mean, variance, strict=True):
        assert one.log_distance == pytest.approx(wanted)
        assert one.deviation == pytest.approx(sqrt(spread))


def test_an_interval_is_everything_wrong_in_one_direction() -> None:
    """The bias of a link stays: it does not average out over an hour."""
    minute, hour = (estimate(scans([65.0] * n), PEOPLE) for n in (1, 60))
    assert minutes_if(hour, 2, SURELY) == 0
    assert minutes_if(hour, 2, -SURELY) == 60
    assert chance_of(hour, 2, 60) == pytest.approx(chance_of(minute, 2, 1), abs=0.05)
    assert dose_if(hour, SURELY) < dose(hour) < dose_if(hour, -SURELY)


def test_the_strong_fifth_of_a_raspberry_pi_is_averaged() -> None:
    """One packet in five 12 dB too strong moves a scan by its share, not by its strength."""
    plain = estimate(scans([70.0] * 15), BOARDS)
    jumpy = estimate(scans([70.0 - 12 / 5] * 15), BOARDS)
    strongest = estimate(scans([70.0 - 12] * 15), BOARDS)
    assert jumpy[7].metres() == pytest.approx(plain[7].metres(), rel=0.3)
    assert strongest[7].metres() < plain[7].metres() / 2


def test_few_packets_leave_the_usual_distance() -> None:
    """One packet says less than thirty, and the answer keeps nearer to what is usual."""
    few, many = (estimate(scans([50.0], packets), BOARDS)[0] for packets in (1, 30))
    assert many.metres() < few.metres() < BOARDS.typical_distance
    assert few.deviation > many.deviation


def test_scans_far_apart_say_little_of_one_another() -> None:
    """A meeting in the morning does not pull the one in the evening nearer."""
    morning, evening = scans([50.0] * 5), scans([80.0] * 5, start=NOON + timedelta(hours=8))
    together, alone = estimate(morning + evening, PEOPLE), estimate(evening, PEOPLE)
    assert together[-1].log_distance == pytest.approx(alone[-1].log_distance, abs=0.02)


def test_nothing_heard_is_nothing() -> None:
    """No scan, no minute."""
    none = estimate([], PEOPLE)
    assert (none, dose(none), minutes_within(none, 2), chance_of(none, 2, 15)) == ((), 0, 0, 0)


# Properties -------------------------------------------------------------------------------

profiles = st.sampled_from(PROFILES)
levels = st.lists(st.floats(30, 120), min_size=1, max_size=40)
any_scan = st.builds(
    ScanInstance,
    st.integers(0, 86_400).map(lambda second: NOON + timedelta(seconds=second)),
    st.integers(-90_000, 90_000),
    st.integers(0, 10_000),
    st.floats(-1e6, 1e6),
    st.integers(-200, 200),
    st.none() | st.floats(0, 1e4),
)


@given(st.lists(any_scan, max_size=30), profiles)
def test_no_scan_is_too_strange(seen: list[ScanInstance], profile: Profile) -> None:
    """Any order, twice the same instant, clocks set back, any level: finite, and in bounds."""
    told = estimate(seen, profile)
    heard = sum(one.seconds for one in told) / 60
    assert heard == pytest.approx(sum(max(scan.seconds, 0) for scan in seen) / 60)
    for one in told:
        assert 0 < one.metres(-SURELY) <= one.metres() <= one.metres(SURELY) < 1e12
        assert 0 <= one.dose_rate() <= 1
        assert one.chance_within(1) <= one.dose_rate() + 1e-12
    assert 0 <= minutes_within(told, 2) <= heard + 1e-6
    assert 0 <= dose(told) <= heard + 1e-6


@given(st.lists(any_scan, max_size=12), profiles, st.randoms(use_true_random=False))
def test_the_order_of_scans_does_not_matter(
    seen: list[ScanInstance], profile: Profile, random: Random
) -> None:
    """They are sorted by time first; of two at one instant either may come first."""
    shuffled = list(seen)
    random.shuffle(shuffled)
    assert dose(estimate(shuffled, profile)) == pytest.approx(
        dose(estimate(seen, profile)), rel=1e-6, abs=1e-6
    )


@given(levels, st.integers(0, 39), st.floats(0, 40), profiles)
def test_nearer_never_lowers_the_dose(
    heard: list[float], which: int, nearer: float, profile: Profile
) -> None:
    """A minute heard stronger lowers neither dose nor any of the minutes near."""
    moved = list(heard)
    moved[which % len(moved)] -= nearer
    before, after = estimate(scans(heard), profile), estimate(scans(moved), profile)
    assert dose(after) >= dose(before) - 1e-9
    for metres in (1, 2, 3):
        assert minutes_within(after, metres) >= minutes_within(before, metres) - 1e-9
        assert minutes_if(after, metres, SURELY) >= minutes_if(before, metres, SURELY)
    assert chance_of(after, 2, 15) >= chance_of(before, 2, 15) - 1e-12


@given(levels, st.integers(1, 20), profiles)
def test_more_time_nearer_never_lowers_the_dose(
    heard: list[float], longer: int, profile: Profile
) -> None:
    """Staying on, at the nearest that one was, adds to the dose and to the minutes near."""
    before = estimate(scans(heard), profile)
    after = estimate(scans([*heard, *[min(heard)] * longer]), profile)
    assert dose(after) >= dose(before) - 1e-9
    assert minutes_within(after, 2) >= minutes_within(before, 2) - 0.02


@given(levels, st.integers(1, 20), profiles)
def test_a_far_minute_never_raises_the_near_ones(
    heard: list[float], longer: int, profile: Profile
) -> None:
    """Minutes across the hall make no other minute nearer, and are hardly near themselves.

    What is left is their own small chance (a sixth in a pocket, less elsewhere), and that a link
    heard for longer is known a little better.
    """
    far = max(*heard, loss(30, profile) + 3 * profile.link_spread)
    before = estimate(scans(heard), profile)
    after = estimate(scans([*heard, *[far] * longer]), profile)
    for metres in (1, 2):
        others = sum(one.chance_within(metres) for one in after[: len(heard)])
        assert others <= minutes_within(before, metres) + 0.15
        assert minutes_within(after, metres) <= minutes_within(before, metres) + 0.2 * (1 + longer)


@given(levels, profiles)
def test_the_nearest_minutes_are_counted_first(heard: list[float], profile: Profile) -> None:
    """Counting at most so many minutes never counts more, and all of them counts all."""
    told = estimate(scans(heard), profile)
    counted = [minutes_within(told, 2, at_most) for at_most in range(len(heard) + 1)]
    steps = [later - earlier for earlier, later in pairwise(counted)]
    assert counted[-1] == pytest.approx(minutes_within(told, 2))
    assert steps == sorted(steps, reverse=True) or all(
        earlier >= later - 1e-9 for earlier, later in pairwise(steps)
    )


# Profiles ---------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", PROFILES, ids=profile_names())
def test_a_profile_says_where_it_comes_from(profile: Profile) -> None:
    """Each has its file's name, a source, what it was fitted on, a date and credible numbers."""
    assert profile.name in profile_names()
    assert all(
        len(text) > 10 for text in (profile.title, profile.source, profile.fitted_on, profile.note)
    )
    assert profile.date.year >= 2026
    assert 30 < profile.loss_at_1m < 90
    assert 0.5 < profile.exponent < 4
    spreads = (profile.link_spread, profile.fading, profile.packet_spread)
    assert all(0 < spread < 15 for spread in spreads)
    assert 0.5 < profile.typical_distance < 10
    assert 0 < profile.drift <= 1
