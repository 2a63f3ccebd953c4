"""Whose signatures count: a list of keys and their roles, signed by a root that is pinned.

The root's private key is used a few times a year and lies on a stick in a safe; the keys of the
list do the daily work, each for one role and one province, each for a time.  Bytes:
docs/protocol-places.md, "Trust list".
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bluezone_node.crypto.cose import (
    Signed,
    are_whole,
    decode_map,
    encode,
    key_id_of,
    read_signed,
    sign,
)
from bluezone_node.errors import BadInput
from bluezone_node.intervals import from_unix, to_unix
from bluezone_node.venues.card import Card, SignedCard, day_number

MAX_TRUST_BYTES = 256 * 1024
"""Of a trust list: room for some 3000 keys; a country of 34 provinces has a few hundred."""
REVOKED_PREFIX_BYTES = 8
"""Of a location id, where a card is revoked: 64 bits do not meet by chance."""
PUBLIC_KEY_BYTES = 32
MAX_PROVINCE_BYTES = 60
ANYWHERE = "*"
"""Province of who works for all."""

_MARK = "VNP1T"


class Role(IntEnum):
    """What a key of the list may sign."""

    CARDS = 1
    NOTICES = 2
    REGISTER = 3
    """Lists of the day keys that contact data are sealed to."""
    WARRANT_REQUEST = 4
    WARRANT_APPROVE = 5


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """One key that may sign one kind of thing for some time."""

    public_key: bytes
    """Ed25519, 32 bytes."""
    role: Role
    province: str
    """Realm of the authority it belongs to; ``*``: all."""
    start: datetime
    end: datetime
    """It signs in [start, end)."""
    revoked: datetime | None = None
    """When it was found to be in wrong hands; nothing that it signed counts, whenever that was and
    whatever other entries it has: who has it can write any date."""

    @property
    def key_id(self) -> bytes:
        return key_id_of(self.public_key)


@dataclass(frozen=True, slots=True)
class TrustList:
    """The keys that count; believed because the root signed it."""

    sequence: int
    """From 1; a list with a lower number than one already seen is refused."""
    created: datetime
    keys: tuple[TrustedKey, ...]

    def find(
        self, key_id: bytes, role: Role, at: datetime, province: str | None = None
    ) -> TrustedKey | None:
        """Return the key of that name which may do that at that time.

        *province*: where it must be allowed to; None: anywhere.
        """
        if self._is_revoked(key_id):
            return None
        return next(
            (
                key
                for key in self.keys_of(key_id, role)
                if key.start <= at < key.end
                and (province is None or key.province in (ANYWHERE, province))
            ),
            None,
        )

    def vouches(self, signed: Signed, role: Role) -> bool:
        """Tell whether a key that may do that at some time made the signature."""
        return not self._is_revoked(signed.key_id) and any(
            signed.verify(key.public_key) for key in self.keys_of(signed.key_id, role)
        )

    def keys_of(self, key_id: bytes, role: Role) -> list[TrustedKey]:
        """Return all of that name and role, whether they count now or not."""
        return [key for key in self.keys if key.role is role and key.key_id == key_id]

    def _is_revoked(self, key_id: bytes) -> bool:
        return any(key.revoked is not None for key in self.keys if key.key_id == key_id)


def write_trust_list(trust: TrustList, root: Ed25519PrivateKey) -> bytes:
    """Return *trust* as a COSE_Sign1 of the *root*."""
    keys = [
        [
            key.public_key,
            int(key.role),
            key.province,
            to_unix(key.start),
            to_unix(key.end),
            key.revoked and to_unix(key.revoked),
        ]
        for key in trust.keys
    ]
    return sign(encode({1: _MARK, 2: trust.sequence, 3: to_unix(trust.created), 4: keys}), root)


def read_trust_list(
    data: bytes, root_public_key: bytes, known: TrustList | None = None
) -> TrustList:
    """Return the list in *data*, signed by the pinned root.

    *known*: the last list that was accepted.

    Raises:
        BadInput: reason ``trust_oversized``, ``trust_malformed``, ``trust_forged`` or
            ``trust_rolled_back`` (older than *known*), or one of `crypto.cose.read_signed`.
    """
    signed = _signed(data)
    if not signed.verify(root_public_key):
        raise BadInput(
            "The trust list is not signed by the pinned root.",
            reason="trust_forged",
            hint="compare the root's key with the one that the authority has made public",
        )
    trust = _list_of(signed.payload)
    if known is not None and (
        trust.sequence < known.sequence or (trust.sequence == known.sequence and trust != known)
    ):
        raise BadInput(
            "The trust list is older than one that was seen before.", reason="trust_rolled_back"
        )
    return trust


def read_handed_list(data: bytes) -> TrustList:
    """Return the list in *data*, whoever signed it: for a person who vouches for the file.

    Raises:
        BadInput: reason ``trust_oversized`` or ``trust_malformed``, or one of
            `crypto.cose.read_signed`.
    """
    return _list_of(_signed(data).payload)


def accept_card(
    signed: SignedCard, trust: TrustList, at: datetime, revoked: Collection[bytes] = ()
) -> Card:
    """Return the card where it is genuine and valid at that time.

    *revoked*: the first 8 bytes of the location ids of cards that count no more.

    Raises:
        BadInput: reason ``card_unknown_signer``, ``card_forged``, ``card_revoked``,
            ``card_not_yet`` or ``card_expired``, each a sentence for the visitor.
    """
    key = trust.find(signed.key_id, Role.CARDS, at)
    if key is None:
        raise BadInput(
            "The code is not signed by a registrar that is trusted now.",
            reason="card_unknown_signer",
            hint="tell whoever runs the place; it may be forged, or out of date",
        )
    if not is_signed_by(signed, key):
        raise BadInput(
            "The code is forged: its signature is not the registrar's.",
            reason="card_forged",
            hint="do not use it, and tell whoever runs the place that somebody pasted it there",
        )
    if signed.location_id[:REVOKED_PREFIX_BYTES] in revoked:
        raise BadInput(
            "The code was withdrawn by the registrar.",
            reason="card_revoked",
            hint="the place has a newer one, or is closed",
        )
    today = day_number(at)
    if today < signed.card.from_day:
        raise BadInput("The code is not valid yet.", reason="card_not_yet")
    if today >= signed.card.to_day:
        raise BadInput(
            "The code is not valid any more.",
            reason="card_expired",
            hint="the place should print its new one",
        )
    return signed.card


def is_signed_by(signed: SignedCard, key: TrustedKey) -> bool:
    """Tell whether *key* made the signature of the card."""
    return read_signed(signed.cose).verify(key.public_key)


def _signed(data: bytes) -> Signed:
    if len(data) > MAX_TRUST_BYTES:
        raise BadInput("It is longer than any trust list.", reason="trust_oversized")
    return read_signed(data)


def _list_of(payload: bytes) -> TrustList:
    match decode_map(payload):
        case {1: str(mark), 2: int(sequence), 3: int(created), 4: list(entries), **rest} if (
            mark == _MARK and not rest and are_whole(sequence, created) and 0 < sequence < 2**32
        ):
            return TrustList(sequence, _instant(created), tuple(map(_key_of, entries)))
    raise _malformed()


def _key_of(entry: Any) -> TrustedKey:
    match entry:
        case [bytes(public_key), int(role), str(province), int(start), int(end), revoked] if (
            len(public_key) == PUBLIC_KEY_BYTES
            and are_whole(role, start, end)
            and role in {*Role}
            and 0 < len(province.encode()) <= MAX_PROVINCE_BYTES
            and (revoked is None or are_whole(revoked))
        ):
            return TrustedKey(
                public_key,
                Role(role),
                province,
                _instant(start),
                _instant(end),
                None if revoked is None else _instant(revoked),
            )
    raise _malformed()


def _instant(seconds: int) -> datetime:
    if not 0 <= seconds < 2**32:
        raise _malformed()
    return from_unix(seconds)


def _malformed() -> BadInput:
    return BadInput("What the root signed is no trust list.", reason="trust_malformed")
