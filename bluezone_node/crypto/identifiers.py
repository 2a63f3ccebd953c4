"""Rolling Proximity Identifiers: what is on the air, and how it follows from a key.

Exposure Notification Cryptography Specification v1.2: RPI_j = AES-128(RPIK, "EN-RPI" ‖ six zero
bytes ‖ ENIntervalNumber_j little-endian).  All identifiers of a key are one AES-ECB call: setting
a cipher up costs more than encrypting a whole day, and matching does this for millions of keys.
"""

import struct
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES128
from cryptography.hazmat.primitives.ciphers.modes import ECB

from bluezone_node.crypto.keys import TemporaryExposureKey, rolling_proximity_identifier_key

IDENTIFIER_BYTES = 16

_PREFIX = b"EN-RPI" + bytes(6)
# ECB is what the specification asks for: each block is a different counter, encrypted once.
_ECB = ECB()  # noqa: S305


@lru_cache(maxsize=256)
def padded_data(start: int, period: int) -> bytes:
    """Return the plaintext blocks of the *period* intervals from *start*, 16 bytes each.

    Cached, because the keys of one export share a few starts.
    """
    return b"".join(_PREFIX + struct.pack("<I", start + j) for j in range(period))


def identifier_blocks(rpik: bytes, padded: bytes) -> bytes:
    """Return the identifiers for *padded* (see `padded_data`), 16 bytes each, joined."""
    return Cipher(AES128(rpik), _ECB).encryptor().update(padded)


def rolling_proximity_identifier(rpik: bytes, interval: int) -> bytes:
    """Return the 16-byte identifier of ENIntervalNumber *interval* (0..2³²−1)."""
    return identifier_blocks(rpik, _PREFIX + struct.pack("<I", interval))


def all_identifiers(key: TemporaryExposureKey) -> list[bytes]:
    """Return the identifiers of *key*, one an interval of its rolling period, ascending."""
    rpik = rolling_proximity_identifier_key(key.key)
    blocks = identifier_blocks(rpik, padded_data(key.rolling_start, key.rolling_period))
    return [blocks[i : i + IDENTIFIER_BYTES] for i in range(0, len(blocks), IDENTIFIER_BYTES)]
