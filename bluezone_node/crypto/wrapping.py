"""A data key, wrapped: what a database keeps of it, of use only to who has the master secret.

Cells are sealed under a data key that is drawn once and never leaves the process.  It is kept in
the database, encrypted under a key made from the master secret (a key file, a passphrase, a
systemd credential).  So a passphrase can be changed without writing the log anew, and deleting
one row of sixty bytes makes all the others unreadable.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

KEY_BYTES = 32
"""AES-256: four rounds more than AES-128 cost little, and a stolen card can be kept for decades."""

NONCE_BYTES = 12

GENERATED = b"BLUEZONE-NODE-KEY-1:"
"""Begins a secret of 256 random bits: it cannot be guessed, so it needs no stretching, and
`status` need not wait for that."""

SCRYPT_COST = 1 << 15
"""N; r = 8, p = 1 (RFC 7914): 32 MB and 0.1 s here (an estimated 0.5 s on a Raspberry Pi 3)
for each guess of a passphrase.  More would not fit beside the node on a board with 512 MB."""

SCRYPT_LARGEST = 1 << 20
"""N that is believed when read from a database: beyond it, a hostile card would take 1 GB."""

_BLOCK, _PARALLEL = 8, 1
_SALT_BYTES = 16
_KEY_ID_BYTES = 8

Entropy = Callable[[int], bytes]


class WrongSecret(Exception):
    """The data key does not open under this secret; which of the two is wrong cannot be told."""


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """One row of the table ``sealing``."""

    key_id: bytes
    """Of the data key: stays when it is wrapped anew."""
    cost: int
    """scrypt's N; 0: the secret was strong by itself and went through HKDF."""
    salt: bytes
    wrapped: bytes = field(repr=False)
    """Nonce, ciphertext and tag."""


def new_secret(entropy: Entropy) -> bytes:
    """Return a master secret that nobody can guess, as one line of text."""
    return GENERATED + base64.b64encode(entropy(KEY_BYTES))


def new_data_key(entropy: Entropy) -> tuple[bytes, bytes]:
    """Return the name of a new data key, and the key."""
    return entropy(_KEY_ID_BYTES), entropy(KEY_BYTES)


def wrap(key_id: bytes, data_key: bytes, secret: bytes, entropy: Entropy) -> WrappedKey:
    """Wrap *data_key* under *secret*: generated ones through HKDF, all others through scrypt."""
    cost = 0 if secret.startswith(GENERATED) else SCRYPT_COST
    salt, nonce = entropy(_SALT_BYTES), entropy(NONCE_BYTES)
    cipher = AESGCM(_wrapping_key(secret, salt, cost))
    return WrappedKey(
        key_id, cost, salt, nonce + cipher.encrypt(nonce, data_key, _purpose(key_id, cost))
    )


def unwrap(row: WrappedKey, secret: bytes) -> bytes:
    """Return the data key.

    Raises:
        WrongSecret: *secret* is not the one, or the row was altered.
    """
    if row.cost and not _plausible(row.cost):
        raise WrongSecret
    cipher = AESGCM(_wrapping_key(secret, row.salt, row.cost))
    nonce, sealed = row.wrapped[:NONCE_BYTES], row.wrapped[NONCE_BYTES:]
    try:
        return cipher.decrypt(nonce, sealed, _purpose(row.key_id, row.cost))
    except (InvalidTag, ValueError):
        raise WrongSecret from None


def _plausible(cost: int) -> bool:
    return SCRYPT_COST <= cost <= SCRYPT_LARGEST and cost & (cost - 1) == 0


def _wrapping_key(secret: bytes, salt: bytes, cost: int) -> bytes:
    if cost:
        stretch = Scrypt(salt=salt, length=KEY_BYTES, n=cost, r=_BLOCK, p=_PARALLEL)
        return stretch.derive(secret)
    return HKDF(SHA256(), KEY_BYTES, salt, b"bluezone-node data key").derive(secret)


def _purpose(key_id: bytes, cost: int) -> bytes:
    return b"bluezone-node wrapped data key 1/%b/%d" % (key_id.hex().encode(), cost)
