"""The venue card: what a poster says, signed by the province's registrar.

Bytes: docs/protocol-places.md, "Card".  A card is public wherever it hangs, so there is nothing in
it that is not printed beside it; but whoever has it can tell the tags of that place (`tags`), so
it is not handed out by servers, and stands in no log.
"""

import unicodedata
from base64 import b32encode
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from enum import IntFlag
from hashlib import sha256
from typing import Any

from bluezone_node.crypto.cose import decode_map, encode, read_signed
from bluezone_node.errors import BadInput
from bluezone_node.venues.kinds import RULES, VenueKind

VIETNAM = timezone(timedelta(hours=7))
"""Days, midnights and opening hours are Vietnam's: one zone, no summer time since 1975."""

VENUE_ID_BYTES = 16
SEED_BYTES = 16
PUBLIC_KEY_BYTES = 32
MAX_NAME_BYTES = 96
MAX_ADDRESS_BYTES = 64
MAX_ROOM_BYTES = 32
"""So that the longest card's square has 81 modules a side, which the sticker still shows."""
MIN_STAY, MAX_STAY = 15, 1425
"""Minutes: what the Corona-Warn-App clamps a default length to."""
MAX_CARD_BYTES = 512
"""Of a signed card: the longest one has 397. Refused before anything is decoded."""
SPOKEN_CHARACTERS = 6

_VERSION = 1
_DAY = 86_400
_UNSEEN = ("C", "Z")
_BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Categories of characters that are not seen, break a line or turn the direction of writing, of
which the space alone is allowed; and letters that are drawn as nothing."""


class CardFlag(IntFlag):
    """Field 11 of a card."""

    REGISTER_REQUIRED = 1
    DECLARATION_REQUIRED = 2
    BLE_NODE = 4
    """A node at the place sends its tags."""
    CHECK_OUT_CODE = 8
    """There is a second poster, for the way out."""
    STAFF_CODE = 16
    """For those who work there: a visit does not end by itself before closing time."""
    DUAL_CONTROL = 32
    """A notice needs the place's own signature too: clinics, shelters, places of worship."""


NO_FLAGS = CardFlag(0)
_KNOWN_FLAGS = sum(CardFlag)


@dataclass(frozen=True, slots=True, repr=False)
class Card:
    """What a card says. Belief in it comes from `trust.accept_card`.

    Its repr shows nothing: where somebody was is in no log.
    """

    venue_id: bytes
    """16 random bytes; all rooms of a place share them."""
    name: str
    commune: int
    """Number of the commune or ward in the list of `edition`."""
    kind: VenueKind
    seed: bytes
    """16 random bytes, new with each rotation: all tags and keys follow from the card with it."""
    from_day: int
    """First day of validity, in days since 1970-01-01, Vietnam's time …"""
    to_day: int
    """… and the first day after."""
    stay_minutes: int = 0
    """How long a visit is taken to last; 0: as for its kind."""
    register_key: bytes | None = None
    """X25519 public key of the place, 32 bytes; where a register of names is required, only."""
    room: str = ""
    flags: CardFlag = NO_FLAGS
    edition: int = 1
    """Of the list of communes: 1 before 1 July 2025, 2 since."""
    address: str = ""
    hours: tuple[int, int] | None = None
    """Opening and closing, in minutes of the day; closing at or before opening is past midnight."""

    @property
    def stay(self) -> timedelta:
        """How long a visit is taken to last where nothing tells its end."""
        return timedelta(minutes=self.stay_minutes or RULES[self.kind].stay_minutes)

    def valid_at(self, at: datetime) -> bool:
        return self.from_day <= day_number(at) < self.to_day

    def encoded(self) -> bytes:
        """Return the payload P that is signed, hashed and derived from."""
        fields: dict[int, object] = {
            1: _VERSION,
            2: self.venue_id,
            3: self.name,
            4: self.commune,
            5: int(self.kind),
            6: self.seed,
            7: self.stay_minutes,
            8: [self.from_day, self.to_day],
            9: self.register_key,
            10: self.room or None,
            11: int(self.flags),
            12: self.edition if self.edition != 1 else None,
            13: self.address or None,
            14: list(self.hours) if self.hours else None,
        }
        # The draft's example writes edition 1 out; both are one card's worth, so `read_card`
        # takes either, and everything is derived from the bytes as they were signed.
        return encode({number: value for number, value in fields.items() if value is not None})


@dataclass(frozen=True, slots=True)
class SignedCard:
    """A card as it was signed, not yet believed."""

    card: Card
    cose: bytes = field(repr=False)
    """The COSE_Sign1 whole: what posters carry."""
    payload: bytes = field(repr=False)
    """P, as it was signed: everything is derived from these bytes."""
    key_id: bytes
    """Of the registrar's key."""

    @property
    def location_id(self) -> bytes:
        """32 bytes that name this very card."""
        return sha256(b"VNP1-LOC" + self.payload).digest()

    @property
    def spoken_code(self) -> str:
        """Six letters and digits, to tell a genuine poster by and to say over a telephone."""
        return b32encode(sha256(self.payload).digest()[:4]).decode()[:SPOKEN_CHARACTERS]


def day_number(at: datetime) -> int:
    """Return the day of *at* in Vietnam, in days since 1970-01-01."""
    return int((at.timestamp() + VIETNAM.utcoffset(None).total_seconds()) // _DAY)


def check_line(text: str, limit: int, what: str) -> str:
    """Return *text* where it is one line of at most *limit* bytes of UTF-8, in NFC.

    Raises:
        BadInput: reason ``text_malformed``: empty, too long, another normal form, or with
            characters that are not seen, break a line or turn the direction of writing.
    """
    # In this order: what is too long is not looked at further, and a lone surrogate (category Cs)
    # has no bytes to count.
    if (
        0 < len(text) <= limit
        and not any(
            each in _BLANKS or unicodedata.category(each).startswith(_UNSEEN)
            for each in text
            if each != " "
        )
        and len(text.encode()) <= limit
        and text == unicodedata.normalize("NFC", text).strip()
    ):
        return text
    raise BadInput(
        f"The {what} is not one line of 1 to {limit} bytes in Unicode's composed form (NFC).",
        reason="text_malformed",
    )


def read_card(cose: bytes) -> SignedCard:
    """Take a signed card apart; its signature is looked at by `trust.accept_card`.

    Raises:
        BadInput: reason ``card_oversized``, ``card_malformed``, ``card_version``, or one of
            `crypto.cose.read_signed` or `check_line`.
    """
    if len(cose) > MAX_CARD_BYTES:
        raise BadInput("It is longer than any venue card.", reason="card_oversized")
    signed = read_signed(cose)
    return SignedCard(_card_of(decode_map(signed.payload)), cose, signed.payload, signed.key_id)


def _card_of(fields: dict[int, Any]) -> Card:
    version = fields.get(1)
    if type(version) is int and version > _VERSION:
        raise BadInput(
            "The card is of a version that this program does not know.",
            reason="card_version",
            hint="update bluezone-node",
        )
    match fields:
        case {
            1: int(),
            2: bytes(venue_id),
            3: str(name),
            4: int(commune),
            5: int(kind),
            6: bytes(seed),
            7: int(stay),
            8: [int(from_day), int(to_day)],
        }:
            rest = {key: value for key, value in fields.items() if not 1 <= key <= 8}
        case _:
            raise _malformed()
    register_key: bytes | None = None
    match rest:
        case {9: bytes(register_key)} if len(register_key) == PUBLIC_KEY_BYTES:
            del rest[9]
    hours: tuple[int, int] | None = None
    match rest:
        case {14: [int(opens), int(closes)]} if 0 <= opens < 1440 and 0 <= closes <= 1440:
            hours = (opens, closes)
            del rest[14]
    room, address = rest.pop(10, ""), rest.pop(13, "")
    flags, edition = rest.pop(11, 0), rest.pop(12, 1)
    numbers = (version, commune, kind, stay, from_day, to_day, flags, edition, *(hours or ()))
    sound = (
        not rest
        and all(type(number) is int for number in numbers)
        and version == _VERSION
        and isinstance(room, str)
        and isinstance(address, str)
        and len(venue_id) == VENUE_ID_BYTES
        and len(seed) == SEED_BYTES
        and 0 <= commune < 100_000
        and kind in {*VenueKind}
        and (stay == 0 or MIN_STAY <= stay <= MAX_STAY)
        and 0 <= from_day < to_day < 2**17
        and 0 <= flags <= _KNOWN_FLAGS
        and edition in (1, 2)
        and bool(flags & CardFlag.REGISTER_REQUIRED) <= (register_key is not None)
    )
    if not sound:
        raise _malformed()
    check_line(name, MAX_NAME_BYTES, "name")
    if 10 in fields:
        check_line(room, MAX_ROOM_BYTES, "room")
    if 13 in fields:
        check_line(address, MAX_ADDRESS_BYTES, "address")
    return Card(
        venue_id,
        name,
        commune,
        VenueKind(kind),
        seed,
        from_day,
        to_day,
        stay,
        register_key,
        room,
        CardFlag(flags),
        edition,
        address,
        hours,
    )


def _malformed() -> BadInput:
    return BadInput("What was signed is no venue card.", reason="card_malformed")
