"""Signing the cards of a place: one for the place as a whole, one for each of its rooms."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bluezone_node.authority.ports.venues import CardKeys, Venue, VenueCardRow
from bluezone_node.authority.settings import RegisterSettings
from bluezone_node.crypto.cose import key_id_of, public_bytes, sign
from bluezone_node.errors import AuthorityRefused
from bluezone_node.ports import Entropy
from bluezone_node.venues.card import (
    SEED_BYTES,
    VIETNAM,
    Card,
    CardFlag,
    day_number,
    read_card,
)
from bluezone_node.venues.kinds import VenueKind
from bluezone_node.venues.trust import Role

WHOLE = ""
"""The room that stands for the place as a whole."""

_KINDS = {kind.name.lower().replace("_", "-"): kind for kind in VenueKind}
_EPOCH = date(1970, 1, 1)


class CardMaker:
    """Makes and signs cards."""

    def __init__(
        self,
        keys: CardKeys,
        entropy: Entropy,
        *,
        days: int,
        registers: Sequence[RegisterSettings] = (),
    ) -> None:
        """*days*: how long a card is good. *registers*: kinds that a law requires one of."""
        self._registers = {_KINDS[each.kind]: (each.since - _EPOCH).days for each in registers}
        self._keys = keys
        self._entropy = entropy
        self._days = days

    def requires_register(self, venue: Venue, now: datetime) -> bool:
        """Tell whether names must be taken there: said of the place, or by law of its kind."""
        since = self._registers.get(VenueKind(venue.kind))
        by_law = since is not None and day_number(now) >= since
        return by_law or bool(venue.flags & CardFlag.REGISTER_REQUIRED)

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
        signer = self._signer(now)
        known = register_keys or {}
        return [self._signed(signer, venue, room, now, known.get(room)) for room in rooms]

    def make_all(self, venues: Iterable[Venue], now: datetime) -> dict[bytes, list[VenueCardRow]]:
        """Return new cards for all rooms of *venues*, by their ids.

        Raises:
            AuthorityRefused, BadConfig: as `make`.
        """
        signer = self._signer(now)
        return {
            venue.venue_id: [
                self._signed(signer, venue, room, now, None) for room in rooms_of(venue)
            ]
            for venue in venues
        }

    def _signer(self, now: datetime) -> "_Signer":
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
        return _Signer(key, today, last)

    def _signed(
        self,
        signer: "_Signer",
        venue: Venue,
        room: str,
        now: datetime,
        register_key: bytes | None,
    ) -> VenueCardRow:
        seed = self._entropy(SEED_BYTES)
        card = self._card(venue, room, now, register_key, seed, signer.from_day, signer.to_day)
        signed = read_card(sign(card.encoded(), signer.key))
        return VenueCardRow(venue.venue_id, room, signed, now)

    def differ(
        self, before: Venue, after: Venue, room: str, now: datetime, register_key: bytes | None
    ) -> bool:
        """Tell whether the card of *room* says something else *after* than *before*."""
        one, other = (
            self._card(venue, room, now, register_key, bytes(SEED_BYTES), 0, 1)
            for venue in (before, after)
        )
        return one.encoded() != other.encoded()

    def _card(
        self,
        venue: Venue,
        room: str,
        now: datetime,
        register_key: bytes | None,
        seed: bytes,
        from_day: int,
        to_day: int,
    ) -> Card:
        flags = CardFlag(venue.flags)
        if self.requires_register(venue, now):
            flags |= CardFlag.REGISTER_REQUIRED
        if register_key is None:
            # Nothing can be sealed before there is a kiosk that could open it.
            flags &= ~CardFlag.REGISTER_REQUIRED
        hours = None
        if venue.opens is not None and venue.closes is not None:
            hours = (venue.opens, venue.closes)
        return Card(
            venue.venue_id,
            venue.name,
            venue.commune,
            VenueKind(venue.kind),
            seed,
            from_day,
            to_day,
            venue.stay_minutes,
            register_key,
            room,
            flags,
            venue.edition,
            venue.address,
            hours,
        )


@dataclass(frozen=True, slots=True)
class _Signer:
    """The key of today, and the days that it signs for."""

    key: Ed25519PrivateKey
    from_day: int
    to_day: int


def rooms_of(venue: Venue) -> tuple[str, ...]:
    """Return all that have a card: the place as a whole, and its rooms."""
    return (WHOLE, *venue.rooms)


def end_of_tomorrow(now: datetime) -> datetime:
    """Return the midnight, Vietnam's time, in which tomorrow ends."""
    today = now.astimezone(VIETNAM).replace(hour=0, minute=0, second=0, microsecond=0)
    return (today + timedelta(days=2)).astimezone(UTC)
