"""Days and times as people say them."""

import unicodedata
from datetime import UTC, datetime, time

import pytest

from bluezone_node.web.console.forms import Form
from bluezone_node.web.console.language import VIETNAM, languages
from bluezone_node.web.console.window import clock_time, days, read_window, typed_window

NOW = datetime(2026, 11, 22, 17, 30, tzinfo=UTC)
"""Half past midnight of Monday in Vietnam."""
VI = languages()["vi"]


HALF = ("7 giờ rưỡi", "7 rưỡi", "7h rưỡi", unicodedata.normalize("NFD", "7 Giờ Rưỡi"), "7 gio ruoi")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        *((text, time(7)) for text in ("7", "07", "7h", "7 giờ", "7:00", "0700")),
        *(
            (text, time(7, 30))
            for text in ("7h30", "7:30", "7.30", "7 giờ 30", "7g30", "730", " 0730 ", *HALF)
        ),
        ("19H05", time(19, 5)),
        *((text, None) for text in ("", "25h", "24:00", "7:60", "7:5", "-7", "sáng", "7 am")),
    ],
)
def test_a_time_is_typed_as_it_is_written(typed: str, meant: time | None) -> None:
    """In any of the usual ways; what is not clear is asked for again."""
    assert clock_time(typed) == meant


def test_days_are_chosen_by_their_names() -> None:
    """Of Vietnam's calendar, newest first; tomorrow is not among them."""
    listed = days(VI, NOW, 22, {"from_day": "2026-03-01", "to_day": ""})
    assert listed[0] == ("2026-11-23", "Thứ Hai, 23/11/2026 (hôm nay)")
    assert listed[2] == ("2026-11-21", "Thứ Bảy, 21/11/2026")
    assert (len(listed), listed[-1][0]) == (23, "2026-03-01")


def test_the_same_day_need_not_be_said_twice() -> None:
    """What is shown again is what was typed."""
    typed = {"from_day": "2026-11-21", "from_time": "7h", "to_day": "", "to_time": "9:15"}
    errors: dict[str, str] = {}
    start, end = read_window(Form(typed), VI, NOW, errors)
    assert (start, end) == (
        datetime(2026, 11, 21, 7, tzinfo=VIETNAM),
        datetime(2026, 11, 21, 9, 15, tzinfo=VIETNAM),
    )
    assert not errors
    assert typed_window(start, end) == typed | {"from_time": "07:00", "to_time": "09:15"}
    assert typed_window(start, NOW)["to_day"] == "2026-11-23"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"from_day": "hôm kia"}, "from_day"),
        ({"from_day": "9999-12-31"}, "to_time"),
        ({"from_day": "0001-01-01", "to_day": ""}, None),
        ({"to_day": "22/11/2026"}, "to_day"),
        ({"from_time": ""}, "from_time"),
        ({"to_time": "1h"}, "to_time"),
    ],
)
def test_what_cannot_be_is_told_by_its_field(changes: dict[str, str], field: str | None) -> None:
    """In Vietnamese; a year that no calendar has brings nothing down."""
    typed = {"from_day": "2026-11-23", "from_time": "0h", "to_day": "", "to_time": "0h20"}
    errors: dict[str, str] = {}
    read_window(Form(typed | changes), VI, NOW, errors)
    assert list(errors) == ([field] if field else [])
