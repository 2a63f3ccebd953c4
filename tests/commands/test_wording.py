"""What a frightened person reads: right, plain, and no surer than the estimate is."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.alerts import AlertLevel, Expected, Nearness
from bluezone_node.commands.wording import explain, odds, odds_in_short, unaccented
from tests.nearnesses import ANY_NEARNESS, SAT, START, TWICE, alert_of, in_vietnam


@pytest.fixture(autouse=True)
def _in_vietnam() -> Iterator[None]:
    with in_vietnam():
        yield


def told(found: Nearness | None, level: AlertLevel = AlertLevel.HIGH) -> tuple[str, str]:
    """Return all that is said, in Vietnamese and in English."""
    vietnamese, english = zip(*explain(alert_of(found, level)), strict=True)
    return "\n".join(vietnamese), "\n".join(english)


def test_an_alert_in_words() -> None:
    """Every line of a usual alert, as people read it."""
    found = replace(
        SAT,
        minutes_heard=20.2,
        within_1m=Expected(2.6, 0, 20),
        within_2m=Expected(12.2, 0, 20),
        dose=Expected(8.6, 1.3, 20),
        chance=0.59,
    )
    vietnamese, english = told(found)
    assert vietnamese.splitlines() == [
        "Bạn có thể đã ở gần một người được xác nhận mắc bệnh, đủ lâu để bị lây.",
        "Ngày 02/03/2026, từ 08:02 đến 08:22.",
        "Trong vòng 1 m: khoảng 3 phút; từ 1 đến 2 m: 10 phút; xa hơn: 8 phút.",
        "Trong vòng 2 m: khoảng 12 phút (khả năng 9 trên 10 là từ 0 đến 20 phút).",
        "Về nguy cơ lây, tương đương khoảng 9 phút ở khoảng cách 1 m (từ 1 đến 20 phút).",
        "Khả năng bạn đã ở trong vòng 2 m từ 15 phút trở lên: khoảng 6 trên 10.",
        "Bluetooth không đo được khoảng cách: cơ thể, túi xách, tường làm sai lệch.",
        "Đây là lý do để theo dõi sức khỏe và đi xét nghiệm, không phải là bằng chứng.",
        "Căn cứ: 412 lần thu được tín hiệu trong khoảng 20 phút.",
        "Quy tắc: Tiếp xúc gần (F1): trong vòng 2 m, từ 15 phút (vn-f1-2m).",
        "Hãy theo dõi sức khỏe, đeo khẩu trang, hạn chế gặp gỡ và gọi cơ quan y tế.",
    ]
    assert english.splitlines()[2:6] == [
        "Within 1 m: about 3 minutes; from 1 to 2 m: 10 minutes; farther: 8 minutes.",
        "Within 2 m: about 12 minutes (9 times in 10 between 0 and 20).",
        "In risk, the same as about 9 minutes at one metre (between 1 and 20).",
        "Chance that you were within 2 m for 15 minutes or more: about 6 in 10.",
    ]


def test_minutes_pretend_no_precision() -> None:
    """A figure below one is said as such, one minute is one, and none is negative."""
    found = replace(SAT, within_1m=Expected(0.04, 0, 0.1), within_2m=Expected(1.4, 0, 2.0))
    vietnamese, english = told(replace(found, minutes_heard=1.4 - 1e-9))
    assert "Trong vòng 1 m: chưa đến 1 phút; từ 1 đến 2 m: 1 phút; xa hơn: chưa" in vietnamese
    assert "Within 1 m: under a minute; from 1 to 2 m: 1 minute; farther: under a" in english
    assert not re.search(r"\s-\d", vietnamese + english)


def test_the_contact_that_the_rules_mean_is_the_one_spoken_of() -> None:
    """Rules for one metre ask for a metre; numbers are written as each language does."""
    vietnamese, english = told(replace(SAT, contact_metres=1.5, contact_minutes=10))
    assert "trong vòng 1,5 m từ 10 phút trở lên" in vietnamese
    assert "within 1.5 m for 10 minutes or more" in english


def test_a_low_risk_is_called_low() -> None:
    """Where the rules know a low level, nobody is told more than that."""
    vietnamese, english = told(SAT, AlertLevel.LOW)
    assert "nguy cơ bị lây thấp" in vietnamese
    assert "the risk of infection is low" in english


def test_two_meetings_are_not_told_as_one_long_one() -> None:
    """Six hours apart, the day says that there were two."""
    vietnamese, english = told(TWICE)
    assert "từ 08:02 đến 14:39, chia làm 2 lần." in vietnamese
    assert "from 08:02 to 14:39, at 2 separate times." in english


def test_a_night_says_which_day_it_ended() -> None:
    """Past midnight, the second time bears its date."""
    night = replace(
        alert_of(SAT), start=START + timedelta(hours=15), end=START + timedelta(hours=17)
    )
    vietnamese, english = zip(*explain(night), strict=True)
    assert vietnamese[1] == "Ngày 02/03/2026, từ 23:02 đến 01:02 ngày 03/03."
    assert english[1] == "On 2026-03-02, from 23:02 to 01:02 of 2026-03-03."


def test_an_alert_from_before_distances_were_estimated_is_still_read() -> None:
    """An old alert tells what it was raised on, and claims no more."""
    vietnamese, english = told(None)
    assert "Gần 8 phút, vừa 9 phút, xa 3 phút." in vietnamese
    assert "How sure: medium (412 packets heard)." in english
    assert "Khả năng" not in vietnamese


@pytest.mark.parametrize(
    ("chance", "vietnamese", "english", "short"),
    [
        (0.0, "chưa đến 1 trên 20", "less than 1 in 20", "<1/20"),
        (0.0499, "chưa đến 1 trên 20", "less than 1 in 20", "<1/20"),
        (0.05, "khoảng 1 trên 10", "about 1 in 10", "1/10"),
        (0.59, "khoảng 6 trên 10", "about 6 in 10", "6/10"),
        (0.95, "khoảng 9 trên 10", "about 9 in 10", "9/10"),
        (0.951, "hơn 19 trên 20", "more than 19 in 20", ">19/20"),
        (1.0, "hơn 19 trên 20", "more than 19 in 20", ">19/20"),
    ],
)
def test_chances_are_so_many_of_ten(
    chance: float, vietnamese: str, english: str, short: str
) -> None:
    """A chance is said in numbers that can be pictured."""
    assert odds(chance) == (vietnamese, english)
    assert odds_in_short(chance) == short


@given(st.floats(0, 1))
def test_nothing_is_ever_certain(chance: float) -> None:
    """Neither none nor all of ten is ever said."""
    for words in odds(chance):
        assert not re.search(r"\b(0|10) (trên|of|in) ", words)


@pytest.mark.parametrize("found", [SAT, TWICE, None], ids=["once", "twice", "old"])
def test_lines_fit_a_terminal(found: Nearness | None) -> None:
    """In eighty columns nothing is broken within a word; English is set in by four."""
    for vietnamese, english in explain(alert_of(found)):
        assert len(vietnamese) <= 80
        assert len(english) <= 76


@given(ANY_NEARNESS)
def test_whatever_is_stored_can_be_told(found: Nearness) -> None:
    """Absurd figures give sentences, of bounded length, and never a figure that is none."""
    for vietnamese, english in explain(alert_of(found)):
        assert len(vietnamese) < 200
        assert len(english) < 200
        assert not re.search(r"\b(nan|inf)\b", vietnamese + english)


def test_without_accents_it_can_still_be_read() -> None:
    """A terminal that knows no Vietnamese letters shows what people type without them."""
    assert unaccented("Đủ lâu để bị lây, 1–2 m, ≤ 3") == "Du lau de bi lay, 1-2 m, <= 3"
    assert unaccented("▁") == "?"
