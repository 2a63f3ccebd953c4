"""What places answer to warrants: what a kiosk has still to answer, what it sent, and who reads it.

What a place sends stays sealed to the key of its day until the officer who asked reads it, and is
erased when the warrant is over.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta

from bluezone_node.authority.places.contacts import Opened, opened
from bluezone_node.authority.places.warrants import Warrants, record, unknown
from bluezone_node.authority.ports.accounts import Actor
from bluezone_node.authority.ports.audit import AuditTrail, Detail
from bluezone_node.authority.ports.register import AnswerPart, WarrantStore
from bluezone_node.errors import AuthorityRefused
from bluezone_node.ports import Clock
from bluezone_node.venues.answer import (
    MAX_ROWS,
    PART_ROWS,
    WarrantAnswer,
    pack_rows,
    parts_of,
    unpack_rows,
)
from bluezone_node.venues.register import ReleasedContact
from bluezone_node.venues.tags import slots_between
from bluezone_node.venues.warrant import join

MAX_PURPOSE = 200
"""Characters of why somebody reads names."""
READ_FOR = timedelta(days=7)
"""After its warrant expired: so long an officer may read again what the place sent."""


class Openings:
    """The answers of places, from the kiosk's question to reading. Every method blocks."""

    def __init__(
        self,
        warrants: Warrants,
        store: WarrantStore,
        private_of: Callable[[bytes], bytes | None],
        audit: AuditTrail,
        clock: Clock,
    ) -> None:
        """*private_of*: see `contacts.opened`."""
        self._warrants = warrants
        self._store = store
        self._private_of = private_of
        self._audit = audit
        self._clock = clock

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
            raise unknown()
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
            record(self._audit, place, "warrant_answered", stored, {"rows": sent})
        return kept

    def take_file(self, answer: WarrantAnswer, actor: Actor) -> int:
        """Keep what a stick brought from a kiosk; return how many rows were not there before.

        Raises:
            AuthorityRefused: as `Warrants.find` and `take`.
        """
        stored = self._warrants.find(answer.warrant_id, actor)
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
        stored = self._warrants.find(warrant_id, actor)
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
        record(self._audit, actor, "warrant_read", stored, told)
        rows = [row for part in parts for row in unpack_rows(part.released or b"")]
        return opened(rows, self._private_of)

    def forget(self) -> None:
        """Erase what places sent for warrants that are over."""
        self._store.erase(self._clock.now() - READ_FOR)
