"""The charts of the console, as SVG: widths and heights from counts, words from the caller.

Colours and fonts are classes of ``console.css``, so that they follow the light and the dark, and
no style stands in the page.  The viewing box is as wide as a telephone, so that words in it can be
read there; on a desk the picture grows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from xml.etree import ElementTree as ET

WIDTH = 360.0
_BAR = 22.0
_ROW = 50.0
_PLOT = 62.0
"""Height of one small chart of `days`."""
_HEAD = 32.0
_LEFT = 34.0
_RIGHT = 4.0


@dataclass(frozen=True, slots=True)
class Stage:
    """One bar of the funnel."""

    name: str
    value: str
    """As it is written beside the bar."""
    share: float
    """Of the longest bar, 0 to 1."""
    note: str
    """Below the bar."""
    held: bool
    """Some of it is withheld, so the bar may be longer: it ends in dashes."""


@dataclass(frozen=True, slots=True)
class Series:
    """One row of the chart by days."""

    name: str
    counts: Sequence[int]
    """Of each day."""
    held: Sequence[bool]
    """Of each day, whether some of it is withheld."""


def funnel(stages: Sequence[Stage], title: str, description: str) -> str:
    """Return the picture of *stages* as bars below one another."""
    root = _picture(len(stages) * _ROW, title, description)
    for place, stage in enumerate(stages):
        top = place * _ROW
        _text(root, 0, top + 13, stage.name)
        _text(root, WIDTH, top + 13, stage.value, kind="strong", anchor="end")
        _rect(root, 0, top + 19, WIDTH, _BAR, "track")
        length = WIDTH * min(max(stage.share, 0.0), 1.0)
        if length:
            _rect(root, 0, top + 19, max(length, 2), _BAR, f"s{place % 4 + 1}")
        if stage.held and length < WIDTH - 4:
            _rect(root, length + 1, top + 20, min(24, WIDTH - length - 2), _BAR - 2, "held")
        if stage.note:
            # On the bar's track, right of the bar where there is room, else in it.
            _text(root, WIDTH - 6, top + 34, stage.note, kind="soft", anchor="end")
    return _written(root)


def days(series: Sequence[Series], labels: Sequence[str], title: str, description: str) -> str:
    """Return small charts below one another, one bar for each day; *labels*: of the days."""
    each = _HEAD + _PLOT
    root = _picture(len(series) * each + 18, title, description)
    step = (WIDTH - _LEFT - _RIGHT) / max(len(labels), 1)
    for place, row in enumerate(series):
        top = place * each
        base = top + each - 2
        high = scale(max(row.counts, default=0))
        _text(root, 0, top + 18, row.name)
        for value in (0, high / 2, high):
            y = base - (_PLOT - 14) * value / high
            _line(root, _LEFT, y, WIDTH - _RIGHT, y)
            if value != high / 2:
                _text(root, _LEFT - 5, y + 4, f"{value:.0f}", kind="soft", anchor="end")
        for number, (count, held) in enumerate(zip(row.counts, row.held, strict=True)):
            left = _LEFT + number * step + step * 0.14
            height = max((_PLOT - 14) * count / high, 1) if count else 0
            if count:
                _rect(root, left, base - height, step * 0.72, height, f"s{place % 4 + 1}")
            if held:
                _rect(root, left, base - height - 8, step * 0.72, 7, "held")
    for number in marked(len(labels)):
        middle = _LEFT + (number + 0.5) * step
        _text(root, middle, len(series) * each + 13, labels[number], kind="soft", anchor="middle")
    return _written(root)


def scale(highest: int) -> int:
    """Return a round number, even and at least *highest*, that an axis ends with."""
    if highest <= 4:
        return 4
    power = int(10 ** floor(log10(highest)))
    return next(step * power for step in (1, 2, 4, 6, 8, 10) if step * power >= highest)


def marked(number: int) -> range:
    """Return which of so many days are labelled: six or so, as many as a telephone has room for."""
    return range(0, number, max(1, ceil(number / 6)))


def _picture(height: float, title: str, description: str) -> ET.Element:
    root = ET.Element(
        "svg",
        {"viewBox": f"0 0 {WIDTH:.0f} {height:.0f}", "class": "chart", "role": "img"},
    )
    ET.SubElement(root, "title").text = title
    ET.SubElement(root, "desc").text = description
    return root


def _text(
    root: ET.Element, x: float, y: float, words: str, *, kind: str = "", anchor: str = "start"
) -> None:
    given = {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor}
    if kind:
        given["class"] = kind
    ET.SubElement(root, "text", given).text = words


def _rect(root: ET.Element, x: float, y: float, width: float, height: float, kind: str) -> None:
    ET.SubElement(
        root,
        "rect",
        {
            "x": f"{x:.1f}",
            "y": f"{y:.1f}",
            "width": f"{width:.1f}",
            "height": f"{height:.1f}",
            "rx": "2",
            "class": kind,
        },
    )


def _line(root: ET.Element, x1: float, y1: float, x2: float, y2: float) -> None:
    given = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
    ET.SubElement(root, "line", {**{k: f"{v:.1f}" for k, v in given.items()}, "class": "grid"})


def _written(root: ET.Element) -> str:
    return ET.tostring(root, encoding="unicode")
