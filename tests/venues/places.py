"""A place, its keys and those of its authority, for the tests of what is signed and sealed."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from bluezone_node.crypto.cose import encode, public_bytes, sign
from bluezone_node.venues import notices
from bluezone_node.venues.card import Card, SignedCard, day_number, read_card
from bluezone_node.venues.kinds import VenueKind
from bluezone_node.venues.notices import Advice, Entropy, Notice, NoticeLevel, NoticeText
from bluezone_node.venues.trust import Role, TrustedKey, TrustList

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)

ROOT = Ed25519PrivateKey.from_private_bytes(b"root" * 8)
CARDS = Ed25519PrivateKey.from_private_bytes(b"card" * 8)
NOTICES = Ed25519PrivateKey.from_private_bytes(b"note" * 8)
STRANGER = Ed25519PrivateKey.from_private_bytes(b"else" * 8)


def seeded(seed: int = 0) -> Entropy:
    """Return random bytes that are the same in every run."""
    return random.Random(seed).randbytes


def trusted(key: Ed25519PrivateKey, role: Role, province: str = "VN", days: int = 30) -> TrustedKey:
    """Return an entry of the list: valid from *days* ago to in *days*."""
    around = timedelta(days=days)
    return TrustedKey(public_bytes(key), role, province, NOW - around, NOW + around)


TRUST = TrustList(7, NOW, (trusted(CARDS, Role.CARDS), trusted(NOTICES, Role.NOTICES)))


def card_of(name: str = "Chợ Hôm", seed: int = 1, key: Ed25519PrivateKey = CARDS) -> SignedCard:
    """Return the signed card of a market."""
    entropy, today = seeded(seed), day_number(NOW)
    card = Card(entropy(16), name, 4, VenueKind.MARKET, entropy(16), today - 30, today + 30)
    return read_card(sign(card.encoded(), key))


def text_of(start: datetime = NOW, minutes: int = 90) -> NoticeText:
    """Return what a notice says: stay at home, for those who were there that long."""
    return NoticeText(
        start,
        start + timedelta(minutes=minutes),
        NoticeLevel.CONTACT,
        Advice.STAY_HOME,
        NOW + timedelta(days=1),
        NOW + timedelta(days=15),
        15,
        "19009095",
        {"vi": "Gọi trạm y tế phường.", "en": "Call the health station."},
        {day_number(NOW): (bytes(range(32)),)},
    )


def open_with_card(notice: Notice, note_key: bytes) -> NoticeText | None:
    """Return what *notice* says by the protocol's definition of its key, past tags and wraps."""
    return notices._opened(notice, notices._notice_key(note_key, notice.notice_id))


def resealed(notice: Notice, note_key: bytes, fields: object) -> Notice:
    """Return *notice* with *fields* in its seal: what an authority with another program says."""
    key = notices._notice_key(note_key, notice.notice_id)
    vouched = notices._bound(notice.notice_id, notice.tags)
    sealed = ChaCha20Poly1305(key).encrypt(notice.nonce, encode(fields), vouched)
    return replace(notice, sealed=sealed)
