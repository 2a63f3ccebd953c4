"""Posters of Germany: the Corona-Warn-App's event registration. Not signed.

A link to ``e.coronawarn.app`` with a protocol buffer in base64 or base32, or a link of a third
party with ``/CWA1/`` before it.
"""

import re
from base64 import b32decode
from dataclasses import replace
from hashlib import sha256

from bluezone_node.errors import BadInput
from bluezone_node.venues.foreign.encoding import from_base64, instant, line
from bluezone_node.venues.foreign.place import ForeignKind, ForeignPlace
from bluezone_node.venues.foreign.protobuf import Message

_LINK = re.compile(r"https://e\.coronawarn\.app/?\?v=([0-9]{1,3})#(.*)", re.ASCII | re.IGNORECASE)
_THIRD_PARTY = re.compile(r"https://[^#]+#[^#]*?/CWA1/([\w=-]+)", re.ASCII)
_VERSION = "1"
_BASE32_BEGINS = "B"
"""Of a content that begins with field 1, a number, as all do; base64 of it begins with C."""
_MAX_CHARACTERS = 255
_SEED_BYTES = 16


def is_mine(text: str) -> bool:
    """Tell whether *text* is meant to be such a code."""
    return bool(_LINK.fullmatch(text) or _THIRD_PARTY.fullmatch(text))


def read(text: str) -> ForeignPlace:
    """Return the place that *text* names; its id is the location id, 32 bytes.

    A seed of another length or times in the wrong order make it invalid, as in the app.

    Raises:
        BadInput: reason ``cwa_version``, or one of `encoding` or `protobuf`.
    """
    if found := _LINK.fullmatch(text):
        if found[1] != _VERSION:
            raise BadInput(
                "The code is of a version of the Corona-Warn-App that is not known here.",
                reason="cwa_version",
            )
        payload = _payload(found[2])
    else:
        found = _THIRD_PARTY.fullmatch(text)
        payload = _payload(found[1] if found else "")
    # Whoever has this id can read the place's warnings; they are found by its hash.
    location_id = sha256(b"CWA-GUID" + payload).digest()
    message = Message(payload)
    location, notifier = message.message(2), message.message(3)
    start, end = location.number(5), location.number(6)
    place = ForeignPlace(
        ForeignKind.CWA,
        line(location.text(2), "description", _MAX_CHARACTERS),
        line(location.text(3), "address", _MAX_CHARACTERS),
        location_id.hex(),
        sha256(location_id).hexdigest(),
        valid=True,
    )
    if start > end:
        return place.refused(BadInput("The event ends before it begins.", reason="cwa_window"))
    if end:
        place = replace(place, window=(instant(start), instant(end)))
    if len(notifier.octets(3)) != _SEED_BYTES:
        return place.refused(
            BadInput("The code's seed is not of the length that the app takes.", reason="cwa_seed")
        )
    return place


def _payload(text: str) -> bytes:
    if text[:1].upper() != _BASE32_BEGINS:
        return from_base64(text)
    bare = text.rstrip("=")
    try:
        return b32decode(bare + "=" * (-len(bare) % 8), casefold=True)
    except ValueError:
        raise BadInput(
            "The code is not whole: it is no base32.", reason="base64_malformed"
        ) from None
