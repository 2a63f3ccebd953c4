"""Places looked up: who may see which, and who may change them.

Another province's place is answered as one that does not exist.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bluezone_node.authority.places.cards import WHOLE
from bluezone_node.authority.places.likely import lesser, nearest_first
from bluezone_node.authority.ports.accounts import EVERYWHERE, SUPERVISOR, Actor
from bluezone_node.authority.ports.venues import (
    Kiosk,
    Venue,
    VenueCardRow,
    VenueState,
    VenueStore,
)
from bluezone_node.authority.settings import RealmSettings
from bluezone_node.errors import AuthorityRefused
from bluezone_node.ports import Clock

SHORT_ID = 8
"""Hex digits by which a place is named before people, where its name will not do."""
FOUND = 20
"""Places shown for what was typed: who looks through more should say more."""
SEARCHED = 500
"""Places among which the nearest are looked for: all markets of a city, twice."""
FEW = 5
"""Places that are offered where none is called what was typed."""


@dataclass(frozen=True, slots=True)
class VenueView:
    """A place as those see it who work with it."""

    venue: Venue
    cards: Sequence[VenueCardRow]
    """The current ones: the place's own first, then by room."""
    ending: Sequence[VenueCardRow]
    """Cards that were withdrawn, and would still be good by their dates."""
    kiosks: Sequence[Kiosk]
    """Those that were not revoked."""

    @property
    def spoken_code(self) -> str:
        """Of the place's own card; empty: it has none."""
        return next((each.signed.spoken_code for each in self.cards if each.room == WHOLE), "")


class Directory:
    """Looks places up for those who may see them. Every method blocks on the store."""

    def __init__(self, store: VenueStore, clock: Clock, realms: Sequence[RealmSettings]) -> None:
        self._store = store
        self._clock = clock
        self._realms = realms

    def venue(self, venue_id: bytes, actor: Actor) -> Venue:
        """Return a place of the actor's province.

        Raises:
            AuthorityRefused: reason ``venue_not_found``.
        """
        venue = self._store.venue(venue_id)
        if venue is None or not actor.covers(venue.realm):
            raise _not_found()
        return venue

    def view(self, venue_id: bytes, actor: Actor) -> VenueView:
        """Return a place with all that hangs on it.

        Raises:
            AuthorityRefused: reason ``venue_not_found``, also for one of another province.
        """
        venue, now = self.venue(venue_id, actor), self._clock.now()
        cards = self._store.cards(venue_id)
        current = [row for row in cards if row.revoked is None]
        ending = [row for row in cards if row.revoked is not None and row.signed.card.valid_at(now)]
        kiosks = [each for each in self._store.kiosks(venue_id) if each.revoked is None]
        return VenueView(venue, sorted(current, key=lambda row: row.room), ending, kiosks)

    def card(self, venue_id: bytes, room: str, actor: Actor) -> VenueCardRow:
        """Return the current card of a room, for its poster.

        Raises:
            AuthorityRefused: reason ``venue_not_found``, ``venue_not_approved`` or
                ``room_not_found``.
        """
        venue = self.venue(venue_id, actor)
        check_approved(venue)
        found = next((row for row in self._store.current(venue_id) if row.room == room), None)
        if found is None:
            raise AuthorityRefused(
                "The place has no room of that name.",
                reason="room_not_found",
                hint=", ".join(venue.rooms) or "leave the room out: the place has none",
            )
        return found

    def find(self, text: str, actor: Actor) -> Venue:
        """Return the one place that *text* names: by spoken code, id or name.

        Raises:
            AuthorityRefused: reason ``venue_not_found`` or ``venue_ambiguous``.
        """
        found = [each for each in self._store.find(text) if actor.covers(each.realm)]
        if len(found) > 1:
            living = [each for each in found if each.state is VenueState.APPROVED]
            found = living if len(living) == 1 else found
        if not found:
            raise _not_found()
        if len(found) > 1:
            raise AuthorityRefused(
                f"{len(found)} places are called that.",
                reason="venue_ambiguous",
                hint="name one by its id: "
                + ", ".join(each.venue_id.hex()[:SHORT_ID] for each in found[:9]),
            )
        return found[0]

    def search(
        self,
        text: str,
        actor: Actor,
        state: VenueState | None = None,
        limit: int = 200,
        commune: tuple[int, int] | None = None,
    ) -> list[Venue]:
        """Return the newest places of the actor's province with the words of *text*.

        *commune*: the edition of a list, and a number in it; None: of all communes.
        """
        return self._store.search(text, self._realm_of(actor), state, limit, commune)

    def likely(self, text: str, actor: Actor) -> list[Venue]:
        """Return the places with posters that *text* may mean, nearest first.

        Named by its code, the one that has it is the first.
        """
        text = text.strip()
        if not text:
            return []
        named = self._hung(self._store.find(text), actor)
        found = nearest_first(text, self._with_poster(text, actor))
        return list({each.venue_id: each for each in (*named, *found)}.values())[:FOUND]

    def similar(self, text: str, actor: Actor) -> list[Venue]:
        """Return the places with posters nearest to *text*, which nothing is called."""
        found = {
            each.venue_id: each for less in lesser(text) for each in self._with_poster(less, actor)
        }
        return nearest_first(text, found.values())[:FEW]

    def counts(self, actor: Actor) -> dict[VenueState, int]:
        """Return how many places of the actor's province there are in each state."""
        return self._store.counts(self._realm_of(actor))

    def realms(self, actor: Actor) -> list[RealmSettings]:
        """Return the provinces that *actor* may register places of."""
        return [realm for realm in self._realms if actor.covers(realm.id)]

    def realm_for(self, realm_id: str, actor: Actor) -> str:
        """Return that province's id; empty: the actor's own, or the only one that there is.

        Raises:
            AuthorityRefused: reason ``unknown_realm``, also for one that the actor may not see.
        """
        own = [realm.id for realm in self.realms(actor)]
        if not realm_id and len(own) == 1:
            return own[0]
        if realm_id not in own:
            raise AuthorityRefused(
                "Name a province that you may register places of.",
                reason="unknown_realm",
                hint=", ".join(own),
            )
        return realm_id

    def to_change(self, venue_id: bytes, actor: Actor) -> Venue:
        """Return a place that *actor* may decide about.

        Raises:
            AuthorityRefused: reason ``venue_not_found`` or ``forbidden``.
        """
        venue = self.venue(venue_id, actor)
        if not actor.may(SUPERVISOR):
            raise AuthorityRefused("Only a supervisor may decide about places.", reason="forbidden")
        return venue

    def _realm_of(self, actor: Actor) -> str | None:
        return None if actor.realm == EVERYWHERE else actor.realm

    def _hung(self, venues: Iterable[Venue], actor: Actor) -> list[Venue]:
        """Return those of *venues* that had a poster, in the actor's province."""
        states = (VenueState.APPROVED, VenueState.CLOSED)
        return [each for each in venues if each.state in states and actor.covers(each.realm)]

    def _with_poster(self, text: str, actor: Actor) -> list[Venue]:
        return self._hung(self.search(text, actor, limit=SEARCHED), actor)


def check_claimed(venue: Venue) -> None:
    """Raise ``venue_decided`` unless the place waits for a decision."""
    if venue.state is not VenueState.CLAIMED:
        raise AuthorityRefused(
            f"The place was decided about already: it is {venue.state}.",
            reason="venue_decided",
        )


def check_approved(venue: Venue) -> None:
    """Raise ``venue_not_approved`` unless the place has cards that count."""
    if venue.state is not VenueState.APPROVED:
        raise AuthorityRefused(
            f"The place is {venue.state}: it has no cards that count.",
            reason="venue_not_approved",
        )


def outdated() -> AuthorityRefused:
    """Return the refusal of a change to what somebody else has just changed."""
    return AuthorityRefused(
        "Somebody else has just changed the place, or given it new cards. Nothing was done.",
        reason="venue_changed",
        hint="look at the place again",
    )


def known() -> AuthorityRefused:
    """Return the refusal of a place that is there already."""
    return AuthorityRefused(
        "A place of that name and address is registered already.",
        reason="venue_known",
        hint="look for it in the list; a branch needs an address of its own",
    )


def _not_found() -> AuthorityRefused:
    return AuthorityRefused(
        "There is no such place.",
        reason="venue_not_found",
        hint="name it by the six characters on its poster, its id, or its whole name",
    )
