"""Warrants: what one officer asks for and another approves, what the place answers, who reads it.

Signatures are made by keys that officers hold themselves (`warrant sign`); whoever runs the server
cannot make one.  What a place sends stays sealed to the key of its day until an
officer reads it, and is erased when the warrant is over.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bluezone_node.authority.places.contacts import Opened, opened
from bluezone_node.authority.places.day_keys import KEPT
from bluezone_node.authority.ports.accounts import EVERYWHERE, SUPERVISOR, Actor
from bluezone_node.authority.ports.audit import AuditTrail, Detail
from bluezone_node.authority.ports.register import (
    AnswerPart,
    DayKeyStore,
    StoredWarrant,
    WarrantStore,
)
from bluezone_node.errors import AuthorityRefused
from bluezone_node.ports import Clock, Entropy
from bluezone_node.venues.answer import (
    MAX_ROWS,
    PART_ROWS,
    WarrantAnswer,
    pack_rows,
    parts_of,
    unpack_rows,
)
from bluezone_node.venues.card import day_number
from bluezone_node.venues.register import ReleasedContact
from bluezone_node.venues.tags import SLOT_SECONDS, slots_between
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
MAX_PURPOSE = 200
"""Characters of why somebody reads names."""
READ_FOR = timedelta(days=7)
"""After its warrant expired: so long an officer may read again what the place sent."""


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
    """The registrar's warrants, from draft to reading."""

    def __init__(
        self,
        store: WarrantStore,
        day_keys: DayKeyStore,
        audit: AuditTrail,
        clock: Clock,
        entropy: Entropy,
        trust: Callable[[], TrustList],
        realm_of: Callable[[bytes], str | None],
    ) -> None:
        """*realm_of*: returns the realm of a venue by its id; None: there is no such venue."""
        self._store = store
        self._day_keys = day_keys
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
            raise _unknown()
        return self._found(found[0].warrant_id, actor)

    def file(self, warrant_id: bytes, actor: Actor) -> bytes:
        """Return the file of an approved warrant, for a kiosk without a network.

        Raises:
            AuthorityRefused: as `named`, or reason ``warrant_unapproved``.
        """
        stored = self._found(warrant_id, actor)
        if stored.approved is None:
            raise AuthorityRefused(
                "The warrant is not approved yet: a second person has to.",
                reason="warrant_unapproved",
            )
        return join([stored.requested, stored.approved])

    def waiting(self, venue_id: bytes, room: str) -> list[bytes]:
        """Return the files of the warrants that a kiosk has still to answer."""
        return [
            join([stored.requested, stored.approved])
            for stored in self._store.waiting(venue_id, room, self._clock.now())
            if stored.approved is not None
        ]

    def take(
        self,
        venue_id: bytes,
        room: str,
        warrant_id: bytes,
        part: int,
        rows: Sequence[ReleasedContact],
        *,
        last: bool,
    ) -> bool:
        """Keep a part of what a kiosk released, sealed as it is; False: it is there already.

        Raises:
            AuthorityRefused: reason ``warrant_unknown`` or ``rows_outside`` (of another time than
                the warrant's, or too many).
        """
        stored = self._store.find(warrant_id)
        if stored is None or stored.venue_id != venue_id or stored.approved is None:
            raise _unknown()
        slots = slots_between(stored.start, stored.end)
        if (
            not 0 <= part <= MAX_ROWS // PART_ROWS
            or len(rows) > PART_ROWS
            or any(row.slot not in slots for row in rows)
        ):
            raise AuthorityRefused(
                "These rows are not those that the warrant asks for.", reason="rows_outside"
            )
        kept = self._store.add_part(
            AnswerPart(
                warrant_id,
                room,
                part,
                last,
                self._clock.now(),
                len(rows),
                pack_rows(rows),
                b"".join(row.row_id for row in rows) or None,
            )
        )
        if kept and last:
            place = Actor(f"kiosk:{venue_id.hex()[:12]}", stored.realm, "issuer")
            sent = sum(each.rows for each in self._store.parts(warrant_id) if each.room == room)
            self._record(place, "warrant_answered", stored, {"rows": sent})
        return kept

    def take_file(self, answer: WarrantAnswer, actor: Actor) -> int:
        """Keep what a stick brought from a kiosk; return how many rows were not there before.

        Raises:
            AuthorityRefused: as `named` and `take`.
        """
        stored = self._found(answer.warrant_id, actor)
        parts = list(parts_of(answer.rows))
        new = 0
        for number, rows in enumerate(parts):
            last = number == len(parts) - 1
            if self.take(stored.venue_id, answer.room, stored.warrant_id, number, rows, last=last):
                new += len(rows)
        return new

    def open(self, warrant_id: bytes, purpose: str, actor: Actor) -> Opened:
        """Open what kiosks released. *purpose*: why it is read, for the audit trail.

        Raises:
            AuthorityRefused: reason ``forbidden``, ``warrant_unknown``, ``warrant_reader``,
                ``warrant_purpose``, ``warrant_unanswered`` or ``warrant_over`` (erased since).
        """
        stored = self._found(warrant_id, actor)
        # Two have agreed that the one who asked may read, and not that anybody may.
        if actor.name and actor.name != stored.requested_by:
            raise AuthorityRefused(
                "Names are read by who requested the warrant.", reason="warrant_reader"
            )
        purpose = " ".join(purpose.split())
        if not 0 < len(purpose) <= MAX_PURPOSE:
            raise AuthorityRefused(
                f"Say what the names are needed for, in 1 to {MAX_PURPOSE} characters.",
                reason="warrant_purpose",
            )
        parts = self._store.parts(warrant_id)
        if not parts:
            raise AuthorityRefused(
                "The place has not answered yet.",
                reason="warrant_unanswered",
                hint="its kiosk asks when it has a network; else bring it the warrant on a stick",
            )
        if any(part.released is None for part in parts):
            raise AuthorityRefused(
                "What the place sent was erased when its time was over.", reason="warrant_over"
            )
        told: Detail = {"rows": sum(part.rows for part in parts), "purpose": purpose}
        self._record(actor, "warrant_read", stored, told)
        rows = [row for part in parts for row in unpack_rows(part.released or b"")]
        return opened(rows, self._day_keys.private)

    def forget(self) -> None:
        """Erase what places sent for warrants that are over."""
        self._store.erase(self._clock.now() - READ_FOR)

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

    def _found(self, warrant_id: bytes, actor: Actor) -> StoredWarrant:
        stored = self._store.find(warrant_id)
        # Those of other provinces are not told apart from those that do not exist.
        if stored is None or not actor.covers(stored.realm):
            raise _unknown()
        self._allow(actor, stored.realm)
        return stored

    def _allow(self, actor: Actor, realm: str) -> None:
        if not (actor.may(SUPERVISOR) and actor.covers(realm)):
            raise AuthorityRefused("Warrants are for supervisors.", reason="forbidden")

    def _record(
        self, actor: Actor, action: str, stored: StoredWarrant, more: Detail | None = None
    ) -> None:
        told = {"venue": stored.venue_id.hex(), **(more or {})}
        self._audit.record(actor, action, stored.warrant_id.hex(), told, realm=stored.realm)


def _unknown() -> AuthorityRefused:
    return AuthorityRefused("There is no such warrant.", reason="warrant_unknown")
