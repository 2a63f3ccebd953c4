"""A sheet of paper as a list of what stands where: the one thing that all renderers draw.

Lengths are millimetres from the upper left corner, to the right and down.  Whatever could come
out differently (where a line breaks, how large a letter is) is settled before, in the layout.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import TypeAlias

from bluezone_node.posters.fonts import Faces
from bluezone_node.posters.square import Square


@dataclass(frozen=True, slots=True)
class Text:
    """One line, from its left end."""

    x: float
    baseline: float
    size: float
    """Of an em."""
    text: str = field(repr=False)
    bold: bool
    colour: str
    """As ``#rrggbb``."""


@dataclass(frozen=True, slots=True)
class Box:
    """A filled rectangle, its corners rounded by *radius*."""

    x: float
    y: float
    width: float
    height: float
    colour: str
    radius: float = 0.0


@dataclass(frozen=True, slots=True)
class Shape:
    """A filled polygon."""

    points: tuple[tuple[float, float], ...]
    colour: str


@dataclass(frozen=True, slots=True)
class Symbol:
    """The dark modules of a square, without its quiet zone: the layout leaves that white."""

    x: float
    y: float
    module: float
    """Side of one module."""
    square: Square = field(repr=False)
    colour: str

    @property
    def side(self) -> float:
        return self.module * self.square.modules


Element: TypeAlias = Text | Box | Shape | Symbol


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page to be drawn."""

    width: float
    height: float
    elements: tuple[Element, ...] = field(repr=False)
    """In the order in which they cover one another."""
    faces: Faces
    dots: float
    """Of a picture, per millimetre."""
    two_colours: bool
    """Whether the printer knows black and white only."""
    title: str
    """What file managers and browsers show: says nothing of the place."""
    made: date
    """Stands in the file as its date: the first day of the card, so that no clock is read and
    the same card gives the same file."""

    @property
    def texts(self) -> tuple[Text, ...]:
        return tuple(each for each in self.elements if isinstance(each, Text))
