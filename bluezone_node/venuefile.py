"""What a place's kiosk is given by its registrar, in one file: ``venue.json``.

It holds a secret from which proofs of presence and the kiosk's name at the authority follow, so
it is its owner's alone (0600), and what does not hold together is refused before anything runs.
"""

import os
from base64 import b64decode, b64encode, urlsafe_b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_IMODE

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bluezone_node.errors import BadConfig, BadInput
from bluezone_node.venues.card import SignedCard
from bluezone_node.venues.text import read_text, to_base45
from bluezone_node.venues.trust import Role, TrustList, is_signed_by, read_trust_list

MAX_BYTES = 1 << 20
SECRET_BYTES = 32

_HINT = "ask the registrar for a new one: bluezone-node venue kiosk VENUE --out FILE"


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file as it is written."""

    card: str
    """In base45, with its prefix."""
    secret: str
    """32 bytes, hexadecimal."""
    trust: str
    """The trust list, base64."""
    root: str
    """The public key that signed it, base64."""
    authority: str = ""
    """Address of the registrar; empty: none can be reached."""
    register_private_key: str | None = None
    """X25519, hexadecimal; only where a register is kept."""


@dataclass(frozen=True, slots=True)
class VenueFile:
    """One place, as its kiosk needs to know it."""

    card: SignedCard = field(repr=False)
    """Signed by a registrar of `trust`; whether it is valid today is another question."""
    proof_key: bytes = field(repr=False)
    """32 bytes: makes the proofs on the screen (`venues.tags.proof_day_key`)."""
    bearer: str = field(repr=False)
    """What the kiosk names itself by at the authority."""
    trust: TrustList
    root: bytes
    authority: str
    register_key: bytes | None = field(default=None, repr=False)


def read_venue_file(path: Path) -> VenueFile:
    """Return the place that the file at *path* is of.

    Raises:
        BadConfig: it is missing, readable by others, or does not hold together.
    """
    try:
        if path.is_dir():
            # Before its rights are: who did as that hint says would lock a folder.
            raise BadConfig(f"{path} is a folder, and no file of a place", hint=_HINT)
        if S_IMODE(path.stat().st_mode) & 0o077:
            raise BadConfig(
                f"{path} can be read by other users, and holds a secret", hint=f"chmod 600 {path}"
            )
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadConfig(f"{path}: {error.strerror}", hint=_HINT) from error
    try:
        return _venue_of(msgspec.json.decode(content[: MAX_BYTES + 1], type=_Document))
    except (msgspec.DecodeError, NotBase64, ValueError):
        # Neither library's words: they may quote what stands in the file.
        raise BadConfig(f"{path} is no file of a place, or is damaged", hint=_HINT) from None
    except BadInput as error:
        raise BadConfig(f"{path}: {error}", hint=error.hint or _HINT) from error


def renew_venue_file(path: Path, cose: bytes, trust: bytes | None = None) -> VenueFile:
    """Put the card *cose* in the place of the one in the file at *path*; all else stays.

    *trust*: a list that was downloaded; it takes the place of the file's where the same root
    signed it and it is no older.

    Raises:
        BadConfig: the file cannot be read or written.
        BadInput: the card is none, another place's or room's, older, or not signed by who signs
            cards.
    """
    before = read_venue_file(path)
    document = msgspec.json.decode(path.read_bytes(), type=_Document)
    document = msgspec.structs.replace(document, card=to_base45(cose))
    if trust is not None and _follows(trust, before):
        document = msgspec.structs.replace(document, trust=b64encode(trust).decode())
    after = _venue_of(document)
    held, new = before.card.card, after.card.card
    if (new.venue_id, new.room) != (held.venue_id, held.room):
        raise BadInput("The new card is another place's.", reason="card_other_place")
    if new.from_day < held.from_day:
        # Genuine, and withdrawn since: whoever answers in the registrar's place may have kept it.
        raise BadInput("The new card is older than this one.", reason="card_older")
    if new.register_key != held.register_key:
        # What is sealed for a key that is not on this device can be opened by nobody.
        raise BadInput("The new card has another register's key.", reason="card_other_register")
    beside = path.with_name(f"{path.name}.new")
    try:
        beside.unlink(missing_ok=True)
        descriptor = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor, not a path
            file.write(msgspec.json.encode(document))
            file.flush()
            os.fsync(descriptor)
        # Whole or not at all: a power cut must not leave a door without its card.
        beside.replace(path)
    except OSError as error:
        raise BadConfig(f"{path}: {error.strerror}") from error
    return after


def _follows(trust: bytes, before: VenueFile) -> bool:
    try:
        read_trust_list(trust, before.root, before.trust)
    except BadInput:
        return False
    return True


def _venue_of(document: _Document) -> VenueFile:
    secret = bytes.fromhex(document.secret)
    root = b64decode(document.root, validate=True)
    register_key = (
        None
        if document.register_private_key is None
        else bytes.fromhex(document.register_private_key)
    )
    if len(secret) != SECRET_BYTES or (register_key is not None and len(register_key) != 32):
        raise ValueError
    trust = read_trust_list(b64decode(document.trust, validate=True), root)
    card = read_text(document.card, ()).card
    signers = [key for key in trust.keys if key.role is Role.CARDS and key.revoked is None]
    if not any(key.key_id == card.key_id and is_signed_by(card, key) for key in signers):
        raise BadInput(
            "The place's card is not signed by a registrar of the trust list beside it.",
            reason="card_unknown_signer",
        )
    return VenueFile(
        card,
        _derived(secret, b"VNP1-DYN"),
        urlsafe_b64encode(_derived(secret, b"VNP1-API")).decode(),
        trust,
        root,
        document.authority,
        register_key,
    )


def _derived(secret: bytes, label: bytes) -> bytes:
    return HKDF(SHA256(), 32, b"", label).derive(secret)
