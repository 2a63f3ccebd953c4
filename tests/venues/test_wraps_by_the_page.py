"""The wraps of a notice, made as docs/protocol-places.md says, beside those of the code."""

import hmac

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bluezone_node.venues.notices import seal_notice
from bluezone_node.venues.tags import slot_of
from tests.venues.places import card_of, seeded, text_of

NID = bytes(range(16))


def test_each_slots_wrap_is_the_pages() -> None:
    """For six quarters of an hour: another program finds them, and opens the notice with them."""
    card, text = card_of(), text_of()
    notice = seal_notice(card.payload, text, NID, seeded())
    both = HKDF(SHA256(), 64, b"", b"VNP1").derive(card.payload)
    k_slot, k_note = both[:32], both[32:]
    key = HKDF(SHA256(), 32, NID, b"VNP1-NOTE").derive(k_note)
    first = slot_of(text.start)
    for slot in range(first, first + 6):
        tag = hmac.digest(k_slot, slot.to_bytes(4), "sha256")[:16]
        slot_key = hmac.digest(k_note, b"VNP1-SLOT" + slot.to_bytes(4), "sha256")[:10]
        mask = hmac.digest(slot_key, b"VNP1-WRAP" + NID + tag, "sha256")
        wrap = notice.wraps[notice.tags.index(tag)]
        assert bytes(a ^ b for a, b in zip(wrap, mask, strict=True)) == key
