"""How lines break and shrink: a name of 96 bytes stays on the paper as one of three letters does.

Lengths are in any one unit; measures of letters come from the face.
"""

from dataclasses import dataclass, field
from itertools import accumulate, takewhile

from bluezone_node.posters.fonts import Face

LEADING = 1.24
"""From baseline to baseline, in em: Vietnamese capitals carry two accents, one over the other."""
_STEP = 0.97


@dataclass(frozen=True, slots=True)
class Fitted:
    """Text, broken into lines of one size."""

    lines: tuple[str, ...] = field(repr=False)
    size: float

    @property
    def height(self) -> float:
        return len(self.lines) * self.size * LEADING


def fit(
    text: str, face: Face, *, width: float, height: float, largest: float, smallest: float
) -> Fitted:
    """Break *text* into lines at the largest size at which they stay within *width* and *height*.

    Words are kept whole down to the size *smallest*; what does not fit then is broken within
    words, and shrunk as far as it must be.
    """
    for whole, least in ((True, smallest), (False, 0.0)):
        size = largest
        while size >= least:
            lines = _wrapped(text, face, width / size, whole=whole)
            if lines and len(lines) * size * LEADING <= height:
                return Fitted(_balanced(text, face, width / size, lines), size)
            size *= _STEP
    raise AssertionError("unreachable: everything fits at some size")


def _wrapped(text: str, face: Face, width: float, *, whole: bool) -> tuple[str, ...]:
    """Fill lines of *width* em; return none where a word is to stay *whole* and does not fit."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if face.width(longer) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        line = word
        while face.width(line) > width:
            reached = accumulate(map(face.advance, line))
            count = sum(1 for _ in takewhile(lambda end: end <= width, reached))
            if whole or not count:
                return ()
            lines.append(line[:count])
            line = line[count:]
    return (*lines, line)


def _balanced(text: str, face: Face, width: float, lines: tuple[str, ...]) -> tuple[str, ...]:
    """Narrow the lines as far as their number allows, so that the last one is no orphan."""
    narrow, wide = width / len(lines) * 0.9, width
    for _ in range(8):
        middle = (narrow + wide) / 2
        tried = _wrapped(text, face, middle, whole=True)
        if tried and len(tried) == len(lines):
            lines, wide = tried, middle
        else:
            narrow = middle
    return lines
