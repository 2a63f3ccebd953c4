"""Temporary Exposure Keys and what is derived from them.

Exposure Notification Cryptography Specification v1.2: a TEK is 16 random bytes, valid for at
most one UTC day; RPIK and AEMK are HKDF-SHA256 of it without salt.
"""

from dataclasses import dataclass, field, replace

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bluezone_node.intervals import ROLLING_PERIOD, rolling_start

KEY_BYTES = 16


@dataclass(frozen=True, slots=True)
class TemporaryExposureKey:
    """A device's own secret for one day, or for the part of it before or after a report."""

    key: bytes = field(repr=False)
    """16 random bytes."""
    rolling_start: int
    """First ENIntervalNumber of its validity."""
    rolling_period: int = ROLLING_PERIOD
    """Intervals it is valid for, 1..144."""

    def __post_init__(self) -> None:
        if len(self.key) != KEY_BYTES:
            raise ValueError("a Temporary Exposure Key has 16 bytes")
        if not 1 <= self.rolling_period <= ROLLING_PERIOD:
            raise ValueError("a rolling period is 1 to 144 intervals")

    @property
    def rolling_end(self) -> int:
        """First interval after its validity."""
        return self.rolling_start + self.rolling_period

    def covers(self, interval: int) -> bool:
        return self.rolling_start <= interval < self.rolling_end


def roll(interval: int, entropy: bytes) -> TemporaryExposureKey:
    """Return a fresh key for the UTC day of *interval*, made of 16 bytes of *entropy*."""
    return TemporaryExposureKey(entropy, rolling_start(interval))


def retire(
    key: TemporaryExposureKey, interval: int, entropy: bytes
) -> tuple[TemporaryExposureKey, TemporaryExposureKey]:
    """End *key* before *interval* is over and return it so shortened, with its successor.

    Used when today's key is published: what is public must not go on the air again.  The
    successor begins at the same aligned interval (CRYPTO v1.2: several keys with one start are
    legal); the shortened key keeps at least one interval.
    """
    period = max(1, min(key.rolling_period, interval - key.rolling_start))
    return replace(key, rolling_period=period), TemporaryExposureKey(entropy, key.rolling_start)


def rolling_proximity_identifier_key(key: bytes) -> bytes:
    """Return the 16-byte RPIK of the 16-byte TEK *key*."""
    return _derive(key, b"EN-RPIK")


def associated_encrypted_metadata_key(key: bytes) -> bytes:
    """Return the 16-byte AEMK of the 16-byte TEK *key*."""
    return _derive(key, b"EN-AEMK")


def _derive(key: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=info).derive(key)
