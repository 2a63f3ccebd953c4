"""The SVG writer: well-formed whatever it is given, and scales that place values where they say."""

from math import inf, isfinite, nan
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.commands.svg import Drawing, Linear, Logarithmic

FINITE = st.floats(min_value=-1e9, max_value=1e9)
POSITIVE = st.floats(min_value=1e-6, max_value=1e9)
NS = "{http://www.w3.org/2000/svg}"


def parsed(drawing: Drawing) -> ET.Element:
    return ET.fromstring(str(drawing).encode())


def test_every_shape_is_drawn_in_its_order_with_its_style() -> None:
    """Shapes come out in the order they were drawn, attributes spelt as SVG spells them."""
    drawing = Drawing(100, 50, "Tựa", "Mô tả")
    drawing.line(0, 0, 10.005, 5, stroke_width=2, stroke_dasharray="4 2")
    drawing.rect(1, 2, 3, 4, fill="#ccc")
    drawing.circle(5, 5, 2.5)
    drawing.path([(0, 0), (1, 1), (2, 0)], closed=True, fill="#000")
    drawing.text(5, 6, "gần & xa", size=9, text_anchor="middle")
    root = parsed(drawing)
    assert root.get("viewBox") == "0 0 100 50"
    assert [shape.tag.removeprefix(NS) for shape in root] == [
        *("title", "desc", "rect", "line", "rect", "circle", "path", "text")
    ]
    assert root[3].get("stroke-dasharray") == "4 2"
    assert root[6].get("d") == "M0,0 1,1 2,0Z"
    assert (root[7].text, root[7].get("font-size")) == ("gần & xa", "9")


def test_a_screen_reader_finds_title_and_description_first() -> None:
    """The picture is one image to a screen reader, named by its first two elements."""
    root = parsed(Drawing(10, 10, "Tựa", "Mô tả"))
    assert root.get("role") == "img"
    assert (root[0].text, root[1].text) == ("Tựa", "Mô tả")


def test_a_path_without_points_is_still_a_document() -> None:
    """Nothing to join is nothing drawn, not a broken path."""
    drawing = Drawing(10, 10, "", "")
    drawing.path([])
    assert parsed(drawing)[3].get("d") == ""


@given(st.text())
def test_no_text_breaks_the_document(words: str) -> None:
    """Whatever a text or a title holds, an XML parser reads the document."""
    drawing = Drawing(10, 10, words, words)
    drawing.text(1, 1, words, fill=words)
    parsed(drawing)


@pytest.mark.parametrize("value", [nan, inf, -inf])
def test_a_place_that_is_none_is_refused(value: float) -> None:
    """A coordinate that is no number fails where it is drawn, not in somebody's viewer."""
    with pytest.raises(ValueError, match="finite"):
        Drawing(10, 10, "", "").circle(value, 0, 1)


@given(FINITE, st.floats(min_value=1e-3, max_value=1e9), FINITE)
def test_a_linear_scale_stays_between_its_ends(low: float, span: float, value: float) -> None:
    """Its ends are where they should be, and nothing is placed beyond them."""
    scale = Linear(low, low + span, 100, 0)
    assert (scale(low), scale(low + span)) == (100, 0)
    assert 0 <= scale(value) <= 100


@given(POSITIVE, st.floats(min_value=1.01, max_value=1e6), FINITE)
def test_a_logarithmic_scale_stays_between_its_ends(
    low: float, factor: float, value: float
) -> None:
    """Likewise, and what is zero or less lies at the low end."""
    scale = Logarithmic(low, low * factor, 0, 100)
    assert (scale(low), scale(low * factor)) == (0, pytest.approx(100))
    assert 0 <= scale(value) <= 100 + 1e-9


@given(FINITE, st.floats(min_value=1e-3, max_value=1e9), st.integers(2, 12))
def test_ticks_are_few_and_on_the_axis(low: float, span: float, at_most: int) -> None:
    """An axis bears at least one tick and no more than asked for, all of them on it."""
    ticks = Linear(low, low + span, 0, 1).ticks(at_most)
    assert len(ticks) <= at_most
    assert all(isfinite(tick) for tick in ticks)
    slack = span * 1e-6 + 1e-9
    assert all(low - slack <= tick <= low + span + slack for tick in ticks)


def test_ticks_are_round_numbers() -> None:
    """What an axis says is easily read."""
    assert Linear(0, 1, 0, 1).ticks() == (0, 0.2, 0.4, 0.6, 0.8, 1)
    assert Linear(3, 27, 0, 1).ticks(6) == (5, 10, 15, 20, 25)
    assert Logarithmic(0.5, 10, 0, 1).ticks() == (0.5, 1, 2, 5, 10)
    assert Logarithmic(1e-3, 1e3, 0, 1).ticks(8) == (1e-3, 1e-2, 0.1, 1, 10, 100, 1000)


@given(POSITIVE, st.floats(min_value=1.01, max_value=1e6), st.integers(1, 12))
def test_logarithmic_ticks_are_few(low: float, factor: float, at_most: int) -> None:
    """However many decades there are, ticks do not run into one another."""
    assert len(Logarithmic(low, low * factor, 0, 1).ticks(at_most)) <= at_most
