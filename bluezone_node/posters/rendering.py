"""From a sheet to a file."""

from typing import Literal, get_args

from bluezone_node.posters.poster import Size, poster
from bluezone_node.posters.sheet import Sheet
from bluezone_node.venues.card import SignedCard
from bluezone_node.venues.text import Direction

Format = Literal["pdf", "svg", "png"]
FORMATS: tuple[Format, ...] = get_args(Format)


def render(sheet: Sheet, form: Format) -> bytes:
    """Return *sheet* as a file of that format; the same sheet gives the same bytes."""
    # Each brings a library of its own, which a kiosk that prints slips does not all have.
    match form:
        case "pdf":
            from bluezone_node.posters.pdf import pdf

            return pdf([sheet])
        case "svg":
            from bluezone_node.posters.svg import svg

            return svg(sheet)
        case "png":
            from bluezone_node.posters.png import png

            return png(sheet)


def make(
    signed: SignedCard,
    url: str,
    size: Size,
    direction: Direction | None,
    form: Format,
    *,
    commune: str = "",
) -> bytes:
    """Return the file of a poster: see `poster.poster` and `render`.

    Raises:
        BadInput: reason ``poster_mismatch`` or ``poster_letters``.
        FontUnavailable: there is no font to set it in.
    """
    return render(poster(signed, url, size=size, direction=direction, commune=commune), form)
