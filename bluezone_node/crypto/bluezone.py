"""Bluezone's own schedule of identifiers (v2, May 2020 to its end): recognised, never sent.

A chain of plain SHA-256: every day's key is the hash of the day before, every sub key of a day the
hash of the one before, and an identifier is 12 picked bytes of a sub key.  Whoever holds one day's
key therefore holds all later days too; that is why nodes do not use it, only match it.
Source: facts read from the two published applications; checked against captured packets.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256

DAY_KEY_BYTES = 32
DAY_SECONDS = 86_400
"""A Bluezone day begins at 00:00 UTC, which is 07:00 in Vietnam."""
SLOTS_PER_DAY = 96
"""Identifiers a day. The server could change it, so a day key comes with its number."""

_SALT = b"bluzonesubkey"  # sic: the applications leave out an e
_PICKED = (0, 4, 8, 12, 16, 18, 20, 22, 24, 26, 28, 30)


@dataclass(frozen=True, slots=True)
class SlotIdentifier:
    """An identifier and the slot of the day in which it is on the air."""

    slot: int
    """0..slots_per_day − 1."""
    start: float
    """Unix seconds at which the slot begins; whole where slots_per_day divides the day."""
    identifier: bytes = field(repr=False)
    """12 bytes."""


def day_key_after(base: bytes, days: int) -> bytes:
    """Return the key of the day that lies *days* (≥ 0) after the day of *base*."""
    key = base
    for _ in range(days):
        key = sha256(key).digest()
    return key


def slot_at(unix: float, day_start: int, slots_per_day: int = SLOTS_PER_DAY) -> int:
    """Return the slot that the instant *unix* falls in, of the day that began at *day_start*.

    Counted in whole milliseconds as the applications do; the rest of a day that its number of
    slots does not divide belongs to the last slot.
    """
    slot_ms = DAY_SECONDS * 1000 // slots_per_day
    return min(int((unix - day_start) * 1000) // slot_ms, slots_per_day - 1)


def identifiers(
    day_key: bytes, day_start: int, slots_per_day: int = SLOTS_PER_DAY
) -> list[SlotIdentifier]:
    """Return all identifiers of the day of *day_key*, which began at *day_start* (Unix seconds).

    Raises:
        ValueError: a key that is not 32 bytes, or a number of slots that is not 1..86400.
    """
    if len(day_key) != DAY_KEY_BYTES:
        raise ValueError("a Bluezone day key has 32 bytes")
    if not 1 <= slots_per_day <= DAY_SECONDS:
        raise ValueError("a Bluezone day has 1 to 86400 slots")
    step = DAY_SECONDS / slots_per_day
    sub_key = sha256(day_key + _SALT).digest()
    slots = []
    for slot in range(slots_per_day):
        picked = bytes(sub_key[offset] for offset in _PICKED)
        slots.append(SlotIdentifier(slot, day_start + slot * step, picked))
        sub_key = sha256(sub_key).digest()
    return slots


def identifiers_between(
    day_key: bytes, time_start: int, time_end: int, slots_per_day: int = SLOTS_PER_DAY
) -> Iterator[SlotIdentifier]:
    """Yield the identifiers from *time_start*, where slot 0 of *day_key* begins, to *time_end*.

    Both in Unix seconds; a slot that begins exactly at *time_end* is the last.  The chain is
    followed into the days after, as the applications follow the keys pushed to them.
    """
    while time_start <= time_end:
        for slot in identifiers(day_key, time_start, slots_per_day):
            if slot.start > time_end:
                return
            yield slot
        day_key = day_key_after(day_key, 1)
        time_start += DAY_SECONDS
