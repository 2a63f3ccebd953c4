"""The picture of an alert: right, readable, and well-formed whatever it is made of."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given

from bluezone_node.alerts import Moment, Nearness
from bluezone_node.commands.picture import HEIGHT, WIDTH, draw
from tests.nearnesses import ANY_NEARNESS, SAT, START, TWICE, alert_of, in_vietnam, met

NS = "{http://www.w3.org/2000/svg}"
LARGEST = 60_000
"""Bytes; a column of the picture takes some hundred at most."""


@pytest.fixture(autouse=True)
def _in_vietnam() -> Iterator[None]:
    with in_vietnam():
        yield


def picture(found: Nearness) -> ET.Element:
    return ET.fromstring(draw(alert_of(found), found).encode())


def texts(found: Nearness) -> list[str]:
    return [element.text or "" for element in picture(found).iter(f"{NS}text")]


def points(path: ET.Element) -> list[tuple[float, float]]:
    return [
        (float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+),(-?[\d.]+)", path.get("d") or "")
    ]


def lines_and_bands(found: Nearness) -> tuple[list[ET.Element], list[ET.Element]]:
    paths = list(picture(found).iter(f"{NS}path"))
    return (
        [path for path in paths if path.get("fill") == "none"],
        [path for path in paths if path.get("fill") != "none"],
    )


def height_of(metres: float) -> float:
    """Return y of the median of a course that was so far all the time."""
    course = tuple(replace(moment, metres=metres) for moment in SAT.course)
    ((line,), _) = lines_and_bands(replace(SAT, course=course))
    (y,) = {y for _, y in points(line)}
    return y


def test_the_summary_stands_above_in_two_languages() -> None:
    """Who sees nothing but the picture learns when, how long, how sure, and what it is not."""
    found = texts(SAT)
    assert "Có thể đã ở gần người mắc bệnh, 02/03/2026" in found
    assert any(text.startswith("Trong vòng 2 m: khoảng ") for text in found)
    assert any(text.startswith("Within 2 m: about ") for text in found)
    assert any(text.startswith("Chance that you were within 2 m for 15 min") for text in found)
    assert "Bluetooth không đo được khoảng cách: đây không phải bằng chứng." in found


def test_a_screen_reader_is_told_the_same() -> None:
    """Title and description say when and how long, in both languages."""
    title, description = picture(TWICE)[:2]
    assert (title.tag, description.tag) == (f"{NS}title", f"{NS}desc")
    assert description.text is not None
    assert description.text.startswith("08:02–08:16, 14:14–14:39. Trong vòng 2 m:")
    assert "Within 2 m:" in description.text


def test_near_is_above_far_and_factors_are_distances() -> None:
    """From 1 to 2 m is as far as from 2 to 4 m, and beyond the axis lies on its edge."""
    one, two, four = map(height_of, (1.0, 2.0, 4.0))
    assert one < two < four
    assert two - one == pytest.approx(four - two, abs=0.02)
    assert (height_of(0.01), height_of(500.0)) == (height_of(0.5), height_of(10.0))


def test_the_band_holds_the_line() -> None:
    """The shaded band lies about the estimate at every moment."""
    (line,), (band,) = lines_and_bands(SAT)
    heights = [y for _, y in points(line)]
    edges = [y for _, y in points(band)]
    assert min(edges) < min(heights) <= max(heights) < max(edges)
    assert {x for x, _ in points(band)} >= {points(line)[0][0], points(line)[-1][0]}


def test_a_gap_in_hearing_is_a_gap_in_the_picture() -> None:
    """Nothing is drawn across ten silent minutes."""
    found = met(dict.fromkeys((*range(10), *range(20, 30)), 1.0))
    lines, bands = lines_and_bands(found)
    assert len(lines) == len(bands) == 2
    (first, second) = map(points, lines)
    assert second[0][0] - first[-1][0] == pytest.approx((470 - 60) / 3, rel=0.02)


def test_meetings_hours_apart_stand_side_by_side() -> None:
    """The silence between is cut out, and each part bears its times."""
    frames = [rect for rect in picture(TWICE).iter(f"{NS}rect") if rect.get("stroke") is not None]
    assert len(frames) == 2
    assert {"08:02", "08:16", "14:14", "14:39"} <= set(texts(TWICE))


def test_the_contacts_own_distance_is_marked() -> None:
    """Of the lines at 1 m and 2 m, the one that the rules go by is the stronger."""
    dashes = [line.get("stroke-dasharray") for line in picture(SAT).iter(f"{NS}line")]
    assert [dash for dash in dashes if dash] == ["1 3", "5 3"]


def test_times_do_not_run_into_one_another() -> None:
    """Whatever the length, the times below leave room for one another."""
    for minutes in (1, 3, 7, 11, 20, 37, 45, 61, 90, 200, 600, 1440):
        found = met(dict.fromkeys(range(minutes), 1.5))
        spans = []
        for text in picture(found).iter(f"{NS}text"):
            if re.fullmatch(r"\d\d:\d\d", text.text or ""):
                x, width = float(text.get("x") or 0), 35
                back = {"start": 0.0, "middle": 0.5, "end": 1.0}[text.get("text-anchor") or ""]
                spans.append((x - back * width, x + (1 - back) * width))
        spans.sort()
        assert all(one[1] <= other[0] for one, other in pairwise(spans))
        assert spans[-1][1] <= WIDTH


def test_a_day_of_moments_stays_small() -> None:
    """A whole day, minute by minute, is a picture that can be sent by mail."""
    found = met({minute: 0.5 + minute % 7 for minute in range(1440)})
    assert len(draw(alert_of(found), found).encode()) < LARGEST


def test_nothing_heard_is_said() -> None:
    """An alert without a course gives a sheet that says so."""
    assert "không có số liệu / no data" in texts(replace(SAT, course=()))


@pytest.mark.parametrize("seconds", [-5.0, 0.0, 1e300])
def test_an_absurd_length_is_bounded(seconds: float) -> None:
    """A moment that lasts less than nothing or for ever is drawn all the same."""
    found = replace(SAT, course=(Moment(START, seconds, 1.0, 0.5, 2.0),))
    assert lines_and_bands(found)[0]


def test_two_at_once_are_drawn_as_the_nearest() -> None:
    """Where two people are near, the line follows the nearer of them."""
    near = Moment(START, 600, 1.0, 0.7, 1.4)
    far = Moment(START + timedelta(minutes=2), 60, 4.0, 3.0, 5.0)
    ((line,), _) = lines_and_bands(replace(SAT, course=(near, far)))
    assert {y for _, y in points(line)} == {height_of(1.0)}


@given(ANY_NEARNESS)
def test_any_nearness_makes_a_picture(found: Nearness) -> None:
    """Absurd figures give well-formed XML of bounded size, within its sheet."""
    text = draw(alert_of(found), found)
    assert len(text.encode()) < LARGEST
    assert not re.search(r"\b(nan|inf)\b", text, re.IGNORECASE)
    root = ET.fromstring(text.encode())
    for path in root.iter(f"{NS}path"):
        assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points(path))
