"""Associated Encrypted Metadata: the sender's transmit power, readable once its key is known.

Exposure Notification Bluetooth and Cryptography Specifications v1.2: four bytes (version,
transmit power, two reserved), encrypted with AES-128-CTR under the AEMK, the identifier as the
initial counter.  Nothing authenticates them: whoever relays a packet may flip bits unnoticed, so
a decoded power is a claim to be bounded by whoever uses it.
"""

from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES128
from cryptography.hazmat.primitives.ciphers.modes import CTR

from bluezone_node.errors import BadInput

METADATA_BYTES = 4
MAJOR_VERSION = 1
"""The only major version ever published; another may mean anything, so it is refused."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a sender says of its own radio."""

    tx_power: int
    """Radiated power, dBm: −127..127 when sent, any int8 when received."""
    calibration_confidence: int = 0
    """0 lowest, 1 low, 2 medium, 3 high; always 0 in version 1.0, which cannot say."""
    version: tuple[int, int] = (1, 1)
    """(major, minor)."""


def encode(metadata: Metadata) -> bytes:
    """Return the 4 plain bytes.

    Raises:
        ValueError: a value that the format cannot carry.
    """
    major, minor = metadata.version
    if major != MAJOR_VERSION or minor not in (0, 1):
        raise ValueError("metadata is written in version 1.0 or 1.1")
    if not -127 <= metadata.tx_power <= 127:
        raise ValueError("transmit power is -127 to 127 dBm")
    if not 0 <= metadata.calibration_confidence <= (3 if minor else 0):
        raise ValueError("calibration confidence is 0 to 3, and 0 in version 1.0")
    flags = major << 6 | minor << 4 | metadata.calibration_confidence << 2
    return bytes((flags, metadata.tx_power & 0xFF, 0, 0))


def decode(plain: bytes) -> Metadata:
    """Read the 4 plain bytes; reserved bits are ignored, as the specification asks.

    Raises:
        BadInput: reason ``metadata_length`` (not 4 bytes) or ``metadata_version``.
    """
    if len(plain) != METADATA_BYTES:
        raise BadInput("Metadata has 4 bytes.", reason="metadata_length")
    flags, power = plain[0], plain[1]
    major, minor = flags >> 6, flags >> 4 & 3
    if major != MAJOR_VERSION:
        raise BadInput(f"Metadata of version {major} is unknown.", reason="metadata_version")
    return Metadata(
        tx_power=power - 256 if power > 127 else power,
        calibration_confidence=flags >> 2 & 3 if minor else 0,
        version=(major, minor),
    )


def encrypt(aemk: bytes, rpi: bytes, plain: bytes) -> bytes:
    """Return the 4 encrypted bytes that go on the air beside the identifier *rpi*."""
    return Cipher(AES128(aemk), CTR(rpi)).encryptor().update(plain)


def decrypt(aemk: bytes, rpi: bytes, encrypted: bytes) -> bytes:
    """Return the 4 plain bytes heard beside the identifier *rpi*."""
    return Cipher(AES128(aemk), CTR(rpi)).decryptor().update(encrypted)
