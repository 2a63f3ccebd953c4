"""The register of names, as the authority knows it: keys of its days, and warrants."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


class DayKeyStore(Protocol):
    """The keys that contacts are sealed to, one a day. Every method blocks.

    They are kept where no backup reaches: what is destroyed here is gone.
    """

    def public(self) -> Mapping[int, bytes]:
        """Return the X25519 public keys (32 bytes) that there are, by day since 1970."""

    def make(self, day: int) -> None:
        """Make the key of *day*; nothing where there is one."""

    def private(self, key_id: bytes) -> bytes | None:
        """Return the 32 bytes of the private key whose public one has that name; None: gone."""

    def destroy(self, day: int) -> None:
        """Erase the key of *day* beyond recovery; nothing where there is none."""


@dataclass(frozen=True, slots=True)
class StoredWarrant:
    """A warrant and what became of it. The fields are the columns, in order."""

    warrant_id: bytes
    """16 bytes."""
    venue_id: bytes
    realm: str
    start: datetime
    end: datetime
    """Visitors who came in [start, end)."""
    issued: datetime
    expires: datetime
    requested: bytes = field(repr=False)
    """What the first person signed."""
    requested_by: str
    approved: bytes | None = field(repr=False)
    """What the second one did; None: not yet."""
    approved_by: str


@dataclass(frozen=True, slots=True)
class AnswerPart:
    """Some of what one kiosk of the place sent. The fields are the columns, in order."""

    warrant_id: bytes
    room: str
    """Of the kiosk; empty: the whole place."""
    part: int
    """From 0."""
    last: bool
    """With it the kiosk has answered."""
    received: datetime
    rows: int
    released: bytes | None = field(repr=False)
    """They, sealed to the key of their day still; None: erased."""
    untold: bytes | None = field(default=None, repr=False)
    """The ids of these rows, one after the other, until a bundle has told their visitors."""


class WarrantStore(Protocol):
    """The registrar's warrants. Every method is one transaction, and blocks."""

    def add(self, warrant: StoredWarrant) -> bool:
        """Keep a new one; False: it is there already."""

    def find(self, warrant_id: bytes) -> StoredWarrant | None: ...

    def all(self, realms: Collection[str] | None = None) -> list[StoredWarrant]:
        """Return the warrants of these realms (None: of all), newest first."""

    def approve(self, warrant_id: bytes, approved: bytes, by: str) -> bool:
        """Keep the second signature; False: it has one."""

    def waiting(self, venue_id: bytes, room: str, now: datetime) -> list[StoredWarrant]:
        """Return the approved ones in force that the kiosk of that room has not answered."""

    def add_part(self, part: AnswerPart) -> bool:
        """Keep what a kiosk sent; False: that part is there already."""

    def parts(self, warrant_id: bytes) -> list[AnswerPart]:
        """Return what came, by room and in order."""

    def erase(self, expired: datetime) -> int:
        """Erase what came for warrants that expired by then; return how many parts that were."""
