"""Small pictures for those who read neither language: made of boxes and polygons only.

Each is drawn into a square area, in *colour* on *ground*.
"""

from collections.abc import Callable
from typing import TypeAlias

from bluezone_node.posters.drawing import Area, Drawing

Icon: TypeAlias = Callable[[Drawing, Area, str, str], None]


def door_in(drawing: Drawing, area: Area, colour: str, ground: str) -> None:
    """An arrow through a door, inwards."""
    part = _parts(area)
    drawing.box(part(0.42, 0, 0.58, 1), colour, area.width * 0.07)
    drawing.box(part(0.41, 0.13, 0.46, 0.74), ground)
    _arrow(drawing, area, 0.0, colour)


def door_out(drawing: Drawing, area: Area, colour: str, ground: str) -> None:
    """An arrow through a door, outwards."""
    part = _parts(area)
    drawing.box(part(0, 0, 0.58, 1), colour, area.width * 0.07)
    drawing.box(part(0.13, 0.13, 0.46, 0.74), ground)
    _arrow(drawing, area, 0.28, colour)


def finder(drawing: Drawing, area: Area, colour: str, ground: str) -> None:
    """The frame that a camera shows around a code."""
    part = _parts(area)
    for far_x in (0.0, 1.0):
        for far_y in (0.0, 1.0):
            drawing.box(part(far_x * 0.7, far_y * 0.87, 0.3, 0.13), colour, area.width * 0.04)
            drawing.box(part(far_x * 0.87, far_y * 0.7, 0.13, 0.3), colour, area.width * 0.04)
    _code(drawing, part(0.28, 0.28, 0.44, 0.44), colour)


def telephone(drawing: Drawing, area: Area, colour: str, ground: str) -> None:
    part = _parts(area)
    drawing.box(part(0.19, 0, 0.62, 1), colour, area.width * 0.1)
    drawing.box(part(0.27, 0.13, 0.46, 0.68), ground, area.width * 0.02)
    drawing.box(part(0.43, 0.865, 0.14, 0.07), ground, area.width * 0.035)
    _code(drawing, part(0.335, 0.31, 0.33, 0.33), colour)


def kiosk(drawing: Drawing, area: Area, colour: str, ground: str) -> None:
    part = _parts(area)
    drawing.box(part(0.02, 0.04, 0.96, 0.64), colour, area.width * 0.08)
    drawing.box(part(0.11, 0.13, 0.78, 0.46), ground, area.width * 0.02)
    drawing.box(part(0.42, 0.66, 0.16, 0.24), colour)
    drawing.box(part(0.2, 0.87, 0.6, 0.1), colour, area.width * 0.04)
    tick = ((0.3, 0.36), (0.37, 0.29), (0.46, 0.38), (0.64, 0.2), (0.71, 0.27), (0.46, 0.52))
    drawing.shape([(area.x + x * area.width, area.y + y * area.height) for x, y in tick], colour)


def slip(drawing: Drawing, area: Area, colour: str, ground: str) -> None:
    """A torn-off piece of paper."""
    part = _parts(area)
    edge = [(0.14 + 0.12 * n, 1.0 if n % 2 else 0.88) for n in range(7)]
    outline = [(0.14, 0.02), *edge, (0.86, 0.02)]
    drawing.shape([(area.x + x * area.width, area.y + y * area.height) for x, y in outline], colour)
    for top, width in ((0.16, 0.48), (0.34, 0.48), (0.52, 0.48), (0.7, 0.28)):
        drawing.box(part(0.26, top, width, 0.075), ground)


def clock(drawing: Drawing, area: Area, colour: str, ground: str) -> None:
    part = _parts(area)
    drawing.box(part(0, 0, 1, 1), colour, area.width / 2)
    drawing.box(part(0.11, 0.11, 0.78, 0.78), ground, area.width * 0.39)
    drawing.box(part(0.455, 0.22, 0.09, 0.33), colour, area.width * 0.04)
    drawing.box(part(0.455, 0.46, 0.28, 0.09), colour, area.width * 0.04)


def _parts(area: Area) -> Callable[[float, float, float, float], Area]:
    def part(x: float, y: float, width: float, height: float) -> Area:
        return Area(
            area.x + x * area.width,
            area.y + y * area.height,
            width * area.width,
            height * area.height,
        )

    return part


def _arrow(drawing: Drawing, area: Area, start: float, colour: str) -> None:
    outline = (
        (0, 0.43),
        (0.4, 0.43),
        (0.4, 0.24),
        (0.72, 0.5),
        (0.4, 0.76),
        (0.4, 0.57),
        (0, 0.57),
    )
    drawing.shape(
        [(area.x + (start + x) * area.width, area.y + y * area.height) for x, y in outline],
        colour,
    )


def _code(drawing: Drawing, area: Area, colour: str) -> None:
    """Three corners and a dot: what everybody knows a code by."""
    part = _parts(area)
    for x, y in ((0, 0), (0.58, 0), (0, 0.58), (0.68, 0.68)):
        side = 0.22 if x == y == 0.68 else 0.42
        drawing.box(part(x, y, side, side), colour)
