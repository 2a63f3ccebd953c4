"""A font cut down to the letters of Vietnamese, once for all posters that are set in it.

To read a whole font and leave out what a poster has no use for takes 30 ms a weight; of the 3,000
glyphs in it Vietnamese and its punctuation need 300.
"""

import unicodedata
from functools import cache
from io import BytesIO
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

_TONES = ("", "\u0300", "\u0301", "\u0303", "\u0309", "\u0323")
_TONED = "aăâeêioôơuưy"
_MORE = "đĐ–—‘’“”…·"

LETTERS = frozenset(
    {chr(code) for code in range(0x20, 0x7F)}
    | set(_MORE)
    | {
        unicodedata.normalize("NFC", vowel + tone)
        for each in _TONED
        for vowel in (each, each.upper())
        for tone in _TONES
    }
)
"""What wordings are written with, and nearly all names of places."""

_LAYOUT = ("GDEF", "GPOS", "GSUB", "MATH")
"""Ligatures, kerning and marks that are placed: letters are set one by one here."""


@cache
def cut_down(path: Path) -> bytes:
    """Return the font file at *path* with the glyphs of `LETTERS` alone."""
    out = BytesIO()
    with TTFont(path, recalcTimestamp=False, lazy=True) as font:
        for table in _LAYOUT:
            if table in font:
                del font[table]
        subsetter = Subsetter(Options(notdef_outline=True))
        subsetter.populate(text="".join(sorted(LETTERS)))
        subsetter.subset(font)
        font.save(out)
    return out.getvalue()
