"""Warrants: what one officer asks for and another approves, what the place answers, who reads it.

Signatures are made by keys that officers hold themselves (`warrant request --key FILE`); whoever
runs the server cannot make one.  What a place sends stays sealed to the key of its day until an
officer reads it, and is erased when the warrant is over.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from bluezone_node.authority.ports.accounts import EVERYWHERE, SUPERVISOR, Actor
from bluezone_node.authority.ports.audit import AuditTrail
from bluezone_node.authority.ports.register import DayKeyStore, StoredWarrant, WarrantStore
from bluezone_node.crypto.cose import decode, encode
from bluezone_node.errors import AuthorityRefused, BadInput
from bluezone_node.ports import Clock
from bluezone_node.venues.register import Contact, ReleasedContact, open_contact, opened_mark
from bluezone_node.venues.tags import slots_between, start_of
from bluezone_node.venues.trust import TrustList
from bluezone_node.venues.warrant import join, read_request, read_warrant

MAX_ROWS = 20_000
"""Of one answer: a busy market's day."""
READ_FOR = timedelta(days=7)
"""After its warrant expired: so long an officer may read again what the place sent."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What an officer reads."""

    contacts: Sequence[tuple[datetime, Contact]] = field(repr=False)
    """Each with the quarter of an hour in which they came."""
    unreadable: int
    """Rows that could not be opened: their day's key is gone, or they were changed."""


class Warrants:
    """The registrar's warrants, from request to reading."""

    def __init__(
        self,
        store: WarrantStore,
        day_keys: DayKeyStore,
        audit: AuditTrail,
        clock: Clock,
        trust: Callable[[], TrustList],
        realm_of: Callable[[bytes], str | None],
    ) -> None:
        """*realm_of*: returns the realm of a venue by its id; None: there is no such venue."""
        self._store = store
        self._day_keys = day_keys
        self._audit = audit
        self._clock = clock
        self._trust = trust
        self._realm_of = realm_of

    def request(self, signed: bytes, actor: Actor) -> StoredWarrant:
        """Keep what the first officer signed.

        Raises:
            BadInput: as `read_request`.
            AuthorityRefused: reason ``forbidden``, ``venue_unknown`` or ``warrant_known``.
        """
        warrant = read_request(signed, self._trust(), self._clock.now())
        realm = self._realm_of(warrant.venue_id)
        if realm is None:
            raise AuthorityRefused("There is no such place.", reason="venue_unknown")
        self._allow(actor, realm)
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
            None,
            0,
            None,
        )
        self._record(actor, "warrant_requested", stored)
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
        stored = self._found(warrant_id, actor)
        if actor.name and actor.name == stored.requested_by:
            raise AuthorityRefused(
                "Who requested a warrant cannot approve it.", reason="same_person"
            )
        data = join([stored.requested, signed])
        read_warrant(data, self._trust(), self._clock.now(), stored.venue_id)
        self._record(actor, "warrant_approved", stored)
        if not self._store.approve(warrant_id, signed, actor.name):
            raise AuthorityRefused("The warrant is approved already.", reason="warrant_approved")
        return self._found(warrant_id, actor)

    def all(self, actor: Actor) -> list[StoredWarrant]:
        """Return the warrants that *actor* may see, newest first."""
        return self._store.all(None if actor.realm == EVERYWHERE else [actor.realm])

    def waiting(self, venue_id: bytes) -> list[bytes]:
        """Return the files of the warrants that a place has still to answer."""
        return [
            join([stored.requested, stored.approved])
            for stored in self._store.waiting(venue_id, self._clock.now())
            if stored.approved is not None
        ]

    def answer(
        self, venue_id: bytes, warrant_id: bytes, rows: Sequence[ReleasedContact]
    ) -> list[bytes]:
        """Keep what a place released, sealed as it is; return the marks that tell visitors.

        Raises:
            AuthorityRefused: reason ``warrant_unknown``, ``warrant_answered`` or
                ``rows_outside`` (of another time than the warrant's, or too many).
        """
        now = self._clock.now()
        stored = self._store.find(warrant_id)
        if stored is None or stored.venue_id != venue_id or stored.approved is None:
            raise AuthorityRefused("There is no such warrant.", reason="warrant_unknown")
        slots = slots_between(stored.start, stored.end)
        if len(rows) > MAX_ROWS or any(row.slot not in slots for row in rows):
            raise AuthorityRefused(
                "These rows are not those that the warrant asks for.", reason="rows_outside"
            )
        packed = encode(
            [[row.row_id, row.location_id, row.slot, row.day_key_id, row.inner] for row in rows]
        )
        place = Actor(f"kiosk:{venue_id.hex()[:12]}", stored.realm, "issuer")
        self._record(place, "warrant_answered", stored, rows=len(rows))
        if not self._store.answer(warrant_id, packed, len(rows), now):
            raise AuthorityRefused("The warrant was answered before.", reason="warrant_answered")
        return [opened_mark(row.row_id, warrant_id) for row in rows]

    def open(self, warrant_id: bytes, actor: Actor) -> Opened:
        """Open what a place released.

        Raises:
            AuthorityRefused: reason ``forbidden``, ``warrant_unknown``, ``warrant_unanswered`` or
                ``warrant_over`` (erased since).
        """
        stored = self._found(warrant_id, actor)
        if stored.answered is None:
            raise AuthorityRefused(
                "The place has not answered yet.",
                reason="warrant_unanswered",
                hint="its kiosk asks when it has a network; else bring it the warrant on a stick",
            )
        if stored.released is None:
            raise AuthorityRefused(
                "What the place sent was erased when its time was over.", reason="warrant_over"
            )
        self._record(actor, "warrant_read", stored, rows=stored.rows)
        contacts, unreadable = [], 0
        for row in decode(stored.released):
            released = ReleasedContact(*row)
            private = self._day_keys.private(released.day_key_id)
            try:
                if private is None:
                    raise BadInput("The key of the day is gone.", reason="row_unreadable")
                key = X25519PrivateKey.from_private_bytes(private)
                contacts.append((start_of(released.slot), open_contact(released, key)))
            except BadInput:
                unreadable += 1
        return Opened(sorted(contacts, key=lambda each: each[0]), unreadable)

    def forget(self) -> None:
        """Erase what places sent for warrants that are over."""
        self._store.erase(self._clock.now() - READ_FOR)

    def _found(self, warrant_id: bytes, actor: Actor) -> StoredWarrant:
        stored = self._store.find(warrant_id)
        # Those of other provinces are not told apart from those that do not exist.
        if stored is None or not actor.covers(stored.realm):
            raise AuthorityRefused("There is no such warrant.", reason="warrant_unknown")
        self._allow(actor, stored.realm)
        return stored

    def _allow(self, actor: Actor, realm: str) -> None:
        if not (actor.may(SUPERVISOR) and actor.covers(realm)):
            raise AuthorityRefused("Warrants are for supervisors.", reason="forbidden")

    def _record(self, actor: Actor, action: str, stored: StoredWarrant, rows: int = 0) -> None:
        self._audit.record(
            actor,
            action,
            stored.warrant_id.hex(),
            {"venue": stored.venue_id.hex(), **({"rows": rows} if rows else {})},
            realm=stored.realm,
        )
