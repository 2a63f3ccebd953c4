"""The file that makes a device the kiosk of a room, and the end of that."""

from base64 import b64encode
from dataclasses import dataclass, field

import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from bluezone_node.authority.places.cards import CardMaker, end_of_tomorrow
from bluezone_node.authority.places.directory import Directory, outdated
from bluezone_node.authority.places.kiosks import DerivedKiosks
from bluezone_node.authority.ports.accounts import Actor
from bluezone_node.authority.ports.audit import AuditTrail
from bluezone_node.authority.ports.venues import CardKeys, Changed, VenueCardRow, VenueStore
from bluezone_node.errors import AuthorityRefused
from bluezone_node.ports import Clock, Entropy
from bluezone_node.venues.text import to_base45

KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class KioskFile:
    """What a kiosk is handed over in ``venue.json``. Nobody keeps it but the kiosk."""

    content: bytes = field(repr=False)
    card: VenueCardRow
    rotated: bool
    """The room has a new card, with the key of its register."""


class KioskFiles:
    """Makes kiosks, and revokes them. Every method blocks on the stores."""

    def __init__(
        self,
        store: VenueStore,
        directory: Directory,
        maker: CardMaker,
        kiosks: DerivedKiosks,
        keys: CardKeys,
        audit: AuditTrail,
        clock: Clock,
        entropy: Entropy,
        *,
        address: str,
    ) -> None:
        """*address*: where kiosks find this server."""
        self._store = store
        self._directory = directory
        self._maker = maker
        self._kiosks = kiosks
        self._keys = keys
        self._audit = audit
        self._clock = clock
        self._entropy = entropy
        self._address = address

    def make(
        self, venue_id: bytes, room: str, actor: Actor, register_key: bytes | None = None
    ) -> KioskFile:
        """Return the file for the kiosk of a room; again, where nobody keeps a register.

        *register_key*: the X25519 public key whose private half the kiosk has made itself; where
        a register is required and there is none, a pair is made, and lies in the file alone.

        Raises:
            AuthorityRefused: reason ``venue_not_found``, ``forbidden``, ``venue_not_approved``,
                ``room_not_found``, ``kiosk_exists`` (the key of its register is in the file that
                was written, and nowhere else), ``venue_changed`` or ``no_card_key``.
        """
        venue, now = self._directory.to_change(venue_id, actor), self._clock.now()
        card = self._directory.card(venue_id, room, actor)
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
                "Somebody else has just made a kiosk for that room, or taken the room away.",
                reason="kiosk_exists",
            )
        private = None
        if with_register:
            if register_key is None:
                private = X25519PrivateKey.from_private_bytes(self._entropy(KEY_BYTES))
                register_key = private.public_key().public_bytes_raw()
            (new,) = self._maker.make(venue, [room], now, {room: register_key})
            old, ends = [card.signed.location_id], end_of_tomorrow(now)
            if self._store.change(venue, venue, now, [new], old, ends) is not Changed.DONE:
                raise outdated()
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

    def revoke(self, venue_id: bytes, room: str, actor: Actor) -> None:
        """End the kiosk of a room; what it proves from now on counts for nothing.

        Raises:
            AuthorityRefused: reason ``venue_not_found``, ``forbidden`` or ``kiosk_not_found``.
        """
        venue, now = self._directory.to_change(venue_id, actor), self._clock.now()
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
