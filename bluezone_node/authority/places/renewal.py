"""What changes at a place that is registered: what is said of it, and its cards.

What stands on a card can change only with a new card, and a new poster; so it is said first which
ones an edit would take.  All else changes at once, and nothing with it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from bluezone_node.authority.places.cards import CardMaker, end_of_tomorrow, rooms_of
from bluezone_node.authority.places.communes import Communes
from bluezone_node.authority.places.directory import (
    Directory,
    VenueView,
    check_approved,
    known,
    outdated,
)
from bluezone_node.authority.places.orders import VenueOrder, edited
from bluezone_node.authority.ports.accounts import Actor
from bluezone_node.authority.ports.audit import AuditTrail
from bluezone_node.authority.ports.venues import (
    Changed,
    Venue,
    VenueCardRow,
    VenueState,
    VenueStore,
)
from bluezone_node.ports import Clock


@dataclass(frozen=True, slots=True)
class Edit:
    """What an edit would do."""

    before: Venue
    after: Venue
    renewed: Sequence[str]
    """Rooms whose posters must be printed anew: their cards say something else then."""
    added: Sequence[str]
    """Rooms that get their first card."""
    removed: Sequence[str]
    """Rooms whose cards end, and kiosks."""

    @property
    def facts(self) -> tuple[str, ...]:
        """Names of the fields that change."""
        return tuple(
            each.name
            for each in fields(Venue)
            if getattr(self.before, each.name) != getattr(self.after, each.name)
        )

    @property
    def printed(self) -> tuple[str, ...]:
        """The rooms whose posters are to be printed."""
        return (*self.renewed, *self.added)


class Renewal:
    """Edits places, and gives them new cards. Every method blocks on the stores."""

    def __init__(
        self,
        store: VenueStore,
        directory: Directory,
        communes: Communes,
        maker: CardMaker,
        audit: AuditTrail,
        clock: Clock,
    ) -> None:
        self._store = store
        self._directory = directory
        self._communes = communes
        self._maker = maker
        self._audit = audit
        self._clock = clock

    def rotate(self, venue_id: bytes, actor: Actor, *, at_once: bool = False) -> VenueView:
        """Give every room a new card from today; the old ones end with tomorrow, or *at_once*.

        Raises:
            AuthorityRefused: reason ``venue_not_found``, ``forbidden``, ``venue_not_approved``,
                ``venue_changed`` (somebody was quicker) or ``no_card_key``.
        """
        venue, now = self._directory.to_change(venue_id, actor), self._clock.now()
        check_approved(venue)
        old = self._store.current(venue_id)
        new = self._maker.make(venue, rooms_of(venue), now, _register_keys(old))
        told = {"cards": len(new), "at_once": int(at_once)}
        self._audit.record(actor, "venue_rotated", venue_id.hex(), told, realm=venue.realm)
        self._change(venue, venue, now, actor, new, old, at_once=at_once)
        return self._directory.view(venue_id, actor)

    def plan(self, venue_id: bytes, order: VenueOrder, actor: Actor) -> Edit:
        """Return what `edit` would do, and do nothing. The place stays in its province.

        Raises:
            AuthorityRefused: reason ``venue_not_found``, ``forbidden``, ``venue_not_approved``
                (it is closed or rejected), ``commune_unknown``, or one of `orders.venue_of`.
            BadInput: as `orders.venue_of`.
        """
        return self._plan(self._editable(venue_id, actor), order, self._clock.now())

    def edit(
        self,
        venue_id: bytes,
        order: VenueOrder,
        actor: Actor,
        *,
        at_once: bool = False,
        stamp: str = "",
    ) -> VenueView:
        """Say of a place what *order* says; old cards end with tomorrow, or *at_once*.

        *stamp*: `Venue.stamp` of the place as it was shown to who filled in a form.

        Raises:
            AuthorityRefused: as `plan`; reason ``venue_changed`` (somebody was quicker),
                ``venue_known`` (another place is the same then) or ``no_card_key``.
            BadInput: as `plan`.
        """
        venue, now = self._editable(venue_id, actor), self._clock.now()
        if stamp not in ("", venue.stamp):
            raise outdated()
        edit = self._plan(venue, order, now)
        if not edit.facts:
            return self._directory.view(venue_id, actor)
        current = self._store.current(venue_id)
        ending = {*edit.renewed, *edit.removed}
        old = [row for row in current if row.room in ending]
        new = []
        if edit.printed:
            new = self._maker.make(edit.after, edit.printed, now, _register_keys(current))
        told: dict[str, str | int] = {"facts": ", ".join(edit.facts)}
        if old or new:
            told |= {"cards": len(new), "at_once": int(at_once)}
        self._audit.record(actor, "venue_edited", venue_id.hex(), told, realm=venue.realm)
        self._change(venue, edit.after, now, actor, new, old, at_once=at_once)
        return self._directory.view(venue_id, actor)

    def _editable(self, venue_id: bytes, actor: Actor) -> Venue:
        venue = self._directory.to_change(venue_id, actor)
        if venue.state is not VenueState.CLAIMED:
            check_approved(venue)
        return venue

    def _plan(self, venue: Venue, order: VenueOrder, now: datetime) -> Edit:
        after = edited(venue, order)
        if (after.commune, after.edition) != (venue.commune, venue.edition):
            # A place that was there before the list may stay where it is.
            self._communes.check(after)
        if venue.state is VenueState.CLAIMED:
            return Edit(venue, after, (), (), ())
        was, will = rooms_of(venue), rooms_of(after)
        keys = _register_keys(self._store.current(venue.venue_id))
        renewed = [
            room
            for room in will
            if room in was and self._maker.differ(venue, after, room, now, keys.get(room))
        ]
        added = [room for room in will if room not in was]
        return Edit(venue, after, renewed, added, [room for room in was if room not in will])

    def _change(
        self,
        before: Venue,
        after: Venue,
        now: datetime,
        actor: Actor,
        new: Sequence[VenueCardRow],
        old: Iterable[VenueCardRow],
        *,
        at_once: bool,
    ) -> None:
        ends = now if at_once else end_of_tomorrow(now)
        locations = [row.signed.location_id for row in old]
        match self._store.change(before, after, now, new, locations, ends):
            case Changed.OUTDATED:
                self._editable(before.venue_id, actor)
                raise outdated()
            case Changed.KNOWN:
                raise known()


def _register_keys(cards: Iterable[VenueCardRow]) -> dict[str, bytes]:
    """Return the registers' keys by room: a kiosk takes no card that has another one than its."""
    return {
        row.room: row.signed.card.register_key
        for row in cards
        if row.signed.card.register_key is not None
    }
