"""The QR code: the address in bytes, the card in digits.

Digits take 3⅓ bits each in a segment of their own, against 8 in one of bytes: the same card
written in bytes would need a square larger by half.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import segno

QUIET_MODULES = 4
"""White on each side: ISO/IEC 18004 asks for four."""

_LONG_NUMBER = re.compile(r"([0-9]{16,})")
"""Shorter numbers are not worth the 14 bits and more that a new segment opens with."""

_DARK = re.compile(rb"\x01+")


@dataclass(frozen=True, slots=True)
class Square:
    """A QR code as rows of modules."""

    rows: tuple[bytes, ...] = field(repr=False)
    """One byte a module: 1 is dark."""
    version: int
    level: str

    @property
    def modules(self) -> int:
        """Return how many there are along a side."""
        return len(self.rows)


def square_of(text: str, level: Literal["L", "M", "Q", "H"] = "M") -> Square:
    """Return the smallest QR code of *text* (ASCII) with at least the error correction *level*."""
    parts = [part for part in _LONG_NUMBER.split(text) if part]
    # A list gives a segment for each part, which segno's stubs do not know. A higher level that
    # fits the same version costs nothing: segno takes it.
    made = segno.make_qr(parts, error=level)  # type: ignore[arg-type]
    return Square(tuple(bytes(row) for row in made.matrix), int(made.version), made.error)


def runs(row: bytes) -> Iterator[tuple[int, int]]:
    """Yield the dark stretches of a row: where each starts, and its length, in modules."""
    for dark in _DARK.finditer(row):
        yield dark.start(), len(dark[0])
