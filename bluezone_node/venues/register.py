"""The register of names, where a kind of place must keep one: sealed so that no one side can read.

Contact data are sealed twice by HPKE (RFC 9180): inside to a key that the authority makes for one
day and destroys after three weeks, outside to the place's own.  Whoever takes the kiosk has the
outer key and not the inner one; whoever has the authority's disk has no rows.  Bytes:
docs/protocol-places.md, "Register".
"""

import hmac
import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from bluezone_node.crypto.cose import (
    are_whole,
    decode_map,
    decode_padded_map,
    encode,
    key_id_of,
    read_signed,
    sign,
)
from bluezone_node.errors import BadInput
from bluezone_node.intervals import from_unix, to_unix
from bluezone_node.venues.card import PUBLIC_KEY_BYTES, Card, check_line
from bluezone_node.venues.tags import slot_of
from bluezone_node.venues.trust import Role, TrustList
from bluezone_node.venues.visits import MAX_PARTY

ROW_ID_BYTES = 16
MARK_BYTES = 8
CONTACT_BYTES = 128
"""Every contact is filled up to this, so that its length says nothing of the name."""
MAX_NAME_BYTES = 96
"""As on the cards that people carry (`venues.persons`); with all else it fits `CONTACT_BYTES`."""
MAX_DAYS = 64
"""In one list of day keys: two weeks ahead and three back, twice over."""

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
_ANY_KEY = X25519PrivateKey.from_private_bytes(bytes(PUBLIC_KEY_BYTES))
"""To try whether a public key is one; it keeps no secret."""
_SEAL_BYTES = 48
"""That HPKE adds: 32 of the one-time key, 16 of the tag."""
INNER_BYTES = CONTACT_BYTES + _SEAL_BYTES

_MARK = "VNP1D"
_PHONE = re.compile(r"\+?[0-9]{8,15}\Z")


@dataclass(frozen=True, slots=True)
class Contact:
    """How to reach a visitor, and as little else as tells two of one name apart."""

    name: str = field(repr=False)
    phone: str = field(default="", repr=False)
    """Digits, after a + or not; empty where it is not known."""
    birth_year: int | None = field(default=None, repr=False)
    party: int = 1
    verified: bool = False
    """The number was proved by a code that was sent to it."""


@dataclass(frozen=True, slots=True)
class DayKeys:
    """The public keys that contacts are sealed to, by day."""

    province: str
    created: datetime
    keys: Mapping[int, bytes]
    """X25519, 32 bytes, by day since 1970 in Vietnam."""


@dataclass(frozen=True, slots=True)
class SealedContact:
    """One row of the register, as a kiosk keeps it."""

    row_id: bytes = field(repr=False)
    """16 bytes; known to the visitor's device where it has one: see `row_id_of`."""
    location_id: bytes = field(repr=False)
    """Of the card that hung there: 32 bytes."""
    slot: int
    """In which the visitor came."""
    day_key_id: bytes = field(repr=False)
    """The first 8 bytes of the SHA-256 of the day's public key."""
    outer: bytes = field(repr=False)
    """224 bytes."""


@dataclass(frozen=True, slots=True)
class ReleasedContact:
    """A row whose outer seal was opened at the kiosk: on its way to the authority."""

    row_id: bytes = field(repr=False)
    location_id: bytes = field(repr=False)
    slot: int
    day_key_id: bytes = field(repr=False)
    inner: bytes = field(repr=False)
    """176 bytes."""


def write_day_keys(days: DayKeys, key: Ed25519PrivateKey) -> bytes:
    """Return *days* as a COSE_Sign1 of a register key."""
    entries = [[day, public] for day, public in sorted(days.keys.items())]
    created = to_unix(days.created)
    return sign(encode({1: _MARK, 2: days.province, 3: created, 4: entries}), key)


def read_day_keys(data: bytes, trust: TrustList, at: datetime) -> DayKeys:
    """Return the list in *data*, signed by a key that may.

    Raises:
        BadInput: reason ``day_keys_malformed`` or ``day_keys_forged``, or one of
            `crypto.cose.read_signed`.
    """
    signed = read_signed(data)
    match decode_map(signed.payload):
        case {1: str(mark), 2: str(province), 3: int(created), 4: list(entries), **rest} if (
            mark == _MARK
            and not rest
            and len(entries) <= MAX_DAYS
            and are_whole(created)
            and 0 <= created < 2**32
        ):
            keys = dict(map(_day_of, entries))
            if len(keys) != len(entries):
                raise _bad_days()
        case _:
            raise _bad_days()
    key = trust.find(signed.key_id, Role.REGISTER, at, province)
    if key is None or not signed.verify(key.public_key):
        raise BadInput(
            "The day keys are not signed by an authority that may open registers there.",
            reason="day_keys_forged",
        )
    return DayKeys(province, from_unix(created), keys)


def read_register_key(text: str) -> bytes:
    """Return the X25519 public key, 32 bytes, that *text* is the base64 of.

    Raises:
        BadInput: reason ``register_key_malformed``.
    """
    try:
        public = b64decode(text.strip(), validate=True)
        # 32 bytes may still be no key: with zeros nobody shares a secret (RFC 7748 §6.1).
        _ANY_KEY.exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError:
        raise BadInput(
            "That is no base64 of an X25519 public key of 32 bytes.",
            reason="register_key_malformed",
            hint="`bluezone-node kiosk key` at the kiosk prints it",
        ) from None
    return public


def row_id_of(nonce: bytes) -> bytes:
    """Return the id of the row that a visitor's pass with this *nonce* makes.

    Their device knows it too, and so finds out when the row was opened.
    """
    return sha256(b"VNP1-RID" + nonce).digest()[:ROW_ID_BYTES]


def check_contact(contact: Contact) -> Contact:
    """Return *contact* where every field is what it should be.

    Raises:
        BadInput: reason ``contact_malformed`` or ``text_malformed``.
    """
    check_line(contact.name, MAX_NAME_BYTES, "name")
    if (
        (contact.phone and not _PHONE.match(contact.phone))
        or (contact.birth_year is not None and not 1900 <= contact.birth_year < 2200)
        or not 1 <= contact.party <= MAX_PARTY
    ):
        raise BadInput(
            "A telephone number has 8 to 15 digits, a year of birth four, a party 1 to 20 people.",
            reason="contact_malformed",
        )
    return contact


def seal_contact(
    contact: Contact, card: Card, location_id: bytes, came: datetime, day_key: bytes, row_id: bytes
) -> SealedContact:
    """Return *contact* sealed to the authority's *day_key* and then to the place.

    Raises:
        BadInput: as `check_contact`; or reason ``register_unknown``: the place keeps none, or
            ``register_key_malformed``: nobody can seal to what was signed as a key.
    """
    if card.register_key is None:
        raise BadInput("The place keeps no register of names.", reason="register_unknown")
    fields = {
        1: check_contact(contact).name,
        2: contact.phone,
        3: contact.birth_year,
        4: contact.party,
        5: contact.verified,
    }
    plain = encode({number: value for number, value in fields.items() if value is not None})
    slot, day_key_id = slot_of(came), key_id_of(day_key)
    try:
        inner = _SUITE.encrypt(
            plain.ljust(CONTACT_BYTES, b"\0"),
            X25519PublicKey.from_public_bytes(day_key),
            info=_inner_info(day_key_id, location_id, slot),
        )
        outer = _SUITE.encrypt(
            inner,
            X25519PublicKey.from_public_bytes(card.register_key),
            info=_outer_info(card.venue_id, slot),
        )
    except ValueError:
        raise BadInput(
            "Names cannot be sealed: the place's key, or the day's, is none.",
            reason="register_key_malformed",
            hint="tell the registrar; nothing was kept",
        ) from None
    return SealedContact(row_id, location_id, slot, day_key_id, outer)


def release(row: SealedContact, venue_id: bytes, venue_key: X25519PrivateKey) -> ReleasedContact:
    """Open the outer seal of *row* with the key of the place.

    Raises:
        BadInput: reason ``row_unreadable``: of another place or time, or changed.
    """
    try:
        inner = _SUITE.decrypt(row.outer, venue_key, info=_outer_info(venue_id, row.slot))
    except (InvalidTag, ValueError):
        raise _unreadable() from None
    return ReleasedContact(row.row_id, row.location_id, row.slot, row.day_key_id, inner)


def open_contact(row: ReleasedContact, day_key: X25519PrivateKey) -> Contact:
    """Open the inner seal with the authority's key of the day.

    Raises:
        BadInput: reason ``row_unreadable``, or what `check_contact` says of what was in it: the
            program that sealed it was anybody's.
    """
    info = _inner_info(row.day_key_id, row.location_id, row.slot)
    try:
        plain = _SUITE.decrypt(row.inner, day_key, info=info)
    except (InvalidTag, ValueError):
        raise _unreadable() from None
    match decode_padded_map(plain):
        case {1: str(name), 2: str(phone), 4: int(party), 5: bool(verified), **rest} if (
            not rest.keys() - {3} and are_whole(party, rest.get(3, 1900))
        ):
            return check_contact(Contact(name, phone, rest.get(3), party, verified))
    raise _unreadable()


def opened_mark(row_id: bytes, sequence: int) -> bytes:
    """Return the 8 bytes in bundle *sequence* by which a visitor learns of an opened row.

    Bound to the bundle, so that nobody sees that the same row was opened twice.
    """
    return hmac.digest(row_id, b"VNP1-OPENED" + sequence.to_bytes(4), "sha256")[:MARK_BYTES]


def _inner_info(day_key_id: bytes, location_id: bytes, slot: int) -> bytes:
    return b"VNP1-C1" + day_key_id + location_id + slot.to_bytes(4)


def _outer_info(venue_id: bytes, slot: int) -> bytes:
    return b"VNP1-C2" + venue_id + slot.to_bytes(4)


def _day_of(entry: object) -> tuple[int, bytes]:
    match entry:
        case [int(day), bytes(public)] if (
            are_whole(day) and 0 <= day < 2**17 and len(public) == PUBLIC_KEY_BYTES
        ):
            return day, public
    raise _bad_days()


def _bad_days() -> BadInput:
    return BadInput("What was signed is no list of day keys.", reason="day_keys_malformed")


def _unreadable() -> BadInput:
    return BadInput(
        "A row of the register cannot be opened: it is of another place or time, or was changed.",
        reason="row_unreadable",
    )
