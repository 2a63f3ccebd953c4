"""Places registered, decided about and closed.

An issuer registers; a supervisor decides.  Everything is in the audit trail, written before it is
done, by the place's id: names and telephone numbers are not in it.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bluezone_node.authority.places.cards import CardMaker, rooms_of
from bluezone_node.authority.places.communes import Communes
from bluezone_node.authority.places.directory import (
    Directory,
    VenueView,
    check_approved,
    check_claimed,
    known,
    outdated,
)
from bluezone_node.authority.places.orders import VenueOrder, venue_of
from bluezone_node.authority.ports.accounts import SUPERVISOR, Actor
from bluezone_node.authority.ports.audit import AuditTrail
from bluezone_node.authority.ports.venues import (
    Changed,
    Venue,
    VenueCardRow,
    VenueState,
    VenueStore,
)
from bluezone_node.ports import Clock, Entropy
from bluezone_node.venues.card import VENUE_ID_BYTES


class Venues:
    """The registrar's desk for places. Every method blocks on the stores."""

    def __init__(
        self,
        store: VenueStore,
        directory: Directory,
        communes: Communes,
        maker: CardMaker,
        audit: AuditTrail,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._store = store
        self._directory = directory
        self._communes = communes
        self._maker = maker
        self._audit = audit
        self._clock = clock
        self._entropy = entropy

    def register(self, order: VenueOrder, actor: Actor, venue_id: bytes = b"") -> Venue:
        """Return the new place; a supervisor's is approved, an issuer's waits for one.

        *venue_id*: 16 bytes chosen by the caller, so that a form sent twice registers once.

        Raises:
            AuthorityRefused: reason ``unknown_realm``, ``venue_known`` (the same place is there
                already), ``commune_unknown``, ``no_card_key``, or one of `orders.venue_of`.
            BadInput: as `orders.venue_of`.
        """
        now = self._clock.now()
        realm = self._directory.realm_for(order.realm, actor)
        chosen = venue_id or self._entropy(VENUE_ID_BYTES)
        claimed = venue_of(order, chosen, realm, now)
        self._communes.check(claimed)
        (venue,), cards = self.prepared([claimed], actor, now)
        self._audit.record(actor, "venue_registered", venue.venue_id.hex(), realm=realm)
        (kept,) = self._store.add([venue], cards)
        if not kept:
            raise known()
        return venue

    def prepared(
        self, venues: Sequence[Venue], actor: Actor, now: datetime
    ) -> tuple[list[Venue], dict[bytes, list[VenueCardRow]]]:
        """Return new places as *actor* may have them kept, and the cards of those approved."""
        if not actor.may(SUPERVISOR):
            return list(venues), {}
        approved = [
            replace(venue, state=VenueState.APPROVED, decided=now, decided_by=actor.name)
            for venue in venues
        ]
        return approved, self._maker.make_all(approved, now)

    def approve(self, venue_id: bytes, actor: Actor) -> VenueView:
        """Give a claimed place its cards.

        Raises:
            AuthorityRefused: reason ``venue_not_found``, ``forbidden``, ``venue_decided``,
                ``venue_changed`` (somebody was quicker) or ``no_card_key``.
        """
        venue, now = self._directory.to_change(venue_id, actor), self._clock.now()
        check_claimed(venue)
        cards = self._maker.make(venue, rooms_of(venue), now)
        self._audit.record(actor, "venue_approved", venue_id.hex(), realm=venue.realm)
        self._decide(venue, VenueState.APPROVED, now, actor, cards)
        return self._directory.view(venue_id, actor)

    def reject(self, venue_id: bytes, actor: Actor) -> None:
        """Turn a claimed place away.

        Raises:
            AuthorityRefused: as `approve`.
        """
        venue, now = self._directory.to_change(venue_id, actor), self._clock.now()
        check_claimed(venue)
        self._audit.record(actor, "venue_rejected", venue_id.hex(), realm=venue.realm)
        self._decide(venue, VenueState.REJECTED, now, actor)

    def close(self, venue_id: bytes, actor: Actor) -> None:
        """Close a place for good: its cards and kiosks end now.

        Raises:
            AuthorityRefused: reason ``venue_not_found``, ``forbidden``, ``venue_not_approved`` or
                ``venue_changed`` (somebody was quicker).
        """
        venue, now = self._directory.to_change(venue_id, actor), self._clock.now()
        check_approved(venue)
        old = [row.signed.location_id for row in self._store.current(venue_id)]
        self._audit.record(actor, "venue_closed", venue_id.hex(), realm=venue.realm)
        after = replace(venue, state=VenueState.CLOSED, closed=now)
        if self._store.change(venue, after, now, old=old) is not Changed.DONE:
            check_approved(self._directory.to_change(venue_id, actor))
            raise outdated()

    def _decide(
        self,
        venue: Venue,
        state: VenueState,
        now: datetime,
        actor: Actor,
        cards: Sequence[VenueCardRow] = (),
    ) -> None:
        after = replace(venue, state=state, decided=now, decided_by=actor.name)
        if self._store.change(venue, after, now, cards) is not Changed.DONE:
            check_claimed(self._directory.to_change(venue.venue_id, actor))
            raise outdated()
