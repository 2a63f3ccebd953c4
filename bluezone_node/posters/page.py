"""A4 and A5: one design, at two scales."""

from bluezone_node.posters import icons, wording
from bluezone_node.posters.content import Content
from bluezone_node.posters.drawing import FADED, WHITE, Area, Drawing

WIDTH, HEIGHT = 210.0, 297.0
_MARGIN = 8.0
"""Of A4; the 5.6 mm that are left of it on A5 are still more than office printers cannot reach."""
_GAP = 6.0
_FRAME = 138.0
"""Side of the square with its quiet zone: on A5 the symbol is 8 cm then, read from 80 cm."""


def page(drawing: Drawing, content: Content) -> None:
    """Lay out a poster on A4."""
    width = WIDTH - 2 * _MARGIN
    band = Area(_MARGIN, _MARGIN, width, 42)
    footer = Area(_MARGIN, HEIGHT - _MARGIN - 15, width, 15)
    code = Area(_MARGIN, footer.y - _GAP + 1 - 22, width, 22)
    frame = Area(_MARGIN, code.y - _GAP - _FRAME, _FRAME, _FRAME)
    steps = Area(frame.right + 7, frame.y, width - _FRAME - 7, _FRAME)
    _band(drawing, band, content)
    _place(drawing, Area(_MARGIN, band.bottom + 4, width, frame.y - band.bottom - 8), content)
    drawing.framed(frame, content.square, content.paint.strong, 1)
    _steps(drawing, steps, content)
    _code(drawing, code, content)
    _footer(drawing, footer, content)


def _band(drawing: Drawing, area: Area, content: Content) -> None:
    paint, said = content.paint, content.said
    drawing.box(area, paint.strong, 4)
    inner = Area(area.x + 9, area.y + 1, area.width - 18, area.height - 2)
    word = drawing.fit(Area(0, 0, 78, inner.height), said.word, largest=33, smallest=14, bold=True)
    # Accents stand above capitals, and nothing below: the middle is a little lower.
    top = inner.y + (inner.height - word.height) / 2 + 0.05 * word.size
    drawing.lines(inner.x, top, word, bold=True, colour=WHITE)
    picture = Area(inner.right - 28, area.y + 7, 28, 28)
    left = inner.x + drawing.width_of(word, bold=True) + 9
    beside = Area(left, area.y + 11, picture.x - left - 7, 24)
    below = drawing.text(
        Area(beside.x, beside.y, beside.width, 12), said.task.vi, 9, bold=True, colour=WHITE
    )
    drawing.text(Area(beside.x, below, beside.width, 10), said.task.en, 6.5, colour=WHITE)
    paint.icon(drawing, picture, WHITE, paint.strong)


def _place(drawing: Drawing, area: Area, content: Content) -> None:
    """Put name, room and address: together in the middle of *area*."""
    card, paint = content.card, content.paint
    room = 10.0 if card.room else 0.0
    small = Area(0, 0, area.width, 6.5)
    address = drawing.fit(small, wording.where(card, content.commune), largest=5.2, smallest=0)
    kind = drawing.fit(small, wording.kind(card), largest=4.6, smallest=0)
    rest = room + address.height + kind.height + 1
    name = drawing.fit(
        Area(0, 0, area.width, area.height - rest), card.name, largest=15, smallest=7, bold=True
    )
    y = area.y + (area.height - rest - name.height) / 2
    y = drawing.lines(area.x, y, name, bold=True)
    if room:
        fitted = drawing.fit(
            Area(0, 0, area.width, room), card.room, largest=8, smallest=0, bold=True
        )
        drawing.lines(area.x, y, fitted, bold=True, colour=paint.strong)
        y += room
    y = drawing.lines(area.x, y + 1, address, colour=FADED)
    drawing.lines(area.x, y, kind, colour=FADED)


def _steps(drawing: Drawing, area: Area, content: Content) -> None:
    said, paint = content.said, content.paint
    each = area.height / 3
    beside = Area(area.x + 12.5, 0, area.width - 12.5, 8)
    size = min(
        drawing.fit(beside, head, largest=5.4, smallest=3.5, bold=True).size for head in said.heads
    )
    pictures = (icons.telephone, icons.kiosk, paint.last)
    for number, (icon, head, step) in enumerate(zip(pictures, said.heads, said.steps, strict=True)):
        top = area.y + number * each
        icon(drawing, Area(area.x, top, 10.5, 10.5), paint.strong, WHITE)
        drawing.line(beside.x, top + 7, head, size, bold=True)
        y = drawing.text(Area(area.x, top + 13, area.width, 17), step.vi, 4.7)
        drawing.text(Area(area.x, y + 0.6, area.width, 10), step.en, 3.7, colour=FADED)


def _code(drawing: Drawing, area: Area, content: Content) -> None:
    drawing.box(area, content.paint.light, 4)
    drawing.line(area.x + 6, area.y + 10.5, wording.CODE.vi, 5.6, bold=True)
    drawing.line(area.x + 6, area.y + 16.3, wording.CODE.en, 4.2, colour=FADED)
    letters = drawing.fit(
        Area(0, 0, 76, area.height), content.code, largest=16, smallest=0, bold=True
    )
    drawing.lines(
        area.x + 43,
        area.y + (area.height - letters.height) / 2,
        letters,
        bold=True,
        colour=content.paint.strong,
    )
    beside = Area(area.x + 128, area.y + 2.6, area.width - 134, 10)
    y = drawing.text(beside, wording.SAME_CODE.vi, 4.1)
    drawing.text(Area(beside.x, y + 0.4, beside.width, 8), wording.SAME_CODE.en, 3.3, colour=FADED)


def _footer(drawing: Drawing, area: Area, content: Content) -> None:
    card = content.card
    trust, kept, valid = wording.trust(content.host), wording.kept(card), wording.valid(card)
    pasted = wording.PASTED
    y = drawing.text(
        Area(area.x, area.y, area.width, 5.3), f"{trust.vi} {pasted.vi}", 4.2, bold=True
    )
    line = Area(area.x, y, area.width, 4.6)
    y = drawing.text(line, f"{trust.en} {pasted.en}", 3.5, colour=FADED)
    line = Area(area.x, y, area.width * 0.6, 4.6)
    drawing.text(line, f"{kept.vi} {kept.en}", 3.3, colour=FADED)
    line = Area(area.x + area.width * 0.62, y, area.width * 0.38, 4.6)
    drawing.text(line, valid.vi, 3.3, colour=FADED, align=1)
