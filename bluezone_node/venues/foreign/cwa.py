"""Posters of Germany: the Corona-Warn-App's event registration. Not signed.

A link to ``e.coronawarn.app`` with a protocol buffer in base64 or base32, or a link of a third
party with ``/CWA1/`` before it.  Warnings are encrypted with a key that follows from the code, so
that only who was there can read them.
"""

import hmac
import re
from base64 import b32decode
from dataclasses import dataclass, replace
from hashlib import sha256

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from bluezone_node.errors import BadInput
from bluezone_node.venues.foreign.encoding import from_base64, instant, line
from bluezone_node.venues.foreign.place import ForeignKind, ForeignPlace
from bluezone_node.venues.foreign.protobuf import Message

_LINK = re.compile(r"https://e\.coronawarn\.app/?\?v=1#(.*)", re.ASCII | re.IGNORECASE)
_THIRD_PARTY = re.compile(r"https://[^#]+#[^#]*?/CWA1/([\w=-]+)", re.ASCII)
_BASE32_BEGINS = "B"
"""Of a content that begins with field 1, a number, as all do; base64 of it begins with C."""
_MAX_CHARACTERS = 255
_SEED_BYTES = 16
_IV_BYTES = 16


@dataclass(frozen=True, slots=True)
class CheckInRecord:
    """What a warning says."""

    start_interval: int
    """In units of ten minutes since 1970."""
    period: int
    """Number of such units."""
    transmission_risk_level: int


def is_mine(text: str) -> bool:
    """Tell whether *text* is meant to be such a code."""
    return bool(_LINK.fullmatch(text) or _THIRD_PARTY.fullmatch(text))


def read(text: str) -> ForeignPlace:
    """Return the place that *text* names; its id is the location id, 32 bytes.

    A seed of another length or times in the wrong order make it invalid, as in the app.

    Raises:
        BadInput: one of `encoding` or `protobuf`.
    """
    found = _LINK.fullmatch(text) or _THIRD_PARTY.fullmatch(text)
    payload = _payload(found[1] if found else "")
    message = Message(payload)
    location, notifier = message.message(2), message.message(3)
    start, end = location.number(5), location.number(6)
    place = ForeignPlace(
        ForeignKind.CWA,
        line(location.text(2), "description", _MAX_CHARACTERS),
        line(location.text(3), "address", _MAX_CHARACTERS),
        location_id(payload).hex(),
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


def location_id(payload: bytes) -> bytes:
    """Return the 32 bytes that stand for a place; whoever has them can read its warnings."""
    return sha256(b"CWA-GUID" + payload).digest()


def location_id_hash(location: bytes) -> bytes:
    """Return the 32 bytes that warnings about the place with that id are found by."""
    return sha256(location).digest()


def encryption_key(location: bytes) -> bytes:
    """Return the 32 bytes that warnings about the place with that id are encrypted with."""
    return sha256(b"CWA-ENCRYPTION-KEY" + location).digest()


def mac_key(location: bytes) -> bytes:
    """Return the 32 bytes that warnings about the place with that id are authenticated with."""
    return sha256(b"CWA-MAC-KEY" + location).digest()


def open_report(location: bytes, iv: bytes, ciphertext: bytes, mac: bytes) -> CheckInRecord:
    """Return what a warning about the place with the id *location* says.

    Raises:
        BadInput: reason ``cwa_report``: it is about another place, or was altered.
    """
    due = hmac.digest(mac_key(location), iv + ciphertext, "sha256")
    if not hmac.compare_digest(due, mac) or len(iv) != _IV_BYTES:
        raise BadInput("The warning is not about this place.", reason="cwa_report")
    decryptor = Cipher(AES(encryption_key(location)), CBC(iv)).decryptor()
    unpadder = PKCS7(AES.block_size).unpadder()
    try:
        plain = unpadder.update(decryptor.update(ciphertext) + decryptor.finalize())
        record = Message(plain + unpadder.finalize())
    except ValueError:
        raise BadInput("The warning is not whole.", reason="cwa_report") from None
    return CheckInRecord(record.number(1), record.number(2), record.number(3))


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
