"""Warrants: what one officer asks for and another approves; what places answer is in `openings`.

Signatures are made by keys that officers hold themselves (`warrant sign`); whoever runs the server
cannot make one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bluezone_node.authority.places.day_keys import KEPT
from bluezone_node.authority.ports.accounts import EVERYWHERE, SUPERVISOR, Actor
from bluezone_node.authority.ports.audit import AuditTrail, Detail
from bluezone_node.authority.ports.register import StoredWarrant, WarrantStore
from bluezone_node.errors import AuthorityRefused
from bluezone_node.ports import Clock, Entropy
from bluezone_node.venues.card import day_number
from bluezone_node.venues.tags import SLOT_SECONDS
from bluezone_node.venues.trust import TrustList
from bluezone_node.venues.warrant import (
    WARRANT_ID_BYTES,
    Warrant,
    draft_of,
    join,
    read_request,
    read_warrant,
    words_of,
)

SLOT = timedelta(seconds=SLOT_SECONDS)
SHORTEST_ID = 8
"""Hexadecimal digits by which a person names a warrant."""


class WarrantState(StrEnum):
    """How far a warrant has come."""

    REQUESTED = "requested"
    """It waits for the second signature."""
    APPROVED = "approved"
    """The place is asked."""
    ANSWERED = "answered"
    EXPIRED = "expired"
    """Before it was answered."""


@dataclass(frozen=True, slots=True)
class WarrantView:
    """A warrant as those who work with it see it."""

    stored: StoredWarrant
    words: Warrant
    state: WarrantState
    rows: int
    """Contacts that came; a kiosk may still be sending."""
    erased: bool
    """What came was erased, its time being over."""


class Warrants:
    """The registrar's warrants, from draft to the second signature."""

    def __init__(
        self,
        store: WarrantStore,
        audit: AuditTrail,
        clock: Clock,
        entropy: Entropy,
        trust: Callable[[], TrustList],
        realm_of: Callable[[bytes], str | None],
    ) -> None:
        """*realm_of*: returns the realm of a venue by its id; None: there is no such venue."""
        self._store = store
        self._audit = audit
        self._clock = clock
        self._entropy = entropy
        self._trust = trust
        self._realm_of = realm_of

    def drafted(
        self,
        venue_id: bytes,
        start: datetime,
        end: datetime,
        case: str,
        basis: str,
        life: timedelta,
        actor: Actor,
    ) -> Warrant:
        """Return a new warrant for people to sign; nothing is kept.

        Raises:
            BadInput: as `draft_of`.
            AuthorityRefused: as `request`.
        """
        now, number = self._clock.now().replace(microsecond=0), self._entropy(WARRANT_ID_BYTES)
        warrant = Warrant(number, venue_id, start, end, case, basis, now, now + life)
        draft_of(warrant)
        self._checked(warrant, actor)
        return warrant

    def request(self, signed: bytes, actor: Actor) -> StoredWarrant:
        """Keep what the first officer signed.

        Raises:
            BadInput: as `read_request`.
            AuthorityRefused: reason ``forbidden``, ``venue_unknown``, ``warrant_ahead``,
                ``warrant_too_old`` or ``warrant_known``.
        """
        warrant = read_request(signed, self._trust(), self._clock.now())
        realm = self._checked(warrant, actor)
        stored = StoredWarrant(
            warrant.warrant_id,
            warrant.venue_id,
            realm,
            warrant.start,
            warrant.end,
            warrant.issued,
            warrant.expires,
            signed,
            actor.name,
            None,
            "",
        )
        record(self._audit, actor, "warrant_requested", stored)
        if not self._store.add(stored):
            raise AuthorityRefused("The warrant was requested before.", reason="warrant_known")
        return stored

    def approve(self, warrant_id: bytes, signed: bytes, actor: Actor) -> StoredWarrant:
        """Keep what the second officer signed: the place may be told now.

        Raises:
            BadInput: as `read_warrant`.
            AuthorityRefused: reason ``forbidden``, ``warrant_unknown``, ``warrant_approved`` or
                ``same_person``.
        """
        stored = self.find(warrant_id, actor)
        if actor.name and actor.name == stored.requested_by:
            raise AuthorityRefused(
                "Who requested a warrant cannot approve it.", reason="same_person"
            )
        data = join([stored.requested, signed])
        read_warrant(data, self._trust(), self._clock.now(), stored.venue_id)
        record(self._audit, actor, "warrant_approved", stored)
        if not self._store.approve(warrant_id, signed, actor.name):
            raise AuthorityRefused("The warrant is approved already.", reason="warrant_approved")
        return self.find(warrant_id, actor)

    def all(self, actor: Actor) -> list[StoredWarrant]:
        """Return the warrants that *actor* may see, newest first."""
        return self._store.all(None if actor.realm == EVERYWHERE else [actor.realm])

    def view(self, stored: StoredWarrant) -> WarrantView:
        """Return a warrant with its words, and how far it has come."""
        parts = self._store.parts(stored.warrant_id)
        if any(part.last for part in parts):
            state = WarrantState.ANSWERED
        elif stored.expires <= self._clock.now():
            state = WarrantState.EXPIRED
        else:
            approved = stored.approved is not None
            state = WarrantState.APPROVED if approved else WarrantState.REQUESTED
        rows = sum(part.rows for part in parts)
        erased = any(part.released is None for part in parts)
        return WarrantView(stored, words_of(stored.requested), state, rows, erased)

    def named(self, text: str, actor: Actor) -> StoredWarrant:
        """Return the warrant whose id in hexadecimal begins with *text*, of 8 digits or more.

        Raises:
            AuthorityRefused: reason ``forbidden`` or ``warrant_unknown``.
        """
        found = [each for each in self.all(actor) if each.warrant_id.hex().startswith(text.lower())]
        if len(text) < SHORTEST_ID or len(found) != 1:
            raise unknown()
        return self.find(found[0].warrant_id, actor)

    def find(self, warrant_id: bytes, actor: Actor) -> StoredWarrant:
        """Return one warrant.

        Raises:
            AuthorityRefused: reason ``forbidden`` or ``warrant_unknown``.
        """
        stored = self._store.find(warrant_id)
        # Those of other provinces are not told apart from those that do not exist.
        if stored is None or not actor.covers(stored.realm):
            raise unknown()
        self._allow(actor, stored.realm)
        return stored

    def file(self, warrant_id: bytes, actor: Actor) -> bytes:
        """Return the file of an approved warrant, for a kiosk without a network.

        Raises:
            AuthorityRefused: as `named`, or reason ``warrant_unapproved``.
        """
        stored = self.find(warrant_id, actor)
        if stored.approved is None:
            raise AuthorityRefused(
                "The warrant is not approved yet: a second person has to.",
                reason="warrant_unapproved",
            )
        return join([stored.requested, stored.approved])

    def _checked(self, warrant: Warrant, actor: Actor) -> str:
        """Return the province of the place, where *actor* may ask for its register now."""
        realm, now = self._realm_of(warrant.venue_id), self._clock.now()
        if realm is None:
            raise AuthorityRefused("There is no such place.", reason="venue_unknown")
        self._allow(actor, realm)
        if warrant.end > now + SLOT:
            raise AuthorityRefused(
                "A register is opened for time that is over, not for time to come.",
                reason="warrant_ahead",
                hint="kiosks answer once; for the rest of the day ask for another warrant",
            )
        if day_number(warrant.start) + KEPT.days < day_number(now):
            raise AuthorityRefused(
                f"Nobody can read a register after {KEPT.days} days: its keys are destroyed.",
                reason="warrant_too_old",
            )
        return realm

    def _allow(self, actor: Actor, realm: str) -> None:
        if not (actor.may(SUPERVISOR) and actor.covers(realm)):
            raise AuthorityRefused("Warrants are for supervisors.", reason="forbidden")


def record(
    audit: AuditTrail, actor: Actor, action: str, stored: StoredWarrant, more: Detail | None = None
) -> None:
    """Write into the trail what *actor* did with a warrant."""
    told = {"venue": stored.venue_id.hex(), **(more or {})}
    audit.record(actor, action, stored.warrant_id.hex(), told, realm=stored.realm)


def unknown() -> AuthorityRefused:
    """Return the refusal of a warrant that nobody knows, or another province has."""
    return AuthorityRefused("There is no such warrant.", reason="warrant_unknown")
