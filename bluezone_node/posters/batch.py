"""Posters of many places in one file, a page each, as a print shop takes them.

A font is brought in once for all pages: one more takes a third of the time that a file of its own
does, and a quarter of the room.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from bluezone_node.errors import BadInput
from bluezone_node.posters import wording
from bluezone_node.posters.drawing import FADED, Area
from bluezone_node.posters.fonts import faces
from bluezone_node.posters.pdf import pdf
from bluezone_node.posters.poster import Size, drawing_of, paper_of, poster, sheet_of
from bluezone_node.posters.sheet import Sheet
from bluezone_node.venues.card import SignedCard
from bluezone_node.venues.text import Direction, to_url

MOST = 200
"""Posters in one file: 3.4 s of work (``bench.posters``), 1.5 MB, and a pile of paper that a person
can carry."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A file of posters."""

    content: bytes = field(repr=False)
    """A PDF."""
    left_out: tuple[str, ...] = field(repr=False)
    """Spoken codes of the cards whose names the font cannot set; the last page tells them too."""


def batch(
    cards: Iterable[tuple[SignedCard, str]],
    host: str,
    *,
    size: Size,
    directions: Sequence[Direction | None] = (None,),
) -> Batch:
    """Lay out the posters of *cards*, one at least, in that order, and draw them into one PDF.

    With each card comes the name of its commune. Each has a page for each of *directions*. The
    same cards give the same bytes.

    Raises:
        FontUnavailable: there is no font to set them in.
    """
    sheets: list[Sheet] = []
    left_out: list[SignedCard] = []
    for card, commune in cards:
        try:
            sheets += [
                poster(
                    card, to_url(card.cose, host, way), size=size, direction=way, commune=commune
                )
                for way in directions
            ]
        except BadInput as refused:
            if refused.reason != "poster_letters":
                raise
            left_out.append(card)
    codes = tuple(card.spoken_code for card in left_out)
    if left_out:
        sheets.append(_told(codes, size, left_out[0]))
    return Batch(pdf(sheets), codes)


def _told(codes: Sequence[str], size: Size, signed: SignedCard) -> Sheet:
    """Lay out a page that tells whose posters are missing."""
    drawing = drawing_of(size, faces())
    width, height = paper_of(size)
    margin = width / 12
    area = Area(margin, margin, width - 2 * margin, height / 6)
    y = drawing.text(area, wording.NOT_PRINTED.vi, width / 20, bold=True)
    y = drawing.text(replace(area, y=y), wording.NOT_PRINTED.en, width / 30, colour=FADED)
    y += margin / 2
    below = replace(area, y=y, height=height - margin - y)
    drawing.text(below, ", ".join(codes), width / 20)
    return sheet_of(drawing, size, signed)
