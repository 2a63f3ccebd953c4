"""The log of a kiosk: every opening of its register, each entry chained to the one before.

An entry holds the warrant itself, with both signatures: the place can show who asked for what, by
which law, without asking anybody.  It names no visitor.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from bluezone_node.crypto.cose import decode, encode, read_signed
from bluezone_node.venues.warrant import Warrant, words_of

GENESIS = sha256(b"VNP1-OPENINGS").digest()
"""Stands for the entry before the first."""


@dataclass(frozen=True, slots=True)
class Opening:
    """One opening."""

    number: int
    """From 1."""
    at: datetime
    file: bytes = field(repr=False)
    """The warrant, as it came."""
    rows: int
    """How many were released."""
    digest: bytes = field(repr=False)
    """32 bytes, over all this and the entry before."""

    @property
    def warrant(self) -> Warrant:
        """What the two people signed."""
        return words_of(decode(self.file)[0])

    @property
    def signers(self) -> list[str]:
        """Names of their keys, in hexadecimal."""
        return [read_signed(part).key_id.hex() for part in decode(self.file)]


def link(before: Opening | None, at: datetime, file: bytes, rows: int) -> Opening:
    """Return the entry that follows *before*."""
    number = before.number + 1 if before else 1
    at = at.replace(microsecond=0)
    digest = _digest(before.digest if before else GENESIS, number, at, file, rows)
    return Opening(number, at, file, rows, digest)


def first_broken(openings: Iterable[Opening]) -> int | None:
    """Return the number of the first entry that is not the one that was written; None: all are.

    What was cut off at the end is not seen here: the authority's own trail has it.
    """
    digest = GENESIS
    for number, opening in enumerate(openings, 1):
        digest = _digest(digest, number, opening.at, opening.file, opening.rows)
        if opening.number != number or opening.digest != digest:
            return number
    return None


def _digest(before: bytes, number: int, at: datetime, file: bytes, rows: int) -> bytes:
    entry = encode([before, number, int(at.timestamp()), file, rows])
    return sha256(b"VNP1-OPENING" + entry).digest()
