"""The sticker beside a door bell or on a table: the square, whose it is, and how to tell it."""

from bluezone_node.posters import wording
from bluezone_node.posters.content import Content
from bluezone_node.posters.drawing import FADED, WHITE, Area, Drawing
from bluezone_node.venues.card import Card

SIDE = 100.0
_MARGIN = 3.0
"""A print shop's knife is no farther off."""


def sticker(drawing: Drawing, content: Content) -> None:
    """Lay out a poster on a sticker."""
    paint, card = content.paint, content.card
    width = SIDE - 2 * _MARGIN
    band = Area(_MARGIN, _MARGIN, width, 15)
    frame = Area(_MARGIN, band.bottom + 1.5, 69, 69)
    beside = Area(frame.right + 3, frame.y, width - 72, 69)
    drawing.box(band, paint.strong, 2.5)
    largest = 12 / len(content.said.word.split())
    word = drawing.fit(
        Area(0, 0, 33, band.height), content.said.word, largest=largest, smallest=5, bold=True
    )
    drawing.lines(
        band.x + 3.5, band.y + (band.height - word.height) / 2, word, bold=True, colour=WHITE
    )
    left = band.x + 7 + drawing.width_of(word, bold=True)
    _named(drawing, Area(left, band.y + 0.8, band.right - left - 3, band.height - 1.6), card)
    drawing.framed(frame, content.square, content.paint.strong, 0.7)
    paint.icon(
        drawing, Area(beside.x + beside.width / 2 - 6.5, beside.y + 1, 13, 13), paint.strong, WHITE
    )
    task = Area(beside.x, beside.y + 17, beside.width, 9)
    y = drawing.text(task, content.said.task.vi, 3.6, smallest=2.5, bold=True, align=0.5)
    drawing.text(Area(task.x, y, task.width, 7), content.said.task.en, 2.7, colour=FADED, align=0.5)
    label = Area(beside.x, beside.bottom - 31, beside.width, 31)
    drawing.box(label, paint.light, 2)
    middle = label.x + label.width / 2
    drawing.line(middle, label.y + 5, wording.CODE.vi, 3.4, bold=True, align=0.5)
    drawing.line(middle, label.y + 8.6, wording.CODE.en, 2.6, colour=FADED, align=0.5)
    halves = content.code.split()
    rows = (Area(label.x + 1.5, label.y + 10 + 9.5 * n, label.width - 3, 10.2) for n in (0, 1))
    for half, row in zip(halves, rows, strict=True):
        drawing.text(row, half, 8, bold=True, colour=paint.strong, align=0.5)
    trust = wording.trust(content.host)
    foot = Area(_MARGIN, frame.bottom + 1, width, 4)
    y = drawing.text(foot, f"{trust.vi} {wording.PASTED.vi}", 2.9, bold=True)
    drawing.text(Area(_MARGIN, y, width * 0.6, 3), trust.en, 2.3, colour=FADED)
    valid = wording.valid(card)
    drawing.text(
        Area(_MARGIN + width * 0.6, y, width * 0.4, 3), valid.vi, 2.3, colour=FADED, align=1
    )


def _named(drawing: Drawing, area: Area, card: Card) -> None:
    """Put name and room in white, in the middle of *area*."""
    below = card.room or card.address or wording.kind(card)
    rest = drawing.fit(Area(0, 0, area.width, 4.4), below, largest=3.4, smallest=0)
    name = drawing.fit(
        Area(0, 0, area.width, area.height - rest.height),
        card.name,
        largest=5.4,
        smallest=2.8,
        bold=True,
    )
    y = area.y + (area.height - name.height - rest.height) / 2
    y = drawing.lines(area.x, y, name, bold=True, colour=WHITE)
    drawing.lines(area.x, y, rest, colour=WHITE)
