"""Reading a signed JSON Web Token: ES256 and nothing else (RFC 7515, RFC 7518 3.4).

The one algorithm makes it short, and the time counts: a general library spent more on taking a
certificate apart than its signature took to verify.  What it says of times and audience is for
the caller, who has a clock.
"""

from base64 import urlsafe_b64decode
from collections.abc import Callable
from functools import lru_cache
from typing import Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from bluezone_node.crypto.signing import PublicKey, verify

SIGNATURE_BYTES = 64
"""Two numbers of the curve's 32 bytes each."""
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


class NotSigned(Exception):
    """The text is no token, or no key of ours has signed it. Nothing of it is quoted."""


class _Header(msgspec.Struct, frozen=True):
    alg: Literal["ES256"]
    kid: str = ""
    crit: object = None
    """Extensions that a reader must understand, or refuse: we know of none."""
    b64: object = None


_header = msgspec.json.Decoder(_Header)


def key_id(text: str) -> str:
    """Return the name of the key that *text* says it was signed with; empty where it says none.

    Raises:
        NotSigned: it is no token, or of another algorithm.
    """
    return _read_header(text).kid


def payload(text: str, key_of: Callable[[str], PublicKey | None]) -> bytes | None:
    """Return what the token *text* says, signed by a key that *key_of* knows; None: by another.

    Raises:
        NotSigned: it is no token, is of another algorithm, or its signature is wrong.
    """
    key = key_of(_read_header(text).kid)
    if key is None:
        return None
    said, _, signature = text.rpartition(".")
    numbers = _octets(signature)
    if len(numbers) != SIGNATURE_BYTES:
        raise NotSigned
    r, s = int.from_bytes(numbers[:32]), int.from_bytes(numbers[32:])
    if not verify(key, encode_dss_signature(r, s), said.encode()):
        raise NotSigned
    return _octets(said.partition(".")[2])


def _read_header(text: str) -> _Header:
    if text.count(".") != 2:
        raise NotSigned
    return _decoded(text.partition(".")[0])


@lru_cache(maxsize=16)
def _decoded(header_text: str) -> _Header:
    """Return the header: that of all tokens signed with one key is the same."""
    try:
        header = _header.decode(_octets(header_text))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise NotSigned from None
    if header.crit is not None or header.b64 is not None:
        raise NotSigned
    return header


def _octets(text: str) -> bytes:
    """Return the bytes of unpadded base64url."""
    try:
        raw = text.encode("ascii")
        if raw.translate(None, _ALPHABET):
            raise NotSigned
        return urlsafe_b64decode(raw + b"=" * (-len(raw) % 4))
    except ValueError:
        raise NotSigned from None
