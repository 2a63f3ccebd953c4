"""Signing the cards of a place: one for the place as a whole, one for each of its rooms."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from bluezone_node.authority.ports.venues import CardKeys, Venue, VenueCardRow
from bluezone_node.crypto.cose import key_id_of, public_bytes, sign
from bluezone_node.errors import AuthorityRefused
from bluezone_node.ports import Entropy
from bluezone_node.venues.card import SEED_BYTES, Card, CardFlag, day_number, read_card
from bluezone_node.venues.kinds import VenueKind
from bluezone_node.venues.trust import Role

WHOLE = ""
"""The room that stands for the place as a whole."""


class CardMaker:
    """Makes and signs cards."""

    def __init__(self, keys: CardKeys, entropy: Entropy, *, days: int) -> None:
        """*days*: how long a card is good."""
        self._keys = keys
        self._entropy = entropy
        self._days = days

    def make(
        self,
        venue: Venue,
        rooms: Iterable[str],
        now: datetime,
        register_keys: Mapping[str, bytes] | None = None,
    ) -> list[VenueCardRow]:
        """Return new cards for *rooms* (`WHOLE`: the place), good from today.

        *register_keys*: X25519 public keys of the rooms where a register is kept.

        Raises:
            AuthorityRefused: reason ``no_card_key``: the key that signs is not trusted any more.
            BadConfig: a key is missing.
        """
        key = self._keys.cards()
        today = day_number(now)
        trusted = self._keys.trust_list().find(key_id_of(public_bytes(key)), Role.CARDS, now)
        # A card that outlived its key would be refused as if it were forged.
        last = today if trusted is None else min(today + self._days, day_number(trusted.end))
        if last <= today:
            raise AuthorityRefused(
                "The key that signs cards is not on the trust list, is revoked, or is over.",
                reason="no_card_key",
                hint="bluezone-node trust rotate cards --root FILE",
            )
        made = []
        for room in rooms:
            register_key = (register_keys or {}).get(room)
            flags = CardFlag(venue.flags)
            if register_key is None:
                # Nothing can be sealed before there is a kiosk that could open it.
                flags &= ~CardFlag.REGISTER_REQUIRED
            hours = None
            if venue.opens is not None and venue.closes is not None:
                hours = (venue.opens, venue.closes)
            card = Card(
                venue.venue_id,
                venue.name,
                venue.commune,
                VenueKind(venue.kind),
                self._entropy(SEED_BYTES),
                today,
                last,
                venue.stay_minutes,
                register_key,
                room,
                flags,
                venue.edition,
                venue.address,
                hours,
            )
            signed = read_card(sign(card.encoded(), key))
            made.append(VenueCardRow(venue.venue_id, room, signed, now))
        return made


def rooms_of(venue: Venue) -> tuple[str, ...]:
    """Return all that have a card: the place as a whole, and its rooms."""
    return (WHOLE, *venue.rooms)
