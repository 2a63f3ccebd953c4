"""What the codes of several countries are made of, each read strictly: base64, JSON, lines."""

import json
import re
import unicodedata
from base64 import b64decode
from datetime import datetime
from typing import Any, NoReturn

from bluezone_node.errors import BadInput
from bluezone_node.intervals import from_unix

MAX_CHARACTERS = 512
"""Of a name or address, where its country sets no limit."""
_LAST_SECOND = 253_402_300_799
"""Of the year 9999, where the calendar ends."""
_UNSHOWN = {"Cc", "Cs", "Zl", "Zp"}
"""Categories of characters that steer a terminal or break a line; and, below, those that turn the
direction of writing. Joiners stay: some scripts and emoji are not written without."""
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def from_base64(text: str) -> bytes:
    """Return the bytes of *text*, in either alphabet, with or without padding.

    Raises:
        BadInput: reason ``base64_malformed``.
    """
    bare = text.rstrip("=")
    if re.fullmatch(r"[A-Za-z0-9+/]+|[A-Za-z0-9_-]+", bare) and len(bare) % 4 != 1:
        return b64decode(bare + "=" * (-len(bare) % 4), b"-_" if set(bare) & {*"-_"} else None)
    raise BadInput("The code is not whole: it is no base64.", reason="base64_malformed")


def json_object(data: bytes) -> dict[str, Any]:
    """Return the JSON object in *data*.

    Raises:
        BadInput: reason ``json_malformed``; also where a key is there twice, since readers differ
            in which of them they take.
    """
    try:
        value = json.loads(data.decode(), object_pairs_hook=_unique, parse_constant=_refuse)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict):
        return value
    raise BadInput("The code is not whole: it is no JSON object.", reason="json_malformed")


def line(value: object, what: str, limit: int = MAX_CHARACTERS, *, breaks: bool = False) -> str:
    """Return *value* where it is a text of 1 to *limit* characters that can be shown.

    *breaks*: it may be of several lines.

    Raises:
        BadInput: reason ``text_malformed``.
    """
    if (
        isinstance(value, str)
        and 0 < len(value) <= limit
        and not any(
            unicodedata.category(each) in _UNSHOWN or each in _TURNING
            for each in value
            if not (breaks and each == "\n")
        )
    ):
        return value
    raise BadInput(
        f"The {what} in the code is missing, too long, or has characters that cannot be shown.",
        reason="text_malformed",
    )


def instant(seconds: int) -> datetime:
    """Return the instant of Unix *seconds*.

    Raises:
        BadInput: reason ``window_malformed``: beyond the calendar.
    """
    if seconds > _LAST_SECOND:
        raise BadInput("The times in the code are beyond the calendar.", reason="window_malformed")
    return from_unix(seconds)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
