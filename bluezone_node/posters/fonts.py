"""The letters of a poster: a font of the system that knows Vietnamese, and its measures.

All three renderers set text from the measures that are read here, glyph by glyph and without
kerning, so that a line is as long on a screen as on paper, and is known before it is drawn.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from fontTools.pens.svgPathPen import SVGPathPen
from fontTools.ttLib import TTFont

from bluezone_node.errors import BadInput, FontUnavailable

FOLDER = Path("/usr/share/fonts/truetype")
FAMILIES = {
    "Noto Sans": ("noto/NotoSans-Regular.ttf", "noto/NotoSans-Bold.ttf"),
    "DejaVu Sans": ("dejavu/DejaVuSans.ttf", "dejavu/DejaVuSans-Bold.ttf"),
}
"""Regular and bold, under Debian's folder; the first family that is there is taken. Noto Sans
(fonts-noto-core, 42 MB) is narrower, so that names stand larger, and its stacked Vietnamese
accents are drawn apart; DejaVu Sans (fonts-dejavu-core, 3 MB) is what a small server has. Both
may be embedded in what is printed."""

_MISSING = ".notdef"
_RIGHT_TO_LEFT = {"R", "AL", "AN"}


@dataclass(frozen=True, slots=True)
class Face:
    """One weight of a family. Measures are in em."""

    path: Path
    _font: TTFont = field(repr=False)
    _names: dict[int, str] = field(repr=False)
    _advances: dict[str, float] = field(repr=False)
    """By letter; that of one which the font lacks under the empty string."""
    _unit: float

    def width(self, text: str) -> float:
        """Return how far *text* goes."""
        known, missing = self._advances, self._advances[""]
        return sum([known.get(letter, missing) for letter in text])

    def advance(self, letter: str) -> float:
        return self.width(letter)

    def glyph(self, letter: str) -> str:
        """Return the font's name of the glyph of *letter*."""
        return self._names.get(ord(letter), _MISSING)

    def outline(self, letter: str) -> str:
        """Return the path of *letter* in SVG's notation, in font units, upwards."""
        glyphs = self._font.getGlyphSet()
        pen = SVGPathPen(glyphs)
        glyphs[self.glyph(letter)].draw(pen)
        return str(pen.getCommands())

    @property
    def units(self) -> float:
        """Return how many of the font's units an em has."""
        return 1 / self._unit

    def lacks(self, text: str) -> bool:
        """Tell whether there is a letter in *text* that this face cannot set."""
        return any(
            ord(letter) not in self._names
            or unicodedata.bidirectional(letter) in _RIGHT_TO_LEFT
            or unicodedata.combining(letter)
            for letter in text
        )


@dataclass(frozen=True, slots=True)
class Faces:
    """A family: what a sheet is set in."""

    family: str
    regular: Face = field(repr=False)
    bold: Face = field(repr=False)

    def of(self, *, bold: bool) -> Face:
        return self.bold if bold else self.regular

    def check(self, texts: Iterable[str]) -> None:
        """Look whether every letter of *texts* can be set.

        Raises:
            BadInput: reason ``poster_letters``.
        """
        if any(self.regular.lacks(text) or self.bold.lacks(text) for text in texts):
            raise BadInput(
                f"The place's name, room or address has letters that {self.family} cannot set.",
                reason="poster_letters",
                hint="have the place registered with its name in Vietnamese letters",
            )


@cache
def faces(family: str | None = None) -> Faces:
    """Return *family*, or the first of `FAMILIES` that is installed.

    Raises:
        FontUnavailable: none of them is.
    """
    for name in [family] if family else FAMILIES:
        regular, bold = (FOLDER / file for file in FAMILIES[name])
        if regular.is_file() and bold.is_file():
            return Faces(name, _face(regular), _face(bold))
    raise FontUnavailable(hint="sudo apt install fonts-dejavu-core")


def _face(path: Path) -> Face:
    try:
        font = TTFont(path)
        unit = 1 / font["head"].unitsPerEm
        names, metrics = font.getBestCmap(), font["hmtx"].metrics
        advances = {chr(code): metrics[name][0] * unit for code, name in names.items()}
        return Face(path, font, names, advances | {"": metrics[_MISSING][0] * unit}, unit)
    except Exception as error:  # whatever the parser meets in a damaged file
        raise FontUnavailable(
            f"The font {path} could not be read.", hint="sudo apt reinstall fonts-dejavu-core"
        ) from error
