"""COSE_Sign1 with Ed25519 over deterministic CBOR (RFC 9052, RFC 8949 §4.2.1).

What is signed here is printed, photographed, carried on sticks and read by machines of strangers;
so there is one way to write each thing, and a reader refuses every other.  The library decodes;
that an encoding is the deterministic one is seen by encoding what was read once more.

Who takes a decoded value apart must remember that ``int()`` in a pattern matches True as well, and
ask `are_whole`.
"""

from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from io import BytesIO
from typing import Any, NoReturn

import cbor2
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

from bluezone_node.errors import BadInput

KEY_ID_BYTES = 8
PUBLIC_KEY_BYTES = 32
SIGNATURE_BYTES = 64

_MAX_DEPTH = 8
"""Of nested arrays and maps: a bundle's notices are at the fourth."""
_ALGORITHM, _KEY_ID = 1, 4
_EDDSA = -8
"""COSE header labels and the algorithm (RFC 9052 §3.1, RFC 9053 §2.2)."""
_HEAD = bytes.fromhex("84 4d a2 01 27 04 48")
"""How each signature begins: an array of four, and headers of 13 bytes up to the key's name …"""
_PROTECTED_HEAD = 5
"""Of these, that the headers begin with."""
_HEAD_END = b"\xa0"
"""… and after it, no unprotected headers."""
_SIGNATURE_HEAD = bytes.fromhex("58 40")
_LENGTH_BYTES = {b"\x58": 1, b"\x59": 2, b"\x5a": 4}
"""After the first byte of a byte string; none where the first one says it all (RFC 8949 §3)."""


def _refuse_tag(*_: object) -> NoReturn:
    raise cbor2.CBORDecodeError("no tags here")


_TAGS = dict.fromkeys(
    (0, 1, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 43, 100, 256, 258, 260, 261, 1004, 43000, 55799),
    _refuse_tag,
)
"""Tags that the library would make something of; nothing of ours has any. With references
(25, 29) a few hundred bytes unfold to gigabytes."""

_STRICT: dict[str, Any] = {
    "tag_hook": _refuse_tag,
    "semantic_decoders": _TAGS,
    "max_depth": _MAX_DEPTH,
    "allow_indefinite": False,
    "allow_duplicate_keys": False,
}

# All that the library raises for what is not sound.
_UNSOUND = (cbor2.CBORError, ValueError, TypeError, OverflowError, RecursionError, EOFError)


@dataclass(frozen=True, slots=True)
class Signed:
    """A COSE_Sign1, taken apart; believed only after `verify`."""

    key_id: bytes
    """The 8 bytes by which the signer names its key: see `key_id_of`."""
    payload: bytes = field(repr=False)
    _protected: bytes = field(repr=False)
    _signature: bytes = field(repr=False)

    def verify(self, public_key: bytes) -> bool:
        """Tell whether the owner of the Ed25519 *public_key* (32 bytes) signed this."""
        try:
            Ed25519PublicKey.from_public_bytes(public_key).verify(
                self._signature, _to_be_signed(self._protected, self.payload)
            )
        except (InvalidSignature, ValueError):
            return False
        return True


def encode(value: object) -> bytes:
    """Return *value* as deterministic CBOR."""
    return cbor2.dumps(value, canonical=True)


def decode(data: bytes) -> Any:
    """Return the one value that *data* is the deterministic CBOR of.

    Raises:
        BadInput: reason ``cbor_malformed``: nothing else may be in it, in no other writing.
    """
    try:
        value = cbor2.loads(data, **_STRICT)
        # Comparing catches lengths and numbers written too long, and what follows the value.
        if encode(value) == data:
            return value
    except _UNSOUND:
        pass
    raise _malformed()


def decode_map(data: bytes) -> dict[int, Any]:
    """Return the map with whole numbers for keys that *data* is the deterministic CBOR of.

    Raises:
        BadInput: reason ``cbor_malformed``.
    """
    value = decode(data)
    # Not below zero: of such keys the library's order is another than that of RFC 8949 §4.2.1.
    if not isinstance(value, Mapping) or not all(type(key) is int and key >= 0 for key in value):
        raise _malformed()
    return dict(value)


def decode_padded_map(data: bytes) -> dict[int, Any]:
    """Return the map that *data* begins with; zeros fill the rest.

    Raises:
        BadInput: reason ``cbor_malformed``.
    """
    stream = BytesIO(data)
    try:
        cbor2.CBORDecoder(stream, **_STRICT).decode()
    except _UNSOUND:
        raise _malformed() from None
    end = stream.tell()
    if any(data[end:]):
        raise _malformed()
    return decode_map(data[:end])


def are_bytes(values: Sequence[object], length: int) -> bool:
    """Tell whether all *values* are byte strings of that length."""
    return all(isinstance(value, bytes) and len(value) == length for value in values)


def are_whole(*values: object) -> bool:
    """Tell whether all *values* are whole numbers; a truth value is none."""
    return all(type(value) is int for value in values)


def key_id_of(public_key: bytes) -> bytes:
    """Return the name of an Ed25519 *public_key*: the first 8 bytes of its SHA-256."""
    return sha256(public_key).digest()[:KEY_ID_BYTES]


def sign(payload: bytes, key: Ed25519PrivateKey) -> bytes:
    """Return the untagged COSE_Sign1 of *payload*; the same input gives the same bytes."""
    protected = encode({_ALGORITHM: _EDDSA, _KEY_ID: key_id_of(public_bytes(key))})
    signature = key.sign(_to_be_signed(protected, payload))
    return encode([protected, {}, payload, signature])


def public_bytes(key: Ed25519PrivateKey) -> bytes:
    """Return the 32 bytes of the public key of *key*."""
    return key.public_key().public_bytes_raw()


def read_public_key(text: str | bytes) -> bytes:
    """Return the 32 bytes of an Ed25519 public key: as they are, in hexadecimal, in base64 (of the
    32 bytes, or of the SubjectPublicKeyInfo, as the lines of a PEM are), or in PEM.

    Raises:
        BadInput: reason ``public_key_malformed``, ``public_key_is_private`` or
            ``public_key_not_ed25519``.
    """
    raw = text.encode(errors="replace") if isinstance(text, str) else text
    # One key in 2**32 has no byte above 127; a text that was cut off to this length has none.
    if isinstance(text, bytes) and len(text) == PUBLIC_KEY_BYTES and not text.isascii():
        return text
    if b"PRIVATE KEY" in raw:
        raise BadInput(
            "This is a private key: keep it to yourself, and give the public one.",
            reason="public_key_is_private",
        )
    try:
        if raw.lstrip().startswith(b"-----BEGIN"):
            key = load_pem_public_key(raw)
        else:
            line = b"".join(raw.split())
            # 64 hexadecimal digits would be the base64 of 48 bytes, which is no key at all.
            bare = (
                bytes.fromhex(line.decode()) if len(line) == 64 else b64decode(line, validate=True)
            )
            if len(bare) == PUBLIC_KEY_BYTES:
                return bare
            key = load_der_public_key(bare)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadInput(
            "The public key is not readable: it must be PEM, base64 or hexadecimal.",
            reason="public_key_malformed",
        ) from None
    if not isinstance(key, Ed25519PublicKey):
        raise BadInput("The public key is not of Ed25519.", reason="public_key_not_ed25519")
    return key.public_bytes_raw()


def read_signed(data: bytes) -> Signed:
    """Take the untagged COSE_Sign1 *data* apart; verify nothing.

    Raises:
        BadInput: reason ``cose_malformed``.
    """
    # By hand: a signature has one form, and what a stranger sends gets no decoder to fill the
    # memory with before it is known who signed it.
    end, tail = len(_HEAD) + KEY_ID_BYTES, len(_SIGNATURE_HEAD) + SIGNATURE_BYTES
    framed, signature = data[end + 1 : -tail], data[-tail:]
    if (
        data.startswith(_HEAD)
        and data[end : end + 1] == _HEAD_END
        and signature.startswith(_SIGNATURE_HEAD)
        and (payload := _byte_string(framed)) is not None
    ):
        protected = data[len(_HEAD) - _PROTECTED_HEAD : end]
        return Signed(data[len(_HEAD) : end], payload, protected, signature[len(_SIGNATURE_HEAD) :])
    raise BadInput("It is no COSE_Sign1 with Ed25519 and a key's name.", reason="cose_malformed")


def _byte_string(data: bytes) -> bytes | None:
    """Return the content of the byte string that *data* is, None where it is another thing."""
    content = data[1 + _LENGTH_BYTES.get(data[:1], 0) :]
    return content if encode(content) == data else None


def _to_be_signed(protected: bytes, payload: bytes) -> bytes:
    return encode(["Signature1", protected, b"", payload])


def _malformed() -> BadInput:
    return BadInput("The CBOR is not well-formed, or not deterministic.", reason="cbor_malformed")
