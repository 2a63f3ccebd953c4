"""What a poster says, whatever its size: put together once, and checked."""

import re
from dataclasses import dataclass, field

from bluezone_node.errors import BadInput
from bluezone_node.posters import icons, wording
from bluezone_node.posters.fonts import Faces
from bluezone_node.posters.icons import Icon
from bluezone_node.posters.square import Square, square_of
from bluezone_node.posters.wording import Wording
from bluezone_node.venues.card import Card, CardFlag, SignedCard
from bluezone_node.venues.text import Direction, to_url

_HOST = re.compile(r"https://([a-z0-9.-]+)/")


@dataclass(frozen=True, slots=True)
class Paint:
    """The colours of a direction. Blue and orange are told apart by those too who do not see red
    or green; white on either has a contrast above 5:1, and both are dark on a grey printer."""

    strong: str
    light: str
    icon: Icon
    last: Icon
    """Beside the third step."""


_PAINTS: dict[Direction | None, Paint] = {
    "in": Paint("#0b4a9e", "#e8f0fb", icons.door_in, icons.slip),
    "out": Paint("#b0420a", "#fdeee3", icons.door_out, icons.clock),
    None: Paint("#0a5f58", "#e4f3f1", icons.finder, icons.slip),
}
_STAFF = ("#3a3f4b", "#eceef2")


@dataclass(frozen=True, slots=True)
class Content:
    """What stands on the poster, whatever its size."""

    card: Card
    code: str = field(repr=False)
    commune: str = field(repr=False)
    host: str
    square: Square
    said: Wording
    paint: Paint


def content_of(
    signed: SignedCard, url: str, direction: Direction | None, commune: str, letters: Faces
) -> Content:
    """Put together what the poster of *signed* says.

    Raises:
        BadInput: reason ``poster_mismatch`` or ``poster_letters``.
    """
    host, card = check_url(signed, url, direction), signed.card
    letters.check((card.name, card.room, card.address, commune))
    paint = _PAINTS[direction]
    if CardFlag.STAFF_CODE in card.flags:
        paint = Paint(*_STAFF, paint.icon, paint.last)
    return Content(
        card,
        wording.spoken(signed.spoken_code),
        commune,
        host,
        square_of(url),
        wording.wording(card, direction),
        paint,
    )


def check_url(signed: SignedCard, url: str, direction: Direction | None) -> str:
    """Return the host of *url*, once seen that it leads to this card: the name in print and the
    square beside it may not be of two places.

    Raises:
        BadInput: reason ``poster_mismatch``.
    """
    host = _HOST.match(url)
    if host and url == to_url(signed.cose, host[1], direction):
        return host[1]
    raise BadInput(
        "The link to be printed is not that of this card and this direction.",
        reason="poster_mismatch",
    )


def check_proved_url(signed: SignedCard, url: str) -> None:
    """Look whether *url* leads to this card with a proof of presence.

    Raises:
        BadInput: reason ``poster_mismatch``.
    """
    card, point, proof = url.rpartition(".")
    check_url(signed, card, None)
    if not (point and proof.isascii() and proof.isdecimal()):
        raise BadInput("The link to be printed proves no presence.", reason="poster_mismatch")
