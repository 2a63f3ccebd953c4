"""A sheet while it is being laid out: elements, measured in the design's own millimetres.

A poster is designed once, for A4; A5 is the same at its own scale.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from bluezone_node.posters.fitting import LEADING, Fitted, fit
from bluezone_node.posters.fonts import Faces
from bluezone_node.posters.sheet import Box, Element, Shape, Sheet, Symbol, Text
from bluezone_node.posters.square import QUIET_MODULES, Square

WHITE = "#ffffff"
INK = "#14181f"
FADED = "#4d5563"
_FIRST_LINE = 0.96
"""From the top of a line to its baseline, in em: the accents of Ẩ stay within."""


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle that something is put into."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height


@dataclass(slots=True)
class Drawing:
    """What was put on a sheet so far."""

    faces: Faces
    scale: float = 1.0
    """Millimetres of paper to one of the design."""
    dots: float = 300 / 25.4
    """Of the printer, per millimetre: squares are made of whole ones."""
    elements: list[Element] = field(default_factory=list)

    def box(self, area: Area, colour: str, radius: float = 0.0) -> None:
        k = self.scale
        self.elements.append(
            Box(area.x * k, area.y * k, area.width * k, area.height * k, colour, radius * k)
        )

    def shape(self, points: Sequence[tuple[float, float]], colour: str) -> None:
        self.elements.append(
            Shape(tuple((x * self.scale, y * self.scale) for x, y in points), colour)
        )

    def line(
        self,
        x: float,
        baseline: float,
        text: str,
        size: float,
        *,
        bold: bool = False,
        colour: str = INK,
        align: float = 0.0,
    ) -> None:
        """Put one line whose point *align* (0 its left end, 1 its right) is at *x*."""
        k = self.scale
        x -= align * self.faces.of(bold=bold).width(text) * size
        self.elements.append(Text(x * k, baseline * k, size * k, text, bold, colour))

    def fit(
        self, area: Area, text: str, *, largest: float, smallest: float, bold: bool = False
    ) -> Fitted:
        """Tell how *text* comes to stand in *area*."""
        return fit(
            text,
            self.faces.of(bold=bold),
            width=area.width,
            height=area.height,
            largest=largest,
            smallest=smallest,
        )

    def width_of(self, fitted: Fitted, *, bold: bool) -> float:
        """Return how long the longest line of *fitted* is."""
        face = self.faces.of(bold=bold)
        return max(face.width(line) for line in fitted.lines) * fitted.size

    def lines(
        self,
        x: float,
        y: float,
        fitted: Fitted,
        *,
        bold: bool = False,
        colour: str = INK,
        align: float = 0.0,
    ) -> float:
        """Put *fitted* with its upper edge at *y*; return where its lower edge is."""
        for number, line in enumerate(fitted.lines):
            baseline = y + (_FIRST_LINE + number * LEADING) * fitted.size
            self.line(x, baseline, line, fitted.size, bold=bold, colour=colour, align=align)
        return y + fitted.height

    def text(
        self,
        area: Area,
        text: str,
        largest: float,
        *,
        smallest: float = 0.0,
        bold: bool = False,
        colour: str = INK,
        align: float = 0.0,
    ) -> float:
        """Put *text* at the top of *area*; return where its lower edge is."""
        fitted = self.fit(area, text, largest=largest, smallest=smallest, bold=bold)
        x = area.x + align * area.width
        return self.lines(x, area.y, fitted, bold=bold, colour=colour, align=align)

    def module_of(self, square: Square, across: float) -> float:
        """Return the side of a module where *square* and its quiet zone have *across*: as many
        whole dots as there is room for."""
        room = across * self.scale * self.dots / (square.modules + 2 * QUIET_MODULES)
        return int(room) / self.dots / self.scale

    def symbol(self, middle: float, y: float, module: float, square: Square, colour: str) -> None:
        """Put *square*, without its quiet zone, under the point *middle*, *y*."""
        x = middle - module * square.modules / 2
        left, top = (round(at * self.scale * self.dots) / self.dots for at in (x, y))
        self.elements.append(Symbol(left, top, module * self.scale, square, colour))

    def framed(self, area: Area, square: Square, colour: str, line: float) -> None:
        """Put *square* into a frame of a *line* in *colour*, its quiet zone inside."""
        self.box(area, colour, 4 * line)
        inside = Area(area.x + line, area.y + line, area.width - 2 * line, area.height - 2 * line)
        self.box(inside, WHITE, 3 * line)
        # Round corners reach 0.88 of the line into the quiet zone.
        module = self.module_of(square, inside.width - 1.8 * line)
        top = area.y + (area.height - module * square.modules) / 2
        self.symbol(area.x + area.width / 2, top, module, square, INK)

    def sheet(
        self, width: float, height: float, *, title: str, made: date, two_colours: bool = False
    ) -> Sheet:
        """Return what was put, on paper of *width* by *height* of the design's millimetres."""
        k = self.scale
        return Sheet(
            width * k,
            height * k,
            tuple(self.elements),
            self.faces,
            self.dots,
            two_colours,
            title,
            made,
        )
