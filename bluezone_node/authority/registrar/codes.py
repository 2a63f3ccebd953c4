"""Verification codes: how they are made, and how they are recognised however they were typed.

A short code is read out over the telephone, a long one travels in a link.  Both are pure text:
what they stand for is in the registrar's database, under their digests.
"""

import hmac
import re
from typing import Literal

from bluezone_node.ports import Entropy

Kind = Literal["short", "long"]

REPORT_TYPES = ("confirmed", "likely", "negative")
"""What a code can stand for, the surest first."""

SHORT_DIGITS = 8
"""Short enough to be read out over the telephone; they live a quarter of an hour."""
LONG_LENGTH = 16
"""As Google's server makes them, so that its clients take ours."""
LONG_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: 16 of these are 80 bits, which nobody guesses in a day. There is no i, l or
o to be taken for a digit, and no u, which keeps words out."""

_LOOK_ALIKES = str.maketrans("ilo", "110")
_BETWEEN = re.compile(r"[\s\u00ad\u200b\u2060\ufeff._\-\u2010-\u2015\u2212]+")
"""What people, telephones and word processors put between the characters of a code."""
_SHORT = re.compile(rf"[0-9]{{{SHORT_DIGITS}}}")
_LONG = re.compile(rf"[{LONG_ALPHABET}]{{{LONG_LENGTH}}}")


def make_code(kind: Kind, entropy: Entropy) -> str:
    """Return a new code of *kind*."""
    if kind == "long":
        number = int.from_bytes(entropy(LONG_LENGTH * 5 // 8))
        return "".join(LONG_ALPHABET[number >> 5 * n & 31] for n in range(LONG_LENGTH))
    # 16 random bytes: the remainder's bias is beyond measuring.
    return f"{int.from_bytes(entropy(16)) % 10**SHORT_DIGITS:0{SHORT_DIGITS}}"


def normalised(text: str) -> str:
    """Return *text* without what stands between characters, in small letters."""
    return _BETWEEN.sub("", text[:200]).lower()


def recognise(text: str) -> tuple[Kind, str] | None:
    """Return kind and code of what was typed, or None: it is no code of ours."""
    code = normalised(text)
    if _SHORT.fullmatch(code):
        return "short", code
    code = code.translate(_LOOK_ALIKES)
    return ("long", code) if _LONG.fullmatch(code) else None


def code_digest(secret: bytes, code: str) -> bytes:
    """Return by what *code* is known in the registrar's database."""
    return hmac.digest(secret, f"code:{code}".encode(), "sha256")
