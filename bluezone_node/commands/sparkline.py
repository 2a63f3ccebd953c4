"""The encounter over time in a line of the terminal: the higher, the nearer."""

from bluezone_node.alerts import Moment, Nearness
from bluezone_node.commands.course import local_time, share, stretches

WIDTH = 60
"""Columns at most, so that it fits beside whatever stands before it in 80."""

_COLUMN = 60.0
"""Seconds that a column stands for at least: nothing is known more exactly than a scan."""

_PARTS = 4
"""Stretches of the day that fit beside one another, each over its times."""
_LEAST = len("08:02-08:16")

_METRES = (0.7, 1.0, 1.3, 1.6, 2.0, 2.5, 3.5)
"""Up to these, from the highest block to the lowest but one: finest where estimates lie among
people, and such that a legend can name 1 m and 2 m."""
_BLOCKS = "█▇▆▅▄▃▂▁"
_ASCII = "##+++..."

_LEGEND = {
    _BLOCKS: (
        "▇█ trong vòng 1 m   ▄▅▆ 1–2 m   ▁▂▃ xa hơn   trống: không thu được",
        "▇█ within 1 m   ▄▅▆ 1–2 m   ▁▂▃ farther   blank: not heard",
    ),
    _ASCII: (
        "# trong vòng 1 m   + 1-2 m   . xa hơn   trống: không thu được",
        "# within 1 m   + 1-2 m   . farther   blank: not heard",
    ),
}


def sparkline(nearness: Nearness, encoding: str = "utf-8") -> tuple[list[str], tuple[str, str]]:
    """Return lines of at most `WIDTH` columns, and the legend in Vietnamese and English.

    Both are empty if there is nothing to show. Only characters that *encoding* has are used
    in the lines; letters with accents in the legend are the caller's to deal with.
    """
    parts = stretches(nearness.course, _PARTS)
    if not parts:
        return [], ("", "")
    glyphs = _BLOCKS if _can_write(_BLOCKS + "⋯", encoding) else _ASCII
    between, cut = ("–", " ⋯ ") if glyphs is _BLOCKS else ("-", " ~ ")
    room = WIDTH - len(cut) * (len(parts) - 1)
    bars, times = [], []
    for part, width in zip(parts, share(parts, room, _LEAST), strict=True):
        seconds = max(_COLUMN, part.seconds / width)
        count = min(width, max(round(part.seconds / seconds), 1))
        bar = "".join(_glyph(moment, glyphs) for moment in part.columns(count, seconds))
        span = f"{local_time(part.start):%H:%M}{between}{local_time(part.end):%H:%M}"
        bars.append(bar.ljust(len(span)))
        times.append(span.ljust(len(bars[-1])))
    lines = [cut.join(bars).rstrip(), (" " * len(cut)).join(times).rstrip()]
    return lines, _LEGEND[glyphs]


def _glyph(moment: Moment | None, glyphs: str) -> str:
    if moment is None:
        return " "
    return glyphs[sum(moment.metres > metres for metres in _METRES)]


def _can_write(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
