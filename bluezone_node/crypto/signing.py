"""Signatures: ECDSA on P-256 over SHA-256, DER-encoded (X9.62), as GAEN exports use them.

Everything is signed and verified by digest, so that a file of any size can be streamed once.
"""

import hashlib
from base64 import b64decode, b64encode

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    derive_private_key,
)
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_public_key,
    load_pem_private_key,
    load_pem_public_key,
)

from bluezone_node.errors import BadInput

PrivateKey = EllipticCurvePrivateKey
PublicKey = EllipticCurvePublicKey

ENTROPY_BYTES = 48
"""Random bytes that a private key is made of: 128 bits more than the order of the curve, so that
reducing modulo the order leaves no bias worth naming (FIPS 186-5, A.2.1)."""

_ORDER = 0xFFFFFFFF_00000000_FFFFFFFF_FFFFFFFF_BCE6FAAD_A7179E84_F3B9CAC2_FC632551
"""Of the group of P-256 (FIPS 186-5 with SP 800-186)."""

_ALGORITHM = Prehashed(SHA256())
_VERIFIED = ECDSA(_ALGORITHM)


def generate_private_key(entropy: bytes) -> PrivateKey:
    """Return the private key made of 48 bytes of *entropy*."""
    if len(entropy) != ENTROPY_BYTES:
        raise ValueError(f"a private key is made of {ENTROPY_BYTES} random bytes")
    return derive_private_key(int.from_bytes(entropy) % (_ORDER - 1) + 1, SECP256R1())


def load_private_key(pem: bytes) -> PrivateKey:
    """Read a private key from unencrypted PEM.

    Raises:
        BadInput: reason ``private_key_malformed`` or ``private_key_not_p256``.
    """
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # The cause is dropped: what a parser says of a private key is not for a log.
        raise BadInput(
            "The private key is not readable: it must be unencrypted PEM.",
            reason="private_key_malformed",
        ) from None
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise BadInput("The private key is not on the curve P-256.", reason="private_key_not_p256")
    return key


def load_public_key(text: str | bytes) -> PublicKey:
    """Read a public key from PEM, or from the base64 of its SubjectPublicKeyInfo.

    Raises:
        BadInput: reason ``public_key_malformed``, ``public_key_is_private`` or
            ``public_key_not_p256``.
    """
    raw = text.encode() if isinstance(text, str) else text
    if b"PRIVATE KEY" in raw:
        raise BadInput(
            "This is a private key: keep it to yourself, and give the public one.",
            reason="public_key_is_private",
        )
    try:
        if raw.lstrip().startswith(b"-----BEGIN"):
            key = load_pem_public_key(raw)
        else:
            key = load_der_public_key(b64decode(b"".join(raw.split()), validate=True))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadInput(
            "The public key is not readable: it must be PEM or the base64 of one.",
            reason="public_key_malformed",
        ) from None
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise BadInput("The public key is not on the curve P-256.", reason="public_key_not_p256")
    return key


def private_pem(key: PrivateKey) -> bytes:
    """Return *key* as unencrypted PKCS #8 PEM: for a file that only its owner can read."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_pem(key: PublicKey) -> bytes:
    """Return *key* as PEM, which is how authorities hand it out."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def public_base64(key: PublicKey) -> str:
    """Return *key* as one line: the base64 of its SubjectPublicKeyInfo."""
    return b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def sha256(data: bytes) -> bytes:
    """Return the 32-byte digest of *data*."""
    return hashlib.sha256(data).digest()


def sign(key: PrivateKey, data: bytes) -> bytes:
    """Return the DER signature of *data*; the same data and key give the same bytes."""
    return sign_digest(key, sha256(data))


def sign_digest(key: PrivateKey, digest: bytes) -> bytes:
    """Return the DER signature of the data whose SHA-256 is *digest*.

    Deterministic (RFC 6979): an exporter that runs twice writes the same file twice, and no weak
    source of randomness can give the key away.
    """
    return key.sign(digest, ECDSA(_ALGORITHM, deterministic_signing=True))


def verify(key: PublicKey, signature: bytes, data: bytes) -> bool:
    """Tell whether *signature* (DER; anything else is simply false) is *key*'s over *data*."""
    return verify_digest(key, signature, sha256(data))


def verify_digest(key: PublicKey, signature: bytes, digest: bytes) -> bool:
    """Tell whether *signature* is *key*'s over the data whose SHA-256 is *digest*."""
    try:
        key.verify(signature, digest, _VERIFIED)
    except InvalidSignature:
        return False
    return True
