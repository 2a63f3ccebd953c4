"""The revision token: a device's right to revise, later, the keys it published.

Opaque to the device.  It holds the keys themselves, encrypted under the publisher's key, so that
the publisher need not remember which keys came together.
"""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from struct import Struct
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bluezone_node.ports import Entropy

FORMAT = b"\x01"
NONCE_BYTES = 12
LEAST_ENTRIES = 28
"""Two weeks with two keys a day. The length tells nothing of how many there are."""

_CONTEXT = b"bluezone-node revision token v1"
_ENTRY = Struct(">16sIB")
_FILLER = bytes(16)


@dataclass(frozen=True, slots=True)
class TokenKey:
    """A key that the holder of the token may revise."""

    key: bytes = field(repr=False)
    rolling_start: int
    rolling_period: int


class Named(Protocol):
    """Whatever has the fields of a `TokenKey`."""

    @property
    def key(self) -> bytes: ...
    @property
    def rolling_start(self) -> int: ...
    @property
    def rolling_period(self) -> int: ...


def write_token(keys: Iterable[Named], secret: bytes, entropy: Entropy) -> str:
    """Return a token over *keys*, encrypted under the 32-byte *secret*."""
    entries = [_ENTRY.pack(k.key, k.rolling_start, k.rolling_period) for k in keys]
    entries += [_ENTRY.pack(_FILLER, 0, 0)] * (LEAST_ENTRIES - len(entries))
    nonce = entropy(NONCE_BYTES)
    sealed = AESGCM(secret).encrypt(nonce, b"".join(entries), _CONTEXT)
    return b64encode(FORMAT + nonce + sealed).decode()


def read_token(text: str, secret: bytes) -> Mapping[bytes, TokenKey]:
    """Return the keys of a token; none where there is no token, or not one of ours.

    A token that cannot be read is as good as none: the keys it should have vouched for will be
    missed one by one, with a reason that says so.
    """
    try:
        raw = b64decode(text, validate=True)
        if raw[:1] != FORMAT:
            return {}
        nonce, sealed = raw[1 : 1 + NONCE_BYTES], raw[1 + NONCE_BYTES :]
        plain = AESGCM(secret).decrypt(nonce, sealed, _CONTEXT)
    except (binascii.Error, ValueError, InvalidTag):
        return {}
    return {e[0]: TokenKey(*e) for e in _ENTRY.iter_unpack(plain) if e[0] != _FILLER}
