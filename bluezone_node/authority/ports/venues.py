"""Places in the registry: venues, their cards, their kiosks, and claims that wait for a code."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bluezone_node.venues.card import SignedCard
from bluezone_node.venues.names import composed, folded
from bluezone_node.venues.trust import TrustList

HANGS_ON = timedelta(days=7)
"""A poster hangs on after its card was withdrawn, and is scanned by who was not told yet: so long
the card still gets the notices of its place."""


class VenueState(StrEnum):
    """How far a place has come."""

    CLAIMED = "claimed"
    """Somebody registered it; an officer has yet to look."""
    APPROVED = "approved"
    REJECTED = "rejected"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Venue:
    """A place. The fields are the first columns of its table, in order."""

    venue_id: bytes
    """16 random bytes."""
    realm: str
    """Province."""
    state: VenueState
    name: str
    kind: int
    """`venues.kinds.VenueKind`."""
    commune: int
    edition: int
    """Of the list of communes."""
    address: str
    """May be empty."""
    opens: int | None
    """Minutes of the day, Vietnam's time; None with *closes*: not told."""
    closes: int | None
    stay_minutes: int
    """0: as for its kind."""
    flags: int
    """`venues.card.CardFlag`."""
    rooms: tuple[str, ...]
    """Beside the place as a whole, which always has a card."""
    contact: str = field(repr=False)
    """Telephone number of who answers for it, E.164; may be empty."""
    claimed: datetime
    decided: datetime | None = None
    decided_by: str = ""
    """User; empty: the command line."""
    closed: datetime | None = None

    @property
    def identity(self) -> bytes:
        """32 bytes, the same for two registrations of one place."""
        return identity_of(self.realm, self.commune, self.edition, self.name, self.address)

    @property
    def stamp(self) -> str:
        """16 signs that are others where anything of the place is: by them a form that was filled
        in before somebody else's change is told."""
        return sha256(repr(astuple(self)).encode()).hexdigest()[:16]

    @property
    def searched(self) -> str:
        """What a search looks into."""
        return folded(f"{self.name} {self.address}")


@dataclass(frozen=True, slots=True)
class VenueCardRow:
    """A card that was issued, and until when it counts."""

    venue_id: bytes
    room: str
    """Empty: the place as a whole."""
    signed: SignedCard
    issued: datetime
    revoked: datetime | None = None
    """From when it counts no more, which may lie ahead; None: until it ends by itself."""


@dataclass(frozen=True, slots=True)
class Kiosk:
    """The right of one place's kiosk to speak to us. The fields are the columns, in order."""

    digest: bytes = field(repr=False)
    """HMAC of what it names itself by."""
    venue_id: bytes
    room: str
    number: int
    """From 1, counted up when the secret is changed."""
    created: datetime
    revoked: datetime | None = None
    seen: datetime | None = None


@dataclass(frozen=True, slots=True)
class PendingClaim:
    """A claim whose code was sent. The fields are the columns of its table, in order."""

    digest: bytes = field(repr=False)
    """HMAC of what the owner's browser has."""
    code: bytes = field(repr=False)
    """HMAC of the six digits."""
    sealed: bytes = field(repr=False)
    """What was claimed, under a key that only the browser has."""
    attempts: int
    """Wrong codes so far."""
    expires: datetime


class Redeemed(StrEnum):
    """What became of a code that was typed."""

    TAKEN = "taken"
    WRONG = "wrong"
    OVER = "over"
    """There is no such claim any more: unknown, expired, or wrong too often."""


class Changed(StrEnum):
    """What became of a change to a place."""

    DONE = "done"
    OUTDATED = "outdated"
    """Somebody else was quicker: the place, or one of the old cards, is not as it was."""
    KNOWN = "known"
    """Another place is claimed or approved that would be the same."""


class CardKeys(Protocol):
    """The key that signs cards, who vouches for it, and the places' secret.

    Raises:
        BadConfig: it is missing or damaged; from every method.
    """

    def cards(self) -> Ed25519PrivateKey: ...

    def secret(self) -> bytes:
        """Return 32 bytes that kiosks' secrets and digests are derived from."""

    def trust(self) -> bytes:
        """Return the trust list as it is handed out."""

    def trust_list(self) -> TrustList: ...

    def root_public(self) -> bytes: ...


class VenueStore(Protocol):
    """The registrar's places. Every method is one transaction, and blocks."""

    # Venues

    def add(
        self, venues: Sequence[Venue], cards: Mapping[bytes, Sequence[VenueCardRow]]
    ) -> list[bool]:
        """Keep new places, and the cards of each by its id; say of each whether it was kept.

        Not kept is one of the same identity as a place that is claimed or approved, or as another
        of *venues*.
        """

    def change(
        self,
        before: Venue,
        after: Venue,
        at: datetime,
        cards: Sequence[VenueCardRow] = (),
        old: Collection[bytes] = (),
        ends: datetime | None = None,
    ) -> Changed:
        """Put *after* in the place of *before*, and keep *cards*.

        *old* (location ids): cards that end with *ends*, without it *at* once; with them those
        which earlier changes let end later. Kiosks end *at* once whose room *after* does not have,
        and all where it is closed.

        Nothing is changed unless the place is in everything as *before*, none of *old* ends yet,
        and no other place has the identity of *after*.
        """

    def venue(self, venue_id: bytes) -> Venue | None: ...

    def find(self, text: str) -> list[Venue]:
        """Return the places that *text* names: by the spoken code of a card, the beginning of the
        id in hex (8 digits or more), or the whole name, with or without diacritics."""

    def search(
        self,
        text: str = "",
        realm: str | None = None,
        state: VenueState | None = None,
        limit: int = 200,
        commune: tuple[int, int] | None = None,
    ) -> list[Venue]:
        """Return the newest places with all words of *text* in name or address, as folded.

        *commune*: the edition of a list, and a number in it; None: of all communes.
        """

    def counts(self, realm: str | None = None) -> dict[VenueState, int]: ...

    # Cards

    def cards(self, venue_id: bytes) -> list[VenueCardRow]:
        """Return all cards of a place, oldest first."""

    def current(self, venue_id: bytes) -> list[VenueCardRow]:
        """Return the cards that are not to end before their time: one for each room, by room."""

    def cards_of(
        self, venue_id: bytes, room: str | None, start: datetime, end: datetime
    ) -> list[VenueCardRow]:
        """Return the cards by which somebody may have checked in within [start, end).

        *room*: None: of all rooms. Withdrawn cards count for `HANGS_ON` longer.
        """

    def card(self, location_id: bytes) -> VenueCardRow | None: ...

    def revoked(self, at: datetime) -> list[bytes]:
        """Return the location ids of the cards that count no more at *at* though they would."""

    # Kiosks

    def add_kiosk(self, kiosk: Kiosk) -> bool:
        """False where that room has one, or had that number, or the place has no such room, or is
        not approved."""

    def kiosk(self, digest: bytes) -> Kiosk | None:
        """Return the kiosk, also one that was revoked."""

    def kiosks(self, venue_id: bytes) -> list[Kiosk]:
        """Return the kiosks of a place, also those revoked, by room and number."""

    def revoke_kiosk(self, digest: bytes, at: datetime) -> bool: ...

    def kiosk_seen(self, digest: bytes, at: datetime) -> None: ...

    # Claims

    def add_claim(self, claim: PendingClaim) -> None: ...

    def redeem(
        self,
        digest: bytes,
        code: bytes,
        at: datetime,
        most: int,
        venue_of: Callable[[bytes], Venue],
    ) -> Redeemed:
        """Compare the code; where it is right keep what *venue_of* makes of the sealed claim.

        The claim is removed with that. A wrong code is counted; with *most* of them it is over.
        """

    def forget(self, now: datetime) -> int:
        """Remove claims that expired; return how many."""


def identity_of(realm: str, commune: int, edition: int, name: str, address: str) -> bytes:
    """Return 32 bytes that are the same for two writings of one place.

    Diacritics count: Quán Lan and Quán Lân may well be neighbours.
    """
    told = (composed(each).casefold() for each in (name, address))
    parts = (realm, str(commune), str(edition), *told)
    return sha256("\n".join(parts).encode()).digest()
