"""The paper slip for who has no telephone: a visit to carry home, on a receipt printer's paper.

It is black on white, as wide as the printer reaches, and as long as it must be.  What a visitor's
device would keep is in its square: the card, and the proof of having stood there; somebody with
the app can scan it later and be warned for them.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from bluezone_node.posters import wording
from bluezone_node.posters.content import check_proved_url
from bluezone_node.posters.drawing import Area, Drawing
from bluezone_node.posters.fitting import LEADING
from bluezone_node.posters.fonts import Faces, faces
from bluezone_node.posters.sheet import Sheet
from bluezone_node.posters.square import QUIET_MODULES, Square, square_of
from bluezone_node.venues.card import VIETNAM, SignedCard

Paper = Literal[58, 80]

_REACH: dict[Paper, float] = {58: 48.0, 80: 72.0}
"""Millimetres that the heads of such printers reach: 384 and 576 dots."""
_SCALE: dict[Paper, float] = {58: 1.0, 80: 1.15}
"""Of the letters: wider paper is for longer lines, not for a longer slip."""
_SQUARE = 52.0
"""With its quiet zone, whose outer part is the margin that the head does not reach."""
_SMALL_SQUARE = 21.0
_DOTS = 8.0
"""A millimetre: 203 to the inch."""
_BLACK = "#000000"
_LONGEST = 400.0
"""More than any text comes to: paper is cut where it ends."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """How the visit is ended at the kiosk."""

    code: str = field(repr=False)
    """Six characters, to be said."""
    text: str = field(repr=False)
    """The same for a scanner."""


def slip(
    signed: SignedCard,
    url: str,
    at: datetime,
    *,
    leaving: Leaving | None = None,
    people: int = 1,
    paper: Paper = 58,
    family: Faces | None = None,
) -> Sheet:
    """Lay out the slip of a visit *at* an instant that shows *url*: the card with the proof.

    *people* came together. Where the slip is to be held before the kiosk again, *leaving* says how.

    Raises:
        BadInput: reason ``poster_mismatch`` where *url* is not that of this card, with a proof;
            ``poster_letters``.
        FontUnavailable: there is no font to set it in.
    """
    check_proved_url(signed, url)
    letters, card = family or faces(), signed.card
    letters.check((card.name, card.room, card.address))
    drawing = Drawing(letters, dots=_DOTS)
    column = _Column(drawing, _REACH[paper], _SCALE[paper])
    local = at.astimezone(VIETNAM)
    column.put(wording.SLIP_TITLE, 3.6, bold=True)
    column.rule()
    column.put(card.name, 5.2, bold=True)
    if card.room:
        column.put(card.room, 4.0, bold=True)
    if card.address:
        column.put(card.address, 3.0)
    column.gap(1.5)
    column.put(f"{local:%H:%M}", 11, bold=True)
    column.put(f"{local:%d/%m/%Y}", 4.4, bold=True)
    if people > 1:
        column.put(f"{people} người / people", 3.6, bold=True)
    column.square(square_of(url, "L"))
    column.put(f"{wording.PLACE_CODE.vi} / {wording.PLACE_CODE.en}", 3.0)
    column.put_on_one_line(f"{wording.spoken(signed.spoken_code)} · {local:%H:%M}", 6.4)
    column.rule()
    column.put(wording.KEEP.vi, 3.8, bold=True)
    column.put(wording.IF_NOTICE.vi, 3.2)
    column.gap(0.8)
    column.put(f"{wording.KEEP.en} {wording.IF_NOTICE.en}", 2.6)
    if leaving:
        column.rule()
        column.leaving(leaving)
    column.gap(2)
    return drawing.sheet(
        column.width,
        column.y,
        title=wording.SLIP_TITLE,
        made=local.date(),
        two_colours=True,
    )


@dataclass(slots=True)
class _Column:
    """A slip while it grows downwards, all of it centred."""

    drawing: Drawing
    width: float
    scale: float
    y: float = 1.0

    def put(self, text: str, size: float, *, bold: bool = False) -> None:
        area = Area(1, self.y, self.width - 2, _LONGEST)
        self.y = self.drawing.text(
            area,
            text,
            size * self.scale,
            smallest=2.4 * self.scale,
            bold=bold,
            colour=_BLACK,
            align=0.5,
        )

    def put_on_one_line(self, text: str, size: float) -> None:
        area = Area(1, self.y, self.width - 2, size * self.scale * LEADING)
        self.y = self.drawing.text(
            area, text, size * self.scale, bold=True, colour=_BLACK, align=0.5
        )

    def square(self, square: Square) -> None:
        module = self.drawing.module_of(square, _SQUARE)
        quiet = module * QUIET_MODULES
        self.drawing.symbol(self.width / 2, self.y + quiet, module, square, _BLACK)
        self.y += module * square.modules + 2 * quiet

    def leaving(self, leaving: Leaving) -> None:
        """Put a small square at the left, and what it is for beside it."""
        square = square_of(leaving.text, "M")
        module = self.drawing.module_of(square, _SMALL_SQUARE)
        quiet = module * QUIET_MODULES
        side = module * square.modules + 2 * quiet
        self.y += 1
        self.drawing.symbol(side / 2, self.y + quiet, module, square, _BLACK)
        beside = Area(side, self.y, self.width - side - 1, _LONGEST)
        size = self.scale
        y = self.drawing.text(beside, wording.LEAVING, 3.6 * size, bold=True, colour=_BLACK)
        code = Area(beside.x, y, beside.width, 8 * size)
        text = wording.spoken(leaving.code)
        y = self.drawing.text(code, text, 6.4 * size, bold=True, colour=_BLACK)
        rest = Area(beside.x, y, beside.width, _LONGEST)
        y = self.drawing.text(rest, wording.LEAVE.vi, 2.8 * size, colour=_BLACK)
        rest = Area(beside.x, y, beside.width, _LONGEST)
        y = self.drawing.text(rest, wording.LEAVE.en, 2.5 * size, colour=_BLACK)
        self.y = max(y, self.y + side)

    def rule(self) -> None:
        self.drawing.box(Area(0, self.y + 1, self.width, 0.375), _BLACK)
        self.y += 2.2

    def gap(self, height: float) -> None:
        self.y += height
