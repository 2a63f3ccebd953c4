"""Telephone numbers as people write them, and as messages go to them."""

import re

from bluezone_node.errors import AuthorityRefused

_VIETNAM = "84"
_FILLING = re.compile(r"[\s().\-\u2010-\u2015\u00a0]+")
_MOBILE = re.compile(r"[35789][0-9]{8}")
"""Mobile numbers after the country code, since 2018; a message reaches no others."""
_ABROAD = re.compile(r"[1-9][0-9]{6,14}")
"""E.164: at most 15 digits."""


def parse_phone(text: str) -> str:
    """Return the telephone number in *text* in E.164, as ``+84901234567``.

    Without a country code it is one of Vietnam, also where a spreadsheet took its leading 0 away.

    Raises:
        AuthorityRefused: reason ``invalid_phone``; the number is not quoted.
    """
    number = _FILLING.sub("", text)
    abroad = number.startswith(("+", "00"))
    digits = number[1:] if number.startswith("+") else number.removeprefix("00")
    if abroad and not digits.startswith(_VIETNAM):
        if _ABROAD.fullmatch(digits):
            return f"+{digits}"
    else:
        local = digits.removeprefix(_VIETNAM) if abroad or len(digits) > 10 else digits
        local = local.removeprefix("0")
        if _MOBILE.fullmatch(local):
            return f"+{_VIETNAM}{local}"
    raise AuthorityRefused(
        "The telephone number is not one that a message can be sent to.",
        reason="invalid_phone",
        hint="write it as 0901234567, or with + and the country code",
    )
