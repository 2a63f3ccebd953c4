"""HMAC-SHA256 under one key, for many short messages (RFC 2104).

A library's call looks its algorithm up and mixes the key in anew each time, which takes longer
than the digests: fourteen keys of a publication are known again by such a HMAC each.
"""

from hashlib import sha256

_BLOCK_BYTES = 64
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))


class Mac:
    """Digests of messages under *key*, of at most 64 bytes."""

    def __init__(self, key: bytes) -> None:
        if len(key) > _BLOCK_BYTES:
            raise ValueError(f"a key has at most {_BLOCK_BYTES} bytes")
        padded = key.ljust(_BLOCK_BYTES, b"\0")
        self._inner, self._outer = padded.translate(_INNER), padded.translate(_OUTER)

    def __call__(self, message: bytes) -> bytes:
        return sha256(self._outer + sha256(self._inner + message).digest()).digest()
