"""Posters of Switzerland: CrowdNotifier, as NotifyMe and SwissCovid print it. Not signed.

A link to ``qr.notify-me.ch`` with a version and a protocol buffer.  Two layouts of it are about:
the specification has the times in fields 5 and 6, the published libraries in 4 and 5.
Everything is derived from the bytes as they were printed, never from a message written again.
"""

import re
from hashlib import sha256

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bluezone_node.errors import BadInput
from bluezone_node.venues.foreign.encoding import from_base64, instant, line
from bluezone_node.venues.foreign.place import ForeignKind, ForeignPlace
from bluezone_node.venues.foreign.protobuf import Message

_LINK = re.compile(r"https://qr\.notify-me\.ch/?\?v=([0-9]{1,3})#(.*)", re.ASCII)
_VERSIONS = {"3", "4"}
"""4 is what the Android library 4.0.0 prints; both have this payload."""
_SEED_BYTES = 32
_PUBLIC_KEY_BYTES = 96
"""A point of G2 on BLS12-381, compressed."""


def is_mine(text: str) -> bool:
    """Tell whether *text* is meant to be such a code."""
    return bool(_LINK.fullmatch(text))


def read(text: str) -> ForeignPlace:
    """Return the place that *text* names; its id is the pre-identity, 32 bytes.

    Raises:
        BadInput: reason ``crowdnotifier_version``, ``crowdnotifier_malformed``, or one of
            `encoding` or `protobuf`.
    """
    found = _LINK.fullmatch(text)
    if not found or found[1] not in _VERSIONS:
        raise BadInput(
            "The code is of a version of CrowdNotifier that is not known here.",
            reason="crowdnotifier_version",
        )
    payload = from_base64(found[2])
    message = Message(payload)
    location, notifier = message.message(2), message.message(3)
    start, end = _times(location)
    if (
        len(notifier.octets(2)) != _PUBLIC_KEY_BYTES
        or len(notifier.octets(3)) != _SEED_BYTES
        or start > end
    ):
        raise _malformed()
    return ForeignPlace(
        ForeignKind.CROWDNOTIFIER,
        line(location.text(2), "name"),
        line(location.text(3), "address", breaks=True),
        pre_identity(payload).hex(),
        valid=True,
        window=(instant(start), instant(end)) if end else None,
    )


def pre_identity(payload: bytes) -> bytes:
    """Return the 32 bytes that stand for a place at any time."""
    # The first of three secrets that follow from the code; the others are for warnings.
    nonce = HKDF(SHA256(), 32, b"", b"CrowdNotifier_v3").derive(payload)
    return sha256(b"CN-PREID" + payload + nonce).digest()


def _times(location: Message) -> tuple[int, int]:
    """Return when the place opens and closes, in Unix seconds; zeros where it does not say."""
    if 4 not in location:
        return location.number(5), location.number(6)
    if 6 in location:
        raise _malformed()
    return location.number(4), location.number(5)


def _malformed() -> BadInput:
    return BadInput(
        "The code is not of the form that CrowdNotifier takes.", reason="crowdnotifier_malformed"
    )
