"""The log of a kiosk: every opening of its register, each entry chained to the one before.

An entry holds the warrant itself, with both signatures: the place can show who asked for what, by
which law, without asking anybody.  It names no visitor.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from bluezone_node.crypto.cose import decode, encode, read_signed
from bluezone_node.intervals import to_unix
from bluezone_node.venues.warrant import Warrant, words_of

OPENING_RETENTION = timedelta(days=730)
"""How long an entry is kept: as long as the registrar keeps its own trail (`registrar.audit_days`),
so that the two can be laid beside each other for all that either of them has."""

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
    before: bytes = field(repr=False)
    """Digest of that entry, which may be erased by now."""

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
    at, known = at.replace(microsecond=0), before.digest if before else GENESIS
    return Opening(number, at, file, rows, _digest(known, number, at, file, rows), known)


def first_broken(openings: Iterable[Opening]) -> int | None:
    """Return the number of the first entry that is not the one that was written; None: all are.

    The first one may be any, since those before it are erased in time.  What was cut off at either
    end is not seen here: the authority's own trail has it.
    """
    last: Opening | None = None
    for each in openings:
        number = last.number + 1 if last else each.number
        known = last.digest if last else GENESIS if number == 1 else each.before
        digest = _digest(known, number, each.at, each.file, each.rows)
        if (each.number, each.before, each.digest) != (number, known, digest):
            return number
        last = each
    return None


def _digest(before: bytes, number: int, at: datetime, file: bytes, rows: int) -> bytes:
    entry = encode([before, number, to_unix(at), file, rows])
    return sha256(b"VNP1-OPENING" + entry).digest()
