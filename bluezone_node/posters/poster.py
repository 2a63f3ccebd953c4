"""The poster at a place's door: what it says, and where on the paper.

It is read three times: the word and the place's name from some metres, by those who look for the
door; the square from arm's length, by a camera; the rest by who asks what this is, or whether it
is genuine.
"""

from typing import Literal, get_args

from bluezone_node.posters import page, sticker, wording
from bluezone_node.posters.content import content_of
from bluezone_node.posters.drawing import Drawing
from bluezone_node.posters.fonts import Faces, faces
from bluezone_node.posters.sheet import Sheet
from bluezone_node.venues.card import SignedCard
from bluezone_node.venues.text import Direction

Size = Literal["a4", "a5", "sticker"]
SIZES: tuple[Size, ...] = get_args(Size)

_A5_SCALE = 148 / 210


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
    letters = family or faces()
    content = content_of(signed, url, direction, commune, letters)
    drawing = drawing_of(size, letters)
    lay_out = sticker.sticker if size == "sticker" else page.page
    lay_out(drawing, content)
    return sheet_of(drawing, size, signed)


def drawing_of(size: Size, letters: Faces) -> Drawing:
    """Return an empty drawing of *size*."""
    return Drawing(letters, _A5_SCALE if size == "a5" else 1.0)


def paper_of(size: Size) -> tuple[float, float]:
    """Return width and height of *size*, in the design's millimetres."""
    return (sticker.SIDE, sticker.SIDE) if size == "sticker" else (page.WIDTH, page.HEIGHT)


def sheet_of(drawing: Drawing, size: Size, signed: SignedCard) -> Sheet:
    """Return what was drawn for *signed*, on paper of *size*."""
    made = wording.day_of(signed.card.from_day)
    return drawing.sheet(*paper_of(size), title=wording.POSTER_TITLE, made=made)
