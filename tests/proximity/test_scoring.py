"""The figures by which methods are compared: against their definitions, and where they end."""

from itertools import product
from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.proximity.scoring import (
    auc,
    auc_interval,
    best,
    decisions,
    dose_error,
    wilson,
)

Scored = list[tuple[float, bool]]
scored = st.lists(st.tuples(st.integers(0, 9).map(float), st.booleans()), min_size=2, max_size=40)
both_kinds = scored.filter(lambda s: len({contact for _, contact in s}) == 2)


def apart(samples: Scored) -> tuple[list[float], list[bool]]:
    return [score for score, _ in samples], [contact for _, contact in samples]


@given(both_kinds)
def test_auc_is_the_share_of_pairs_in_order(samples: Scored) -> None:
    """Of all pairs of a contact and another, the share in which it scores more; ties are half."""
    contacts = [score for score, contact in samples if contact]
    others = [score for score, contact in samples if not contact]
    pairs = [1.0 if c > o else 0.5 if c == o else 0.0 for c, o in product(contacts, others)]
    assert auc(*apart(samples)) == pytest.approx(sum(pairs) / len(pairs))


@given(both_kinds)
def test_auc_knows_ranks_only(samples: Scored) -> None:
    """Any rising map of the scores leaves it; turning them round mirrors it."""
    scores, contacts = apart(samples)
    area = auc(scores, contacts)
    assert area is not None
    assert auc([exp(score) - 3 for score in scores], contacts) == pytest.approx(area)
    assert auc([-score for score in scores], contacts) == pytest.approx(1 - area)


@given(both_kinds)
def test_the_interval_holds_the_area(samples: Scored) -> None:
    """Where there is an interval, the figure lies in it, and it within 0 and 1."""
    scores, contacts = apart(samples)
    groups = [str(index % 5) for index in range(len(scores))]
    area, interval = auc(scores, contacts), auc_interval(scores, contacts, groups)
    if interval is not None:
        assert area is not None
        assert 0 <= interval[0] <= area <= interval[1] <= 1


def test_scenes_count_and_not_their_samples() -> None:
    """Ten copies of every sample in the same scene leave the interval as wide as it was."""
    scores, contacts = [3.0, 1, 2, 2, 5, 0, 1, 4], [True, False] * 4
    groups = ["a", "a", "b", "b", "c", "c", "d", "d"]
    once = auc_interval(scores, contacts, groups)
    again = auc_interval(scores * 10, contacts * 10, groups * 10)
    apart_all = auc_interval(scores * 10, contacts * 10, [str(i) for i in range(80)])
    assert once == pytest.approx(again)
    assert apart_all is not None
    assert again is not None
    assert apart_all[1] - apart_all[0] < again[1] - again[0]


@pytest.mark.parametrize("contacts", [[True] * 3, [False] * 3, []])
def test_one_kind_alone_has_no_area(contacts: list[bool]) -> None:
    """Without contacts, or without others, nothing can be told, and nothing is made up."""
    scores = [1.0, 2.0, 3.0][: len(contacts)]
    assert auc(scores, contacts) is None
    assert auc_interval(scores, contacts, ["a", "b", "c"][: len(contacts)]) is None
    assert best(scores, contacts) is None
    assert decisions(contacts, contacts).ndcf is None


def test_one_scene_or_one_contact_has_no_interval() -> None:
    """A single contact, or a single scene, says nothing of how others would differ."""
    assert auc_interval([1, 2, 3, 4], [False, True, False, True], ["a"] * 4) is None
    assert auc_interval([1, 2, 3, 4], [False, False, False, True], ["a", "b", "c", "d"]) is None


@given(both_kinds)
def test_never_and_always_alerting_cost_one(samples: Scored) -> None:
    """That is what the cost is normalised by."""
    _, contacts = apart(samples)
    assert decisions([False] * len(contacts), contacts).ndcf == 1
    assert decisions([True] * len(contacts), contacts).ndcf == 1
    assert decisions(contacts, contacts).ndcf == 0


@given(both_kinds)
def test_the_best_threshold_is_the_best(samples: Scored) -> None:
    """No threshold costs less, and the one that is told costs what is told."""
    scores, contacts = apart(samples)
    lowest = best(scores, contacts)
    assert lowest is not None
    costs = [decisions([score >= at for score in scores], contacts).ndcf for at in {*scores, 99.0}]
    assert lowest.ndcf == pytest.approx(min(cost for cost in costs if cost is not None))
    threshold = 99.0 if lowest.threshold is None else lowest.threshold
    told = decisions([score >= threshold for score in scores], contacts).ndcf
    assert lowest.ndcf == pytest.approx(told)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1))
def test_shares_are_shares_of_what_they_say(pairs: list[tuple[bool, bool]]) -> None:
    """Recall and missed are of the contacts, precision of the alerts; all are counted once."""
    made = decisions([alert for alert, _ in pairs], [contact for _, contact in pairs])
    assert made.hits + made.misses + made.false_alarms + made.correct_silences == len(pairs)
    if made.recall is not None and made.p_miss is not None:
        assert made.recall + made.p_miss == pytest.approx(1)
    assert (made.precision is None) == (made.hits + made.false_alarms == 0)


def test_wilson_is_wilsons() -> None:
    """Against the textbook: 15 of 20 is 0.531 to 0.888; of none, nothing."""
    assert wilson(15, 20) == pytest.approx((0.531, 0.888), abs=0.001)
    assert wilson(0, 0) is None


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_share(counts: tuple[int, int]) -> None:
    """The interval holds the share and stays within 0 and 1, at the ends too."""
    interval = wilson(*counts)
    assert interval is not None
    assert 0 <= interval[0] <= counts[0] / counts[1] <= interval[1] <= 1


def test_dose_errors_have_a_sign() -> None:
    """Too much and too little cancel in the bias, and not in the error."""
    error = dose_error([2.0, 4.0], [3.0, 1.0])
    assert (error.mean_absolute, error.bias) == (2.0, 1.0)
