"""Drawing SVG: the few shapes that a chart is made of, and the scales to place them by.

A plotting library would be the largest dependency of a node, to draw one small picture.  What is
drawn here is well-formed whatever the texts hold, says to a screen reader what it shows, and
needs neither scripts nor fonts from anywhere.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10
from xml.etree import ElementTree as ET

FONT = "'Noto Sans', 'DejaVu Sans', Arial, sans-serif"
"""Families that have Vietnamese letters, the commonest of each system."""

_UNPRINTABLE = dict.fromkeys((*range(32), 0xFFFE, 0xFFFF), "\N{REPLACEMENT CHARACTER}")
"""Characters that XML 1.0 knows no way to write; half a surrogate pair is dealt with below."""


class Drawing:
    """A picture of *width* × *height* units, y growing downwards; later shapes cover earlier ones.

    Every shape takes its style by SVG's attributes, with ``_`` for ``-``:
    ``stroke_width=2, fill="none"``.  No coordinate may be infinite or not a number.
    """

    def __init__(self, width: float, height: float, title: str, description: str) -> None:
        """Begin with a white sheet; *title* and *description* are read out, not drawn."""
        self._root = ET.Element(
            "svg",
            {
                "xmlns": "http://www.w3.org/2000/svg",
                "viewBox": f"0 0 {_number(width)} {_number(height)}",
                "width": _number(width),
                "height": _number(height),
                "role": "img",
                "font-family": FONT,
            },
        )
        # These must come first: a reader takes them for the name of the whole picture.
        self._add("title", {}, title)
        self._add("desc", {}, description)
        self.rect(0, 0, width, height, fill="#fff")

    def text(
        self, x: float, y: float, words: str, *, size: float = 12, **style: str | float
    ) -> None:
        """Write one line with its baseline at *y*, from *x* on or as ``text_anchor`` says."""
        self._add("text", {"x": x, "y": y, "font_size": size, **style}, words)

    def line(self, x1: float, y1: float, x2: float, y2: float, **style: str | float) -> None:
        self._add("line", {"x1": x1, "y1": y1, "x2": x2, "y2": y2, "stroke": "#000", **style})

    def rect(self, x: float, y: float, width: float, height: float, **style: str | float) -> None:
        self._add("rect", {"x": x, "y": y, "width": width, "height": height, **style})

    def circle(self, x: float, y: float, radius: float, **style: str | float) -> None:
        self._add("circle", {"cx": x, "cy": y, "r": radius, **style})

    def path(
        self, points: Iterable[tuple[float, float]], *, closed: bool = False, **style: str | float
    ) -> None:
        """Join *points* by straight lines, back to the first if *closed*."""
        steps = " ".join(f"{_number(x)},{_number(y)}" for x, y in points)
        # Without points there is no path, and "M" alone is not one.
        data = f"M{steps}{'Z' if closed else ''}" if steps else ""
        self._add("path", {"d": data, "fill": "none", **style})

    def __str__(self) -> str:
        """Return the document, one element a line; to be written as UTF-8."""
        ET.indent(self._root, "")
        return ET.tostring(self._root, encoding="unicode") + "\n"

    def _add(self, tag: str, style: dict[str, str | float], words: str | None = None) -> None:
        attributes = {
            name.replace("_", "-"): _clean(value) if isinstance(value, str) else _number(value)
            for name, value in style.items()
        }
        element = ET.SubElement(self._root, tag, attributes)
        if words is not None:
            element.text = _clean(words)


@dataclass(frozen=True, slots=True)
class Linear:
    """Places values from *low* to *high* between *start* and *end*; what lies beyond, at the end.

    *low* is less than *high*; *start* may be more than *end*, as it is where y grows upwards.
    """

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self, at_most: int = 6) -> tuple[float, ...]:
        """Return round values for an axis: a step of 1, 2 or 5 times a power of ten."""
        rough = (self.high - self.low) / max(at_most - 1, 1)
        power = 10.0 ** floor(log10(rough))
        step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
        first, last = ceil(self.low / step - 1e-9), floor(self.high / step + 1e-9)
        # Rounded because 3 × 0.1 is not 0.3 on an axis either.
        return tuple(round(index * step, 12) for index in range(first, last + 1))


@dataclass(frozen=True, slots=True)
class Logarithmic:
    """The same for positive values, equal factors equally far apart."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        bounded = min(max(value, self.low), self.high)
        share = log10(bounded / self.low) / log10(self.high / self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self, at_most: int = 8) -> tuple[float, ...]:
        """Return 1, 2 and 5 times powers of ten, or as many fewer as fit."""
        lowest, highest = floor(log10(self.low)), ceil(log10(self.high))
        for steps in ((1, 2, 5), (1, 3), (1,)):
            found = self._within(steps, range(lowest, highest + 1))
            if len(found) <= at_most:
                return found
        thinned = ceil((highest - lowest + 1) / max(at_most, 1))
        return self._within((1,), range(lowest, highest + 1, thinned))

    def _within(self, steps: Sequence[int], powers: range) -> tuple[float, ...]:
        values = (float(f"{step}e{power}") for power in powers for step in steps)
        return tuple(value for value in values if self.low * 0.999 <= value <= self.high * 1.001)


def _number(value: float) -> str:
    """Write *value* to a hundredth of a unit, which no eye can tell from the exact place.

    Raises:
        ValueError: it is infinite or not a number: a mistake of who draws.
    """
    if not isfinite(value):
        raise ValueError("a coordinate must be finite")
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode().translate(_UNPRINTABLE)
