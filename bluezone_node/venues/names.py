"""Names as people type them: one writing for the same word, and one for looking things up."""

import unicodedata

_PLAIN = str.maketrans({"đ": "d", "Đ": "d"})


def composed(text: str) -> str:
    """Return *text* in Unicode's composed form (NFC), with single blanks.

    Some keyboards and systems write ế as three characters; on a card there is one writing. What
    `card.check_line` refuses stays in it, but for blanks of all kinds.
    """
    return " ".join(unicodedata.normalize("NFC", text).split())


def folded(text: str) -> str:
    """Return *text* without diacritics and capitals: how names are looked for, typed in haste."""
    bare = unicodedata.normalize("NFD", composed(text).casefold())
    kept = "".join(each for each in bare if not unicodedata.combining(each))
    return kept.translate(_PLAIN)
