"""The poster at a place's door: what it says, and where on the paper.

It is read three times: the word and the place's name from some metres, by those who look for the
door; the square from arm's length, by a camera; the rest by who asks what this is, or whether it
is genuine.
"""

import re
from dataclasses import dataclass
from typing import Literal, get_args

from bluezone_node.errors import BadInput
from bluezone_node.posters import icons, wording
from bluezone_node.posters.drawing import FADED, INK, WHITE, Area, Drawing
from bluezone_node.posters.fonts import Faces, faces
from bluezone_node.posters.icons import Icon
from bluezone_node.posters.sheet import Sheet
from bluezone_node.posters.square import Square, square_of
from bluezone_node.posters.wording import Wording
from bluezone_node.venues.card import Card, CardFlag, SignedCard
from bluezone_node.venues.text import Direction, Proof, to_url

Size = Literal["a4", "a5", "sticker"]
SIZES: tuple[Size, ...] = get_args(Size)

_A4_WIDTH, _A4_HEIGHT = 210.0, 297.0
_A5_SCALE = 148 / 210
_MARGIN = 8.0
"""Of A4; the 5.6 mm that are left of it on A5 are still more than office printers cannot reach."""
_GAP = 6.0
_FRAME = 138.0
"""Side of the square with its quiet zone: on A5 the symbol is 8 cm then, read from 80 cm."""
_STICKER = 100.0
_HOST = re.compile(r"https://([a-z0-9.-]+)/")


@dataclass(frozen=True, slots=True)
class _Paint:
    """The colours of a direction. Blue and orange are told apart by those too who do not see red
    or green; white on either has a contrast above 5:1, and both are dark on a grey printer."""

    strong: str
    light: str
    icon: Icon
    last: Icon
    """Beside the third step."""


_PAINTS: dict[Direction | None, _Paint] = {
    "in": _Paint("#0b4a9e", "#e8f0fb", icons.door_in, icons.slip),
    "out": _Paint("#b0420a", "#fdeee3", icons.door_out, icons.clock),
    None: _Paint("#0a5f58", "#e4f3f1", icons.finder, icons.slip),
}
_STAFF = ("#3a3f4b", "#eceef2")


@dataclass(frozen=True, slots=True)
class _Content:
    """What stands on the poster, whatever its size."""

    card: Card
    code: str
    commune: str
    host: str
    square: Square
    said: Wording
    paint: _Paint


def poster(
    signed: SignedCard,
    url: str,
    *,
    size: Size,
    direction: Direction | None = None,
    commune: str = "",
    family: Faces | None = None,
) -> Sheet:
    """Lay out the poster of *signed* that shows *url*, see `venues.text.to_url`.

    It hangs at the way in or out where *direction* says so. *commune* is the name of the commune,
    which a card has the number of. A card of staff makes a poster that says so.

    Raises:
        BadInput: reason ``poster_mismatch`` where *url* is not that of this card and direction;
            ``poster_letters`` where the font cannot set the place's name.
        FontUnavailable: there is no font to set it in.
    """
    host = check_url(signed, url, direction)
    letters = family or faces()
    card = signed.card
    letters.check((card.name, card.room, card.address, commune))
    paint = _PAINTS[direction]
    if CardFlag.STAFF_CODE in card.flags:
        paint = _Paint(*_STAFF, paint.icon, paint.last)
    content = _Content(
        card,
        wording.spoken(signed.spoken_code),
        commune,
        host,
        square_of(url),
        wording.wording(card, direction),
        paint,
    )
    made, title = wording.day_of(card.from_day), wording.POSTER_TITLE
    if size == "sticker":
        drawing = Drawing(letters)
        _sticker(drawing, content)
        return drawing.sheet(_STICKER, _STICKER, title=title, made=made)
    drawing = Drawing(letters, _A5_SCALE if size == "a5" else 1.0)
    _page(drawing, content)
    return drawing.sheet(_A4_WIDTH, _A4_HEIGHT, title=title, made=made)


def check_url(
    signed: SignedCard, url: str, direction: Direction | None, proof: Proof | None = None
) -> str:
    """Return the host of *url*, once seen that it leads to this card: the name in print and the
    square beside it may not be of two places.

    Raises:
        BadInput: reason ``poster_mismatch``.
    """
    host = _HOST.match(url)
    if host and url == to_url(signed.cose, host[1], direction, proof):
        return host[1]
    raise BadInput(
        "The link to be printed is not that of this card and this direction.",
        reason="poster_mismatch",
    )


def _page(drawing: Drawing, content: _Content) -> None:
    width = _A4_WIDTH - 2 * _MARGIN
    band = Area(_MARGIN, _MARGIN, width, 42)
    footer = Area(_MARGIN, _A4_HEIGHT - _MARGIN - 15, width, 15)
    code = Area(_MARGIN, footer.y - _GAP + 1 - 22, width, 22)
    frame = Area(_MARGIN, code.y - _GAP - _FRAME, _FRAME, _FRAME)
    steps = Area(frame.right + 7, frame.y, width - _FRAME - 7, _FRAME)
    _band(drawing, band, content)
    _place(drawing, Area(_MARGIN, band.bottom + 4, width, frame.y - band.bottom - 8), content)
    _framed(drawing, frame, content, 1)
    _steps(drawing, steps, content)
    _code(drawing, code, content)
    _footer(drawing, footer, content)


def _band(drawing: Drawing, area: Area, content: _Content) -> None:
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


def _place(drawing: Drawing, area: Area, content: _Content) -> None:
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


def _framed(drawing: Drawing, area: Area, content: _Content, line: float) -> None:
    """Put the square into a frame of its direction's colour, its quiet zone inside."""
    drawing.box(area, content.paint.strong, 4 * line)
    inside = Area(area.x + line, area.y + line, area.width - 2 * line, area.height - 2 * line)
    drawing.box(inside, WHITE, 3 * line)
    square = content.square
    # Round corners reach 0.88 of the line into the quiet zone.
    module = drawing.module_of(square, inside.width - 1.8 * line)
    top = area.y + (area.height - module * square.modules) / 2
    drawing.symbol(area.x + area.width / 2, top, module, square, INK)


def _steps(drawing: Drawing, area: Area, content: _Content) -> None:
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


def _code(drawing: Drawing, area: Area, content: _Content) -> None:
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


def _footer(drawing: Drawing, area: Area, content: _Content) -> None:
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


def _sticker(drawing: Drawing, content: _Content) -> None:
    """Lay out what is stuck beside a door bell: the square, and whose it is."""
    paint, card = content.paint, content.card
    margin, width = 3.0, _STICKER - 6.0
    band = Area(margin, margin, width, 15)
    frame = Area(margin, band.bottom + 1.5, 69, 69)
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
    _framed(drawing, frame, content, 0.7)
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
    foot = Area(margin, frame.bottom + 1, width, 4)
    y = drawing.text(foot, f"{trust.vi} {wording.PASTED.vi}", 2.9, bold=True)
    drawing.text(Area(margin, y, width * 0.6, 3), trust.en, 2.3, colour=FADED)
    valid = wording.valid(card)
    drawing.text(
        Area(margin + width * 0.6, y, width * 0.4, 3), valid.vi, 2.3, colour=FADED, align=1
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
