"""Codes as cameras have them: a square is drawn, and another library reads it from the picture."""

import re
from io import BytesIO
from pathlib import Path

import zxingcpp
from PIL import Image

from bluezone_node.commands.demo.cast import StoryFailed
from bluezone_node.node.kiosk.reading import SLIP_PREFIX
from bluezone_node.posters.square import QUIET_MODULES, square_of

_SCALE = 6
"""Pixels of a module in a picture."""
_SIDE = re.compile(r'viewBox="0 0 (\d+) ')
_MODULE = re.compile(r"M(\d+) (\d+)h1v1h-1z")


def photograph(text: str) -> bytes:
    """Return a JPEG of the square of *text*, as a kiosk's camera takes one of a display."""
    square = square_of(text)
    dark = [(x, y) for y, row in enumerate(square.rows) for x, on in enumerate(row) if on]
    moved = [(x + QUIET_MODULES, y + QUIET_MODULES) for x, y in dark]
    taken = BytesIO()
    _drawn(square.modules + 2 * QUIET_MODULES, moved).save(taken, "JPEG")
    return taken.getvalue()


def read_poster(path: Path) -> str:
    """Return the text of the square in the picture at *path*.

    Raises:
        StoryFailed: there is none.
    """
    with Image.open(path) as picture:
        return _read(picture.convert("L"))


def read_slip(png: bytes) -> str:
    """Return the text of a slip's large square; the small one ends the visit at the kiosk.

    Raises:
        StoryFailed: there is none.
    """
    with Image.open(BytesIO(png)) as picture:
        texts = _texts(picture.convert("L"))
    return _only([text for text in texts if not text.startswith(SLIP_PREFIX)])


def read_display(svg: str) -> str:
    """Return the text of the square that the kiosk's page shows.

    Raises:
        StoryFailed: there is none.
    """
    if (side := _SIDE.search(svg)) is None:
        raise StoryFailed("the kiosk's page shows no square")
    return _read(_drawn(int(side[1]), [(int(x), int(y)) for x, y in _MODULE.findall(svg)]))


def _drawn(side: int, dark: list[tuple[int, int]]) -> Image.Image:
    picture = Image.new("L", (side, side), 255)
    for module in dark:
        picture.putpixel(module, 0)
    return picture.resize((side * _SCALE, side * _SCALE), Image.Resampling.NEAREST)


def _read(picture: Image.Image) -> str:
    return _only(_texts(picture))


def _texts(picture: Image.Image) -> list[str]:
    # Of all the kinds that the library reads, some are found by chance within a large square.
    squares = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode])
    found = zxingcpp.read_barcodes(picture, formats=squares)
    return [each.text for each in found]


def _only(texts: list[str]) -> str:
    if len(texts) != 1:
        raise StoryFailed(f"{len(texts)} squares can be read where one should be")
    return texts[0]
