"""Places: registered, approved, given new cards, closed; who may do what with which of them.

An issuer registers and looks; a supervisor decides.  Everything is in the audit trail, written
before it is done, by the place's id: names and telephone numbers are not in it.
"""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from bluezone_node.authority.places.cards import WHOLE, CardMaker, rooms_of
from bluezone_node.authority.places.kiosks import DerivedKiosks
from bluezone_node.authority.places.orders import VenueOrder, venue_of
from bluezone_node.authority.ports.accounts import EVERYWHERE, SUPERVISOR, Actor
from bluezone_node.authority.ports.audit import AuditTrail
from bluezone_node.authority.ports.venues import (
    CardKeys,
    Kiosk,
    Venue,
    VenueCardRow,
    VenueState,
    VenueStore,
)
from bluezone_node.authority.settings import PlacesSettings, RealmSettings
from bluezone_node.errors import AuthorityRefused
from bluezone_node.ports import Clock, Entropy
from bluezone_node.venues.card import VENUE_ID_BYTES, VIETNAM
from bluezone_node.venues.text import to_base45

KEY_BYTES = 32
SHORT_ID = 8
"""Hex digits by which a place is named before people, where its name will not do."""


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


@dataclass(frozen=True, slots=True)
class KioskFile:
    """What a kiosk is handed over in ``venue.json``. Nobody keeps it but the kiosk."""

    content: bytes = field(repr=False)
    card: VenueCardRow
    rotated: bool
    """The room has a new card, with the key of its register."""


class Venues:
    """The registrar's desk for places. Every method blocks on the stores."""

    def __init__(
        self,
        store: VenueStore,
        keys: CardKeys,
        kiosks: DerivedKiosks,
        audit: AuditTrail,
        clock: Clock,
        entropy: Entropy,
        *,
        realms: Sequence[RealmSettings],
        settings: PlacesSettings,
        address: str,
    ) -> None:
        """*address*: where kiosks find this server."""
        self._store = store
        self._keys = keys
        self._kiosks = kiosks
        self._audit = audit
        self._clock = clock
        self._entropy = entropy
        self._maker = CardMaker(
            keys, entropy, days=settings.card_days, registers=settings.registers
        )
        self._realms = realms
        self._address = address

    # Registering

    def register(self, order: VenueOrder, actor: Actor, venue_id: bytes = b"") -> Venue:
        """Return the new place; a supervisor's is approved, an issuer's waits for one.

        *venue_id*: 16 bytes chosen by the caller, so that a form sent twice registers once.

        Raises:
            AuthorityRefused: reason ``unknown_realm``, ``venue_known`` (the same place is there
                already), ``no_card_key``, or one of `orders.venue_of`.
            BadInput: as `orders.venue_of`.
        """
        now = self._clock.now()
        realm = self.realm_for(order.realm, actor)
        chosen = venue_id or self._entropy(VENUE_ID_BYTES)
        (venue,), cards = self.prepared([venue_of(order, chosen, realm, now)], actor, now)
        self._audit.record(actor, "venue_registered", venue.venue_id.hex(), realm=realm)
        (kept,) = self._store.add([venue], cards)
        if not kept:
            raise AuthorityRefused(
                "A place of that name and address is registered already.",
                reason="venue_known",
                hint="look for it in the list; a branch needs an address of its own",
            )
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
            AuthorityRefused: reason ``venue_not_found``, ``forbidden``, ``venue_decided``
                (somebody was quicker) or ``no_card_key``.
        """
        venue, now = self._to_change(venue_id, actor), self._clock.now()
        self._check_claimed(venue)
        cards = self._maker.make(venue, rooms_of(venue), now)
        self._audit.record(actor, "venue_approved", venue_id.hex(), realm=venue.realm)
        if not self._store.decide(venue_id, VenueState.APPROVED, now, actor.name, cards):
            self._check_claimed(self._to_change(venue_id, actor))
        return self.view(venue_id, actor)

    def reject(self, venue_id: bytes, actor: Actor) -> None:
        """Turn a claimed place away.

        Raises:
            AuthorityRefused: as `approve`.
        """
        venue, now = self._to_change(venue_id, actor), self._clock.now()
        self._check_claimed(venue)
        self._audit.record(actor, "venue_rejected", venue_id.hex(), realm=venue.realm)
        if not self._store.decide(venue_id, VenueState.REJECTED, now, actor.name):
            self._check_claimed(self._to_change(venue_id, actor))

    # Cards

    def rotate(self, venue_id: bytes, actor: Actor, *, at_once: bool = False) -> VenueView:
        """Give every room a new card from today; the old ones end with tomorrow, or *at_once*.

        Raises:
            AuthorityRefused: reason ``venue_not_found``, ``forbidden``, ``venue_not_approved``,
                ``venue_rotated`` (somebody was quicker) or ``no_card_key``.
        """
        venue, now = self._to_change(venue_id, actor), self._clock.now()
        self._check_approved(venue)
        old = self._store.current(venue_id)
        keys = {
            row.room: row.signed.card.register_key
            for row in old
            if row.signed.card.register_key is not None
        }
        new = self._maker.make(venue, rooms_of(venue), now, keys)
        told = {"cards": len(new), "at_once": int(at_once)}
        self._audit.record(actor, "venue_rotated", venue_id.hex(), told, realm=venue.realm)
        ends = now if at_once else end_of_tomorrow(now)
        if not self._store.rotate(venue_id, new, _locations(old), ends):
            self._check_approved(self._to_change(venue_id, actor))
            raise _rotated()
        return self.view(venue_id, actor)

    def close(self, venue_id: bytes, actor: Actor) -> None:
        """Close a place for good: its cards and kiosks end now.

        Raises:
            AuthorityRefused: reason ``venue_not_found``, ``forbidden`` or ``venue_not_approved``.
        """
        venue = self._to_change(venue_id, actor)
        self._check_approved(venue)
        self._audit.record(actor, "venue_closed", venue_id.hex(), realm=venue.realm)
        if not self._store.close(venue_id, self._clock.now()):
            self._check_approved(self._to_change(venue_id, actor))

    def card(self, venue_id: bytes, room: str, actor: Actor) -> VenueCardRow:
        """Return the current card of a room, for its poster.

        Raises:
            AuthorityRefused: reason ``venue_not_found``, ``venue_not_approved`` or
                ``room_not_found``.
        """
        venue = self._reachable(venue_id, actor)
        self._check_approved(venue)
        found = next((row for row in self._store.current(venue_id) if row.room == room), None)
        if found is None:
            raise AuthorityRefused(
                "The place has no room of that name.",
                reason="room_not_found",
                hint=", ".join(venue.rooms) or "leave the room out: the place has none",
            )
        return found

    # Kiosks

    def kiosk(
        self, venue_id: bytes, room: str, actor: Actor, register_key: bytes | None = None
    ) -> KioskFile:
        """Return the file for the kiosk of a room; again, where nobody keeps a register.

        *register_key*: the X25519 public key whose private half the kiosk has made itself; where
        a register is required and there is none, a pair is made, and lies in the file alone.

        Raises:
            AuthorityRefused: reason ``venue_not_found``, ``forbidden``, ``venue_not_approved``,
                ``room_not_found``, ``kiosk_exists`` (the key of its register is in the file that
                was written, and nowhere else) or ``no_card_key``.
        """
        venue, now = self._to_change(venue_id, actor), self._clock.now()
        card = self.card(venue_id, room, actor)
        required = self._maker.requires_register(venue, now)
        with_register = required or register_key is not None
        known = [each for each in self._store.kiosks(venue_id) if each.room == room]
        living = next((each for each in known if each.revoked is None), None)
        if living is not None and with_register:
            raise AuthorityRefused(
                "That room has a kiosk, and the key of its register is in its file alone.",
                reason="kiosk_exists",
                hint="if the kiosk is lost: venue kiosk VENUE --revoke, and then again",
            )
        number = living.number if living else max((each.number for each in known), default=0) + 1
        told = {"number": number}
        self._audit.record(actor, "kiosk_issued", venue_id.hex(), told, realm=venue.realm)
        if living is None and not self._store.add_kiosk(
            self._kiosks.entry(venue_id, room, number, now)
        ):
            raise AuthorityRefused(
                "Somebody else has just made a kiosk for that room.", reason="kiosk_exists"
            )
        private = None
        if with_register:
            if register_key is None:
                private = X25519PrivateKey.from_private_bytes(self._entropy(KEY_BYTES))
                register_key = private.public_key().public_bytes_raw()
            keys = {room: register_key}
            (new,) = self._maker.make(venue, [room], now, keys)
            if not self._store.rotate(venue_id, [new], _locations([card]), end_of_tomorrow(now)):
                raise _rotated()
            card = new
        document = {
            "card": to_base45(card.signed.cose),
            "secret": self._kiosks.secret(venue_id, room, number).hex(),
            "authority": self._address,
            "trust": b64encode(self._keys.trust()).decode(),
            "root": b64encode(self._keys.root_public()).decode(),
        }
        if private is not None:
            document["register_private_key"] = private.private_bytes_raw().hex()
        content = msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"
        return KioskFile(content, card, rotated=with_register)

    def revoke_kiosk(self, venue_id: bytes, room: str, actor: Actor) -> None:
        """End the kiosk of a room; what it proves from now on counts for nothing.

        Raises:
            AuthorityRefused: reason ``venue_not_found``, ``forbidden`` or ``kiosk_not_found``.
        """
        venue, now = self._to_change(venue_id, actor), self._clock.now()
        living = [
            each
            for each in self._store.kiosks(venue_id)
            if each.room == room and each.revoked is None
        ]
        if not living:
            raise AuthorityRefused("That room has no kiosk.", reason="kiosk_not_found")
        self._audit.record(actor, "kiosk_revoked", venue_id.hex(), realm=venue.realm)
        for each in living:
            self._store.revoke_kiosk(each.digest, now)

    # Looking

    def view(self, venue_id: bytes, actor: Actor) -> VenueView:
        """Return a place with all that hangs on it.

        Raises:
            AuthorityRefused: reason ``venue_not_found``, also for one of another province.
        """
        venue, now = self._reachable(venue_id, actor), self._clock.now()
        cards = self._store.cards(venue_id)
        current = [row for row in cards if row.revoked is None]
        ending = [row for row in cards if row.revoked is not None and row.signed.card.valid_at(now)]
        kiosks = [each for each in self._store.kiosks(venue_id) if each.revoked is None]
        return VenueView(venue, sorted(current, key=lambda row: row.room), ending, kiosks)

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
    ) -> list[Venue]:
        """Return the newest places of the actor's province with the words of *text*."""
        return self._store.search(text, self._realm_of(actor), state, limit)

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

    def _realm_of(self, actor: Actor) -> str | None:
        return None if actor.realm == EVERYWHERE else actor.realm

    def _reachable(self, venue_id: bytes, actor: Actor) -> Venue:
        venue = self._store.venue(venue_id)
        if venue is None or not actor.covers(venue.realm):
            raise _not_found()
        return venue

    def _to_change(self, venue_id: bytes, actor: Actor) -> Venue:
        venue = self._reachable(venue_id, actor)
        if not actor.may(SUPERVISOR):
            raise AuthorityRefused("Only a supervisor may decide about places.", reason="forbidden")
        return venue

    def _check_claimed(self, venue: Venue) -> None:
        if venue.state is not VenueState.CLAIMED:
            raise AuthorityRefused(
                f"The place was decided about already: it is {venue.state}.",
                reason="venue_decided",
            )

    def _check_approved(self, venue: Venue) -> None:
        if venue.state is not VenueState.APPROVED:
            raise AuthorityRefused(
                f"The place is {venue.state}: it has no cards that count.",
                reason="venue_not_approved",
            )


def end_of_tomorrow(now: datetime) -> datetime:
    """Return the midnight, Vietnam's time, in which tomorrow ends."""
    today = now.astimezone(VIETNAM).replace(hour=0, minute=0, second=0, microsecond=0)
    return (today + timedelta(days=2)).astimezone(UTC)


def _locations(cards: Sequence[VenueCardRow]) -> list[bytes]:
    return [row.signed.location_id for row in cards]


def _not_found() -> AuthorityRefused:
    return AuthorityRefused(
        "There is no such place.",
        reason="venue_not_found",
        hint="name it by the six characters on its poster, its id, or its whole name",
    )


def _rotated() -> AuthorityRefused:
    return AuthorityRefused(
        "Somebody else has just given the place new cards.",
        reason="venue_rotated",
        hint="look at the place again",
    )
