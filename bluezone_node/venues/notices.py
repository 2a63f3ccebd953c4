"""Outbreak notices: sealed so that only those who were there can read them.

Everyone downloads every notice.  What is readable is a list of tags, some of them made up; whose
device was there has one of the tags, and with it the key of the slot: it follows from the card
that was scanned, or was heard over Bluetooth.  Bytes: docs/protocol-places.md, "Notices".
"""

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bluezone_node.crypto.cose import are_bytes, are_whole, decode_padded_map, encode
from bluezone_node.errors import BadInput
from bluezone_node.intervals import from_unix, to_unix
from bluezone_node.venues.tags import (
    AIR_TAG_BYTES,
    TAG_BYTES,
    slot_key_of,
    slots_between,
    tags_of,
    venue_keys,
)

Entropy = Callable[[int], bytes]
"""Returns that many random bytes."""

NOTICE_ID_BYTES = 16
NONCE_BYTES = 12
WRAP_BYTES = 32
LONGEST_WINDOW = timedelta(hours=24)
"""Of one notice: a day and its tail; longer is told as several, or was typed wrongly."""
TAG_COUNTS = (16, 32, 64, 128)
"""Tags are filled up to one of these: almost every case and its tail fit into four hours …"""
TEXT_SIZES = (256, 512, 1024, 2048, 4080)
"""… and what is sealed to one of these bytes. In finer steps the number of a place's kiosks, of
which each has a key in the text, would tell everybody which place it is."""
SEAL_BYTES = 16
"""That sealing adds."""
USUAL = TAG_COUNTS[0], TEXT_SIZES[0] + SEAL_BYTES
"""Shape of most notices, and of those made up for a bundle without any."""
MAX_TEXT_BYTES = 400
"""Of what an officer adds in one language: an SMS and a half."""
MAX_SEALED_BYTES = 4096
MAX_PROOF_KEYS = 64
"""In one notice: 32 kiosks in one room, and a window over midnight. 2.2 kB."""
MAX_TAGS = 128
MAX_OVERLAP_MINUTES = 1440
"""More than a window has would be nobody; far more is no length of time at all."""


class NoticeLevel(IntEnum):
    """How serious: what the health authority takes those for who were there."""

    INFORM = 1
    MONITOR = 2
    CONTACT = 3
    """F1."""


class Advice(IntEnum):
    """What to do; the sentences are data of whoever tells it."""

    NONE = 0
    WATCH = 1
    """Watch one's health."""
    TEST = 2
    """Get tested."""
    STAY_HOME = 3
    """Stay at home and call."""


@dataclass(frozen=True, slots=True)
class NoticeText:
    """What a notice says to those who were there."""

    start: datetime
    end: datetime
    """The place counts as infectious in [start, end), its air tail included. Whole seconds."""
    level: NoticeLevel
    advice: Advice
    issued: datetime
    expires: datetime
    """From then on nobody is told any more."""
    min_overlap: int = 0
    """Minutes that somebody must have been there; 0: any."""
    phone: str = ""
    texts: Mapping[str, str] = field(default_factory=dict)
    """What the officer adds, by language: vi, en."""
    proof_keys: Mapping[int, tuple[bytes, ...]] = field(default_factory=dict, repr=False)
    """By day (days since 1970 in Vietnam): what the proofs of that day are checked with, a key for
    each kiosk. A proof of a time since *issued* shows nothing: who reads this can make it."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice as everybody sees it."""

    notice_id: bytes
    """16 random bytes."""
    tags: tuple[bytes, ...] = field(repr=False)
    nonce: bytes = field(repr=False)
    sealed: bytes = field(repr=False)
    wraps: tuple[bytes, ...] = field(repr=False)
    """For each tag the notice's key under the key of the slot."""

    @property
    def shape(self) -> tuple[int, int]:
        """All by which it differs from others to who cannot open it: tags, bytes sealed."""
        return len(self.tags), len(self.sealed)

    def fields(self) -> dict[int, object]:
        """Return the map that stands in a bundle."""
        return {
            1: self.notice_id,
            2: list(self.tags),
            3: self.nonce,
            4: self.sealed,
            5: list(self.wraps),
        }


def seal_notice(payload: bytes, text: NoticeText, notice_id: bytes, entropy: Entropy) -> Notice:
    """Return the notice of *text* for visitors of the card whose signed bytes are *payload*.

    Raises:
        BadInput: reason ``notice_window`` (empty, or longer than a day) or ``notice_text``.
        ValueError: there are more proof keys than a notice holds.
    """
    if sum(map(len, text.proof_keys.values())) > MAX_PROOF_KEYS:
        raise ValueError(f"a notice holds at most {MAX_PROOF_KEYS} proof keys")
    if not timedelta(0) < text.end - text.start <= LONGEST_WINDOW:
        raise BadInput("The window of a notice lasts up to 24 hours.", reason="notice_window")
    keys = venue_keys(payload)
    key, nonce = _notice_key(keys.note, notice_id), entropy(NONCE_BYTES)
    slots = slots_between(text.start, text.end)
    pairs = [
        (tag, _wrapped(key, slot_key_of(keys.note, slot), notice_id, tag))
        for slot, tag in zip(slots, tags_of(keys, slots), strict=True)
    ]
    missing = _filled(len(pairs), TAG_COUNTS) - len(pairs)
    pairs += [(entropy(TAG_BYTES), entropy(WRAP_BYTES)) for _ in range(missing)]
    # By value: random bytes in their order tell nothing of the order in time.
    pairs.sort()
    tags = tuple(tag for tag, _ in pairs)
    sealed = ChaCha20Poly1305(key).encrypt(nonce, _plain(text), _bound(notice_id, tags))
    return Notice(notice_id, tags, nonce, sealed, tuple(wrap for _, wrap in pairs))


def dummy_notice(shape: tuple[int, int], entropy: Entropy) -> Notice:
    """Return a notice that nobody can open, of that outside: see `Notice.shape`."""
    tags, sealed = shape
    return Notice(
        entropy(NOTICE_ID_BYTES),
        tuple(sorted(entropy(TAG_BYTES) for _ in range(tags))),
        entropy(NONCE_BYTES),
        entropy(sealed),
        tuple(entropy(WRAP_BYTES) for _ in range(tags)),
    )


def open_with_slot(notice: Notice, air_tag: bytes, slot_key: bytes) -> NoticeText | None:
    """Return what *notice* says to who heard the 12 bytes *air_tag* with its slot's key."""
    for tag, wrap in zip(notice.tags, notice.wraps, strict=True):
        if tag[:AIR_TAG_BYTES] == air_tag:
            return _opened(notice, _wrapped(wrap, slot_key, notice.notice_id, tag))
    return None


def read_notice(fields: Any) -> Notice:
    """Return the notice that the map *fields* of a bundle is.

    Raises:
        BadInput: reason ``notice_malformed``.
    """
    match fields:
        case {
            1: bytes(notice_id),
            2: list(tags),
            3: bytes(nonce),
            4: bytes(sealed),
            5: list(wraps),
            **rest,
        } if (
            not rest
            and len(notice_id) == NOTICE_ID_BYTES
            and 0 < len(tags) <= MAX_TAGS
            and are_bytes(tags, TAG_BYTES)
            and len(nonce) == NONCE_BYTES
            and SEAL_BYTES < len(sealed) <= MAX_SEALED_BYTES
            and len(wraps) == len(tags)
            and are_bytes(wraps, WRAP_BYTES)
        ):
            return Notice(notice_id, tuple(tags), nonce, sealed, tuple(wraps))
    raise BadInput("A notice in the bundle is malformed.", reason="notice_malformed")


def _notice_key(note_key: bytes, notice_id: bytes) -> bytes:
    return HKDF(SHA256(), 32, notice_id, b"VNP1-NOTE").derive(note_key)


def _wrapped(key: bytes, slot_key: bytes, notice_id: bytes, tag: bytes) -> bytes:
    """Return *key* locked under the key of a slot; or unlocked again, which is the same."""
    mask = hmac.digest(slot_key, b"VNP1-WRAP" + notice_id + tag, "sha256")
    return bytes(a ^ b for a, b in zip(key, mask, strict=True))


def _bound(notice_id: bytes, tags: Sequence[bytes]) -> bytes:
    """Return what the seal also vouches for."""
    return notice_id + sha256(b"".join(sorted(tags))).digest()


def _opened(notice: Notice, key: bytes) -> NoticeText | None:
    try:
        plain = ChaCha20Poly1305(key).decrypt(
            notice.nonce, notice.sealed, _bound(notice.notice_id, notice.tags)
        )
        return _text_of(plain)
    except (InvalidTag, BadInput):
        return None


def _plain(text: NoticeText) -> bytes:
    for language, words in text.texts.items():
        if language not in ("vi", "en") or len(words.encode()) > MAX_TEXT_BYTES:
            raise BadInput(
                f"A text of a notice is in vi or en, and at most {MAX_TEXT_BYTES} bytes long.",
                reason="notice_text",
            )
    fields: dict[int, object] = {
        1: to_unix(text.start),
        2: to_unix(text.end),
        3: int(text.level),
        4: int(text.advice),
        5: text.min_overlap,
        6: text.phone,
        7: to_unix(text.issued),
        8: to_unix(text.expires),
    }
    if text.texts:
        fields[9] = dict(text.texts)
    if text.proof_keys:
        fields[10] = {day: list(keys) for day, keys in text.proof_keys.items()}
    plain = encode(fields)
    return plain.ljust(_filled(len(plain), TEXT_SIZES), b"\0")


def _filled(length: int, sizes: Sequence[int]) -> int:
    return next(size for size in sizes if size >= length)


def _text_of(plain: bytes) -> NoticeText:
    fields = decode_padded_map(plain)
    match fields:
        case {
            1: int(start),
            2: int(end),
            3: int(level),
            4: int(advice),
            5: int(overlap),
            6: str(phone),
            7: int(issued),
            8: int(expires),
            **rest,
        } if (
            are_whole(start, end, level, advice, overlap, issued, expires)
            and level in {*NoticeLevel}
            and 0 <= start < end < 2**32
            and 0 <= overlap <= MAX_OVERLAP_MINUTES
            and not rest.keys() - {9, 10}
        ):
            texts, proofs = rest.get(9, {}), rest.get(10, {})
            if not (_is_map(texts, str, str) and _is_map(proofs, int, list)):
                raise _malformed()
            if not all(type(key) is bytes for keys in proofs.values() for key in keys):
                raise _malformed()
            return NoticeText(
                from_unix(start),
                from_unix(end),
                NoticeLevel(level),
                # A later list of advice may be longer: the level still stands.
                Advice(advice) if advice in {*Advice} else Advice.NONE,
                from_unix(min(max(issued, 0), 2**32)),
                from_unix(min(max(expires, 0), 2**32)),
                overlap,
                phone,
                texts,
                {day: tuple(keys) for day, keys in proofs.items()},
            )
    raise _malformed()


def _is_map(value: object, keys: type, values: type) -> bool:
    return isinstance(value, dict) and all(
        type(key) is keys and type(each) is values for key, each in value.items()
    )


def _malformed() -> BadInput:
    return BadInput("What was sealed is no notice.", reason="notice_malformed")
