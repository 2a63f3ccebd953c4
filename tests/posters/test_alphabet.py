"""A font that was cut down: Vietnamese is whole, and other letters come from the font itself."""

from io import BytesIO

import pypdfium2
import pytest
from fontTools.ttLib import TTFont

from bluezone_node.posters.alphabet import LETTERS, cut_down
from bluezone_node.posters.fonts import faces
from tests.posters.sheets import NAMES, card, file_of, installed, sheet_of, texts

STRANGER = "Gasthaus Weiß"


@pytest.mark.parametrize("family", installed())
def test_every_letter_of_vietnamese_is_left(family: str) -> None:
    """With the advance that the layout was made by, in both weights."""
    for bold in (False, True):
        face = faces(family).of(bold=bold)
        with TTFont(BytesIO(cut_down(face.path))) as font:
            names, metrics = font.getBestCmap(), font["hmtx"].metrics
            unit = font["head"].unitsPerEm
            for letter in LETTERS:
                assert metrics[names[ord(letter)]][0] / unit == pytest.approx(face.advance(letter))
            assert len(font.getGlyphOrder()) < 600


def test_what_stands_on_every_poster_is_in_them() -> None:
    """Else each poster would read the whole font again."""
    for name in NAMES.values():
        assert set(texts(sheet_of(card(name)))) - {"\n"} <= LETTERS


def test_a_name_with_other_letters_is_printed_too() -> None:
    """From the font as it is installed; the text can be found as any other."""
    assert not set(STRANGER) <= LETTERS
    page = pypdfium2.PdfDocument(file_of(card(STRANGER), "pdf", "sticker"))[0]
    assert STRANGER in page.get_textpage().get_text_bounded()
