"""What follows from a card: a tag for each quarter of an hour, and the keys of its notices.

The tag is what a visitor's device keeps and a notice lists.  Nobody without the card can tell
which place a tag is of, or that two tags are of one place.
"""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bluezone_node.intervals import from_unix, to_unix

SLOT_SECONDS = 900
TAG_BYTES = 16
AIR_TAG_BYTES = 12
"""Of a tag, on the air and in look-ups: 96 bits do not meet by chance; the rest of a frame is
needed for the key of the slot."""
SLOT_KEY_BYTES = 10

PROOF_SECONDS = 300
PROOF_BYTES = 8


@dataclass(frozen=True, slots=True)
class VenueKeys:
    """The two keys of a card."""

    slot: bytes = field(repr=False)
    """32 bytes; makes the tags."""
    note: bytes = field(repr=False)
    """32 bytes; opens the notices."""


@dataclass(frozen=True, slots=True)
class AirTag:
    """What a node at a place sends for one slot."""

    tag: bytes = field(repr=False)
    """The first 12 bytes of the slot's tag."""
    slot_key: bytes = field(repr=False)
    """10 bytes: unlock the notices that list this slot."""


def venue_keys(payload: bytes) -> VenueKeys:
    """Return the keys of the card whose signed bytes are *payload*."""
    both = HKDF(SHA256(), 64, b"", b"VNP1").derive(payload)
    return VenueKeys(both[:32], both[32:])


def slot_of(at: datetime) -> int:
    """Return the number of the quarter of an hour of *at*, since 1970."""
    return to_unix(at) // SLOT_SECONDS


def slots_between(start: datetime, end: datetime) -> range:
    """Return the slots that [start, end) touches; at least that of *start*."""
    # Rounded up: half a second of a slot touches it.
    last = (ceil(end.timestamp()) - 1) // SLOT_SECONDS
    return range(slot_of(start), max(last, slot_of(start)) + 1)


def start_of(slot: int) -> datetime:
    """Return the first instant of *slot*."""
    return from_unix(slot * SLOT_SECONDS)


def tag_of(keys: VenueKeys, slot: int) -> bytes:
    """Return the 16 bytes that stand for the place in *slot*."""
    return hmac.digest(keys.slot, slot.to_bytes(4), "sha256")[:TAG_BYTES]


def tags_of(keys: VenueKeys, slots: Iterable[int]) -> list[bytes]:
    """Return the tags of *slots*, in their order."""
    key, digest = keys.slot, hmac.digest
    return [digest(key, slot.to_bytes(4), "sha256")[:TAG_BYTES] for slot in slots]


def slot_key_of(note_key: bytes, slot: int) -> bytes:
    """Return the 10 bytes that unlock notices about *slot*: sent beside its tag."""
    return hmac.digest(note_key, b"VNP1-SLOT" + slot.to_bytes(4), "sha256")[:SLOT_KEY_BYTES]


def air_tag_of(keys: VenueKeys, slot: int) -> AirTag:
    """Return what a node at the place sends in *slot*."""
    return AirTag(tag_of(keys, slot)[:AIR_TAG_BYTES], slot_key_of(keys.note, slot))


# Proof of presence: a code on a kiosk's screen that is another every five minutes.


def proof_day_key(kiosk_key: bytes, day: int) -> bytes:
    """Return the key of the proofs of one *day* (days since 1970, Vietnam's time).

    The authority knows it too, and a notice tells it afterwards: then a device can check the proof
    that it kept, and nobody can make one for a time to come.
    """
    return hmac.digest(kiosk_key, b"VNP1-DAY" + day.to_bytes(4), "sha256")


def proof_of(day_key: bytes, step: int) -> bytes:
    """Return the 8 bytes on the screen during *step* (five minutes since 1970)."""
    return hmac.digest(day_key, step.to_bytes(4), "sha256")[:PROOF_BYTES]


def step_of(at: datetime) -> int:
    """Return the five minutes of *at*, since 1970."""
    return to_unix(at) // PROOF_SECONDS
