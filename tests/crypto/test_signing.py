"""Signing and verifying, and reading the keys for it."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.crypto import signing
from bluezone_node.errors import BadInput

KEY = signing.generate_private_key(bytes(range(48)))
OTHER = signing.generate_private_key(bytes(48))


def test_a_public_key_reads_from_pem_and_from_base64(vectors: Path) -> None:
    """Both ways in which authorities publish their keys give the same key."""
    pem = (vectors / "exports" / "ens-example-public.pem").read_text()
    from_pem = signing.load_public_key(pem)
    body = "".join(line for line in pem.splitlines() if not line.startswith("-"))
    assert signing.load_public_key(body) == from_pem
    assert signing.public_base64(from_pem) == body
    assert signing.public_pem(from_pem).decode() == pem


def test_rfc_6979_vector() -> None:
    """The published key (RFC 6979, A.2.5) signs 'sample' with the published numbers."""
    number = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
    key = ec.derive_private_key(number, ec.SECP256R1())
    assert decode_dss_signature(signing.sign(key, b"sample")) == (
        0xEFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716,
        0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8,
    )


def test_keys_survive_pem() -> None:
    """A private key written is the private key read."""
    again = signing.load_private_key(signing.private_pem(KEY))
    assert again.private_numbers() == KEY.private_numbers()


def test_the_same_entropy_gives_the_same_key_and_other_entropy_another() -> None:
    """A key depends on its entropy alone."""
    assert signing.generate_private_key(bytes(range(48))).public_key() == KEY.public_key()
    assert OTHER.public_key() != KEY.public_key()
    with pytest.raises(ValueError, match="48 random bytes"):
        signing.generate_private_key(bytes(32))


def test_signing_is_repeatable() -> None:
    """An exporter that runs twice writes the same bytes."""
    assert signing.sign(KEY, b"export") == signing.sign(KEY, b"export")


@given(st.binary(), st.binary(max_size=80))
def test_only_the_right_signature_verifies(data: bytes, junk: bytes) -> None:
    """The signature verifies; another key, other data or junk is false and never an error."""
    signature = signing.sign(KEY, data)
    assert signing.verify(KEY.public_key(), signature, data)
    assert not signing.verify(OTHER.public_key(), signature, data)
    assert not signing.verify(KEY.public_key(), signature, data + b"x")
    assert not signing.verify(KEY.public_key(), junk, data)
    assert not signing.verify(KEY.public_key(), signature + b"\0", data)


def _spki(key: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "public_key_malformed"),
        (b"hello", "public_key_malformed"),
        ("khóa", "public_key_malformed"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "public_key_malformed"),
        (_spki(ec.generate_private_key(ec.SECP384R1()).public_key()), "public_key_not_p256"),
        (_spki(ec.generate_private_key(ec.SECP256K1()).public_key()), "public_key_not_p256"),
        (_spki(ed25519.Ed25519PrivateKey.generate().public_key()), "public_key_not_p256"),
        (signing.private_pem(KEY), "public_key_is_private"),
    ],
)
def test_an_unusable_public_key_is_refused_by_name(text: str | bytes, reason: str) -> None:
    """Each mistake with a public key has a name of its own."""
    with pytest.raises(BadInput) as refused:
        signing.load_public_key(text)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("pem", "reason"),
    [
        (b"", "private_key_malformed"),
        (signing.public_pem(KEY.public_key()), "private_key_malformed"),
        (
            KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"pw")),
            "private_key_malformed",
        ),
        (
            ec.generate_private_key(ec.SECP384R1()).private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
            ),
            "private_key_not_p256",
        ),
    ],
)
def test_an_unusable_private_key_is_refused_by_name(pem: bytes, reason: str) -> None:
    """Each mistake with a private key has a name, and no cause that could quote it."""
    with pytest.raises(BadInput) as refused:
        signing.load_private_key(pem)
    assert refused.value.reason == reason
    assert refused.value.__cause__ is None


@given(st.one_of(st.binary(), st.text()))
def test_any_text_is_a_public_key_or_is_refused(text: str | bytes) -> None:
    """No input raises anything but the named reason."""
    with pytest.raises(BadInput):
        signing.load_public_key(text)


def test_repr_shows_no_secret() -> None:
    """Printing a key gives nothing away."""
    number = KEY.private_numbers().private_value
    assert f"{number:x}" not in repr(KEY)
    assert str(number) not in repr(KEY)
