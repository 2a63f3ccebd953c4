"""Sealing a notice: one part for the visitors of each card that hung there at the time."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta

from bluezone_node.authority.ports.notices import NoticePart, StoredNotice
from bluezone_node.authority.ports.venues import VenueCardRow
from bluezone_node.crypto.cose import encode
from bluezone_node.ports import Entropy
from bluezone_node.venues.card import day_number
from bluezone_node.venues.notices import (
    MAX_PROOF_KEYS,
    NOTICE_ID_BYTES,
    Advice,
    NoticeLevel,
    NoticeText,
    seal_notice,
)
from bluezone_node.venues.tags import proof_day_key


def sealed_parts(
    notice: StoredNotice,
    cards: Iterable[VenueCardRow],
    kiosk_keys: Callable[[str], list[bytes]],
    entropy: Entropy,
) -> list[NoticePart]:
    """Return *notice* for the visitors of each of *cards*, all with the whole window.

    Somebody who came by a poster that was changed meanwhile stayed on under it.
    *kiosk_keys*: returns what the proofs of a room's kiosks follow from.
    """
    text = NoticeText(
        notice.start,
        notice.until,
        NoticeLevel(notice.level),
        Advice(notice.advice),
        notice.issued,
        notice.expires,
        notice.min_overlap,
        notice.phone,
        notice.texts,
    )
    parts = []
    for card in cards:
        whole = replace(text, proof_keys=_day_keys(notice, kiosk_keys(card.room)))
        notice_id = entropy(NOTICE_ID_BYTES)
        sealed = seal_notice(card.signed.payload, whole, notice_id, entropy)
        location = card.signed.location_id
        parts.append(NoticePart(notice_id, notice.number, location, encode(sealed.fields())))
    return parts


def _day_keys(notice: StoredNotice, keys: list[bytes]) -> dict[int, tuple[bytes, ...]]:
    if not keys:
        return {}
    last = notice.until - timedelta(seconds=1)
    days = range(day_number(notice.start), day_number(last) + 1)
    # Of more kiosks in one room the proofs show nothing: their visitors are told all the same.
    some = keys[: MAX_PROOF_KEYS // len(days)]
    return {day: tuple(proof_day_key(key, day) for key in some) for day in days}
