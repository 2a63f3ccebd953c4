"""Who signed an export: ten signatures at most, of which one by a known key is enough."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from google.protobuf.message import DecodeError

from bluezone_node.crypto.signing import PrivateKey, PublicKey, sign_digest, verify_digest
from bluezone_node.export import export_pb2

MAX_SIGNATURES = 10
"""The format's own limit; it also bounds the work that a hostile file can ask for."""
ECDSA_SHA256 = "1.2.840.10045.4.3.2"
"""Object identifier of the one algorithm that exports are signed with (RFC 5758)."""


class SignatureState(StrEnum):
    """What is known of an export's signatures."""

    VERIFIED = "verified"
    """One of them is by one of the given keys, over exactly this content."""
    UNSIGNED = "unsigned"
    """There are none."""
    UNKNOWN_KEY = "unknown_key"
    """No key was given to check them with."""
    BAD = "bad"
    """None of them is by a given key over this content.

    Whether the content was altered or somebody else signed it cannot be told apart: a signature
    does not name its key, and what export.sig says about it is not signed.
    """


@dataclass(frozen=True, slots=True)
class SignedBy:
    """Which key a signature claims to be made with: a claim, which anyone can write."""

    key_id: str
    """Usually the mobile country code of the authority."""
    key_version: str
    algorithm: str = ECDSA_SHA256


@dataclass(frozen=True, slots=True)
class Signer:
    """A key that exports are signed with, and the names it goes by in them."""

    private_key: PrivateKey = field(repr=False)
    signed_by: SignedBy


def judge(
    signature_list: bytes | None, digest: bytes, public_keys: Sequence[PublicKey]
) -> tuple[SignatureState, int]:
    """Return what export.sig says of the export.bin with this SHA-256, and its signature count.

    A list that is no list is bad: it was changed.
    """
    if signature_list is None:
        return SignatureState.UNSIGNED, 0
    try:
        signatures = export_pb2.TEKSignatureList.FromString(signature_list).signatures
    except DecodeError:
        return SignatureState.BAD, 0
    if not signatures:
        return SignatureState.UNSIGNED, 0
    if not public_keys:
        return SignatureState.UNKNOWN_KEY, len(signatures)
    verified = any(
        verify_digest(key, signature.signature, digest)
        for signature in signatures[:MAX_SIGNATURES]
        for key in public_keys
    )
    return SignatureState.VERIFIED if verified else SignatureState.BAD, len(signatures)


def signature_list(
    digest: bytes, signers: Sequence[Signer], batch_num: int, batch_size: int
) -> bytes:
    """Return export.sig for the export.bin with this SHA-256, signed by each of *signers*."""
    return export_pb2.TEKSignatureList(
        signatures=[
            export_pb2.TEKSignature(
                signature_info=info_message(signer.signed_by),
                batch_num=batch_num,
                batch_size=batch_size,
                signature=sign_digest(signer.private_key, digest),
            )
            for signer in signers
        ]
    ).SerializeToString()


def info_message(signed_by: SignedBy) -> export_pb2.SignatureInfo:
    return export_pb2.SignatureInfo(
        verification_key_id=signed_by.key_id,
        verification_key_version=signed_by.key_version,
        signature_algorithm=signed_by.algorithm,
    )
