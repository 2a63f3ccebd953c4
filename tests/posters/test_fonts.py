"""Letters and their measures: all that Vietnamese needs is in the fonts that are taken."""

import unicodedata
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

from bluezone_node.errors import FontUnavailable
from bluezone_node.posters import fonts
from bluezone_node.posters.fonts import FAMILIES, faces
from tests.posters.sheets import installed

_VOWELS = "aăâeêioôơuưy"
_TONES = ["", "\N{COMBINING GRAVE ACCENT}", "\N{COMBINING HOOK ABOVE}", "\N{COMBINING TILDE}"]
_TONES += ["\N{COMBINING ACUTE ACCENT}", "\N{COMBINING DOT BELOW}"]
_LOWER = "".join(unicodedata.normalize("NFC", vowel + tone) for vowel in _VOWELS for tone in _TONES)
ALPHABET = _LOWER + _LOWER.upper() + "bcdđghklmnpqrstvxBCDĐGHKLMNPQRSTVXfjwzFJWZ0123456789–·/.,:?!"


@pytest.mark.parametrize("family", installed())
def test_every_vietnamese_letter_has_a_glyph(family: str) -> None:
    """Twelve vowels by six tones, small and capital, in both weights; none is an empty box."""
    assert len(_LOWER) == len(set(_LOWER)) == 72
    for face in (faces(family).regular, faces(family).bold):
        assert not face.lacks(ALPHABET)
        outlines = {letter: face.outline(letter) for letter in ALPHABET}
        assert all(outlines.values())
        # An accent that was forgotten would make two letters look alike.
        assert len({outlines[letter] for letter in _LOWER}) == 72


@pytest.mark.parametrize("family", installed())
def test_measures_are_those_of_the_font(family: str) -> None:
    """A line is as long as its advances, in em."""
    face = faces(family).regular
    font = TTFont(face.path)
    names, advances = font.getBestCmap(), font["hmtx"].metrics
    expected = sum(advances[names[ord(letter)]][0] for letter in "Ấm") / font["head"].unitsPerEm
    assert face.width("Ấm") == pytest.approx(expected)


def test_a_missing_font_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server without fonts is told the package, not shown a traceback."""
    monkeypatch.setattr(fonts, "FOLDER", tmp_path)
    with pytest.raises(FontUnavailable) as missing:
        fonts.faces.__wrapped__()
    assert "fonts-dejavu-core" in missing.value.hint


def test_a_damaged_font_says_which(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is no font is named, with what mends it."""
    for file in FAMILIES["DejaVu Sans"]:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_bytes(b"no font")
    monkeypatch.setattr(fonts, "FOLDER", tmp_path)
    with pytest.raises(FontUnavailable, match="DejaVuSans") as damaged:
        fonts.faces.__wrapped__("DejaVu Sans")
    assert "reinstall" in damaged.value.hint
