"""The picture of an alert: how near, over the day, and how sure that is; to look at or to print.

Near is at the top, as in a person's mind the peak is what matters.  The line is the median of what
the distance may have been, the band holds it nine times in ten; where nobody was heard there is
neither.  Everything is told by shape and shade too, so that a black and white print says the same.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

from bluezone_node.alerts import Alert, Moment, Nearness
from bluezone_node.commands.course import Stretch, local_time, share, stretches
from bluezone_node.commands.svg import Drawing, Linear, Logarithmic
from bluezone_node.commands.wording import Pair, chance_of_contact, within_two_metres

WIDTH, HEIGHT = 480, 392
"""Units; a page of a phone, and a third of a sheet of paper."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 470, 112, 296
"""Edges of the chart: the room beside it is for metres, above for the summary, below for times."""

NEAREST, FARTHEST = 0.5, 10.0
"""Metres that the axis runs over. Nearer is no riskier, and farther is out of reach."""

_PARTS = 6
"""Stretches of the day side by side: more would be too narrow for their times."""
_GUTTER = 14
_COLUMN = 2
"""Units that a column of the picture is wide: a printer's dot, and it bounds the file's size."""
_LEAST_COLUMNS = 24
"""Of a stretch: room for one time below it."""
_LEAST_SECONDS = 600.0
"""That a stretch is drawn as long as: a minute is not to look like an hour."""
_TICKS = (300, 600, 900, 1800, 3600, 7200, 10800, 21600, 86400)
"""Seconds between times below the chart: what a clock's face is divided into."""
_APART = 40
"""Units between the left edges of two times that can still be read."""

_CAUTION = (
    "Bluetooth không đo được khoảng cách: đây không phải bằng chứng.",
    "Bluetooth cannot measure distance: this is no proof.",
)

_PALE, _LINE, _BAND = "#555", "#0b3d66", "#a9c8e6"


def draw(alert: Alert, nearness: Nearness) -> str:
    """Return the picture of *alert*, of which *nearness* was estimated, as an SVG document."""
    parts = stretches(nearness.course, _PARTS)
    day = alert.start.astimezone()
    title = (
        f"Có thể đã ở gần người mắc bệnh, {day:%d/%m/%Y}",
        f"Possibly near a confirmed case, {day:%Y-%m-%d}",
    )
    summary = (within_two_metres(nearness), chance_of_contact(nearness))
    drawing = Drawing(WIDTH, HEIGHT, " / ".join(title), " ".join(_description(parts, summary)))
    drawing.text(10, 24, title[0], size=16, font_weight="bold")
    drawing.text(10, 40, title[1], size=11, fill=_PALE)
    for row, (vietnamese, english) in enumerate(summary):
        drawing.text(10, 60 + 28 * row, vietnamese, size=12)
        drawing.text(10, 73 + 28 * row, english, size=10.5, fill=_PALE)
    metres = Logarithmic(NEAREST, FARTHEST, _TOP, _BOTTOM)
    _draw_axis(drawing, metres)
    if not parts:
        drawing.text(_LEFT + 20, (_TOP + _BOTTOM) / 2, "không có số liệu / no data", fill=_PALE)
    left = _LEFT
    room = (_RIGHT - _LEFT - _GUTTER * (len(parts) - 1)) // _COLUMN
    for part, columns in zip(parts, share(parts, room, _LEAST_COLUMNS), strict=True):
        _draw_part(drawing, part, left, columns, metres, nearness.contact_metres)
        left += columns * _COLUMN + _GUTTER
    _draw_legend(drawing)
    return str(drawing)


def _description(parts: Sequence[Stretch], summary: Sequence[Pair]) -> Iterator[str]:
    spans = [f"{local_time(part.start):%H:%M}–{local_time(part.end):%H:%M}" for part in parts]
    yield f"{', '.join(spans)}."
    for language in zip(*summary, strict=True):
        yield from language


def _draw_axis(drawing: Drawing, metres: Logarithmic) -> None:
    for tick in metres.ticks():
        y = metres(tick)
        sign = "≤ " if tick <= NEAREST else "≥ " if tick >= FARTHEST else ""
        words = f"{sign}{tick:g} m".replace(".", ",")
        drawing.text(_LEFT - 5, y + 4, words, size=11, text_anchor="end")
    for word, y in (
        ("gần", _TOP + 18),
        ("near", _TOP + 30),
        ("xa", _BOTTOM - 26),
        ("far", _BOTTOM - 14),
    ):
        drawing.text(8, y, word, size=10.5, fill=_PALE)


def _draw_part(
    drawing: Drawing,
    part: Stretch,
    left: float,
    columns: int,
    metres: Logarithmic,
    contact: float,
) -> None:
    right = left + columns * _COLUMN
    seconds = max(part.seconds, _LEAST_SECONDS)
    shown = part.columns(columns, seconds / columns)
    for first, run in _runs(shown):
        x = left + first * _COLUMN
        upper = _steps(x, [metres(moment.nearest) for moment in run])
        lower = _steps(x, [metres(moment.farthest) for moment in run])
        drawing.path([*upper, *reversed(lower)], closed=True, fill=_BAND)
    for limit in (1.0, 2.0):
        y = metres(limit)
        dashes = "5 3" if limit == contact else "1 3"
        drawing.line(left, y, right, y, stroke_dasharray=dashes)
    for first, run in _runs(shown):
        x = left + first * _COLUMN
        drawing.path(
            _steps(x, [metres(moment.metres) for moment in run]), stroke=_LINE, stroke_width=2.5
        )
    drawing.rect(left, _TOP, right - left, _BOTTOM - _TOP, fill="none", stroke=_PALE)
    time = Linear(part.start, part.start + seconds, left, right)
    for x, anchor, unix in _times(part, time):
        drawing.line(time(unix), _BOTTOM, time(unix), _BOTTOM + 4, stroke=_PALE)
        drawing.text(x, _BOTTOM + 16, f"{local_time(unix):%H:%M}", size=11, text_anchor=anchor)


def _times(part: Stretch, time: Linear) -> Iterator[tuple[float, str, float]]:
    """Yield where to write which times: the first, the last if it fits, round ones between."""
    yield time.start, "start", part.start
    end = time(part.end)
    ends = end - time.start >= 2 * _APART
    if ends:
        yield min(end + 16, time.end), "end", part.end
    fitting = (step for step in _TICKS if time(part.start + step) - time.start >= _APART + 10)
    step = next(fitting, None)
    if step is None:
        return
    offset = local_time(part.start).utcoffset()
    shift = offset.total_seconds() if offset else 0.0
    tick = ((part.start + shift) // step + 1) * step - shift
    while tick < part.end:
        x = time(tick)
        if x - time.start >= _APART + 16 and (not ends or end - x >= _APART + 16):
            yield x, "middle", tick
        tick += step


def _runs(shown: Sequence[Moment | None]) -> Iterator[tuple[int, list[Moment]]]:
    """Yield each run of columns in which somebody was heard, with the first column's number."""
    column = 0
    for heard, group in groupby(shown, key=lambda moment: moment is not None):
        run = list(group)
        if heard:
            yield column, [moment for moment in run if moment is not None]
        column += len(run)


def _steps(x: float, levels: Sequence[float]) -> list[tuple[float, float]]:
    """Return the corners of a staircase that keeps each level for a column."""
    corners: list[tuple[float, float]] = []
    for level, columns in groupby(levels):
        width = sum(_COLUMN for _ in columns)
        corners += [(x, level), (x + width, level)]
        x += width
    return corners


def _draw_legend(drawing: Drawing) -> None:
    row = _BOTTOM + 40
    drawing.line(10, row - 4, 34, row - 4, stroke=_LINE, stroke_width=2.5)
    drawing.rect(110, row - 11, 24, 14, fill=_BAND)
    for x, y, vietnamese, english in (
        (40, row, "ước tính", "estimate"),
        (140, row, "khả năng 9 trên 10 là trong vùng này", "9 times in 10 within this"),
        (366, row, "trống: mất tín hiệu", "blank: not heard"),
        (10, row + 34, *_CAUTION),
    ):
        drawing.text(x, y, vietnamese, size=11)
        drawing.text(x, y + 12, english, size=10, fill=_PALE)
