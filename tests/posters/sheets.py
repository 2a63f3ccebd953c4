"""Cards, sheets and readers for the tests of what is printed."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import zxingcpp
from fontTools.pens.boundsPen import BoundsPen
from fontTools.ttLib import TTFont
from PIL import Image

from bluezone_node.crypto.cose import sign
from bluezone_node.posters.fonts import FAMILIES, FOLDER, faces
from bluezone_node.posters.poster import Size, poster
from bluezone_node.posters.rendering import Format, render
from bluezone_node.posters.sheet import Sheet, Symbol, Text
from bluezone_node.venues.card import CardFlag, SignedCard, read_card
from bluezone_node.venues.text import Direction, to_url
from tests.venues.places import CARDS, card_of

HOST = "q.example.vn"
DIRECTIONS: tuple[Direction | None, ...] = ("in", "out", None)
NAMES = {
    "short": "Bể",
    "usual": "Chợ Đồng Xuân",
    "long": "Trung tâm Kiểm soát bệnh tật và Y tế dự phòng quận Bắc Từ Liêm",
    "unbroken": "W" * 96,
    "stacked": "Ậ" * 32,
    "syllables": "ẩm " * 18 + "thực",
}
"""Each within the 96 bytes of a card."""


def installed() -> list[str]:
    """Return the families that this machine has."""
    return [name for name, files in FAMILIES.items() if (FOLDER / files[1]).is_file()]


def card(name: str = NAMES["usual"], **fields: Any) -> SignedCard:
    """Return the signed card of a place of that name."""
    return read_card(sign(replace(card_of(name).card, **fields).encoded(), CARDS))


def fullest() -> SignedCard:
    """Return the longest card there can be."""
    return card(
        NAMES["unbroken"],
        room="Q" * 32,
        address="Đ" * 32,
        register_key=bytes(32),
        flags=CardFlag.REGISTER_REQUIRED | CardFlag.STAFF_CODE,
        stay_minutes=1425,
        hours=(1430, 1440),
        edition=2,
        commune=99_999,
    )


def url_of(signed: SignedCard, direction: Direction | None = None) -> str:
    return to_url(signed.cose, HOST, direction)


@cache
def sheet_of(
    signed: SignedCard,
    size: Size = "a4",
    direction: Direction | None = "in",
    family: str | None = None,
) -> Sheet:
    url = url_of(signed, direction)
    return poster(signed, url, size=size, direction=direction, family=faces(family))


def symbol_of(sheet: Sheet) -> Symbol:
    (symbol,) = (each for each in sheet.elements if isinstance(each, Symbol))
    return symbol


def picture(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data))


def read(image: Image.Image) -> list[str]:
    """Return what another library reads on *image*."""
    found = zxingcpp.read_barcodes(image.convert("L"), formats=zxingcpp.BarcodeFormat.QRCode)
    return [each.text for each in found]


def inks(sheet: Sheet) -> Iterator[tuple[str, tuple[float, float, float, float]]]:
    """Yield each line with the rectangle that its letters fill: left, top, right, bottom."""
    for line in sheet.texts:
        face = sheet.faces.of(bold=line.bold)
        drawn = [_ink(face.path, letter) for letter in line.text]
        low, high = min(each[0] for each in drawn), max(each[1] for each in drawn)
        right = line.x + face.width(line.text) * line.size
        yield (
            line.text,
            (line.x, line.baseline - high * line.size, right, line.baseline - low * line.size),
        )


@cache
def _ink(font: Path, letter: str) -> tuple[float, float]:
    """Return the lowest and the highest point of *letter*, in em from its baseline."""
    read = _font(font)
    glyphs = read.getGlyphSet()
    pen = BoundsPen(glyphs)
    glyphs[read.getBestCmap()[ord(letter)]].draw(pen)
    _, low, _, high = pen.bounds or (0, 0, 0, 0)
    unit = read["head"].unitsPerEm
    return low / unit, high / unit


@cache
def _font(path: Path) -> TTFont:
    return TTFont(path)


def texts(sheet: Sheet) -> str:
    """Return all that stands on the sheet, a line to the line."""
    return "\n".join(each.text for each in sheet.elements if isinstance(each, Text))


@cache
def file_of(
    signed: SignedCard, form: Format, size: Size = "a4", direction: Direction | None = "in"
) -> bytes:
    return render(sheet_of(signed, size, direction), form)
