"""An owner registers a place: what is claimed waits for six digits that go to their telephone.

Until they come back, the claim is kept sealed under a key that only the owner's browser has: the
database then holds nobody's number who did not mean to give it.  What is answered never tells
whether a place or a number is known.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from bluezone_node.authority.addresses import subscriber
from bluezone_node.authority.limits import TooManyAttempts
from bluezone_node.authority.phones import parse_phone
from bluezone_node.authority.places.communes import Communes
from bluezone_node.authority.places.orders import VenueOrder, order_of, venue_of
from bluezone_node.authority.ports.accounts import ISSUER, Actor
from bluezone_node.authority.ports.allowances import Allowances, Rate
from bluezone_node.authority.ports.audit import AuditTrail
from bluezone_node.authority.ports.messages import MessageNotSent, Messenger
from bluezone_node.authority.ports.venues import (
    CardKeys,
    PendingClaim,
    Redeemed,
    Venue,
    VenueStore,
)
from bluezone_node.authority.settings import PlacesSettings, RealmSettings
from bluezone_node.errors import AuthorityRefused
from bluezone_node.ports import Clock, Entropy
from bluezone_node.venues.card import VENUE_ID_BYTES

TOKEN_BYTES = 32
CODE_DIGITS = 6
MOST_WRONG = 5
"""Codes that may be wrong before a claim is over: with three claims a day for a number, somebody
who does not have that telephone succeeds once in two hundred years of trying."""
OWNER = "owner:"
"""Whom the audit trail names: no person's name, no user can be called that."""

_NONCE = bytes(12)
"""Each key seals once."""
_TEXTS = {
    "vi": "Ma xac nhan dang ky dia diem: {code}, dung trong {minutes} phut. Khong dua cho ai.",
    "en": "Code to register your place: {code}, good for {minutes} minutes. Give it to nobody.",
}
"""Vietnamese without diacritics: one message, on every telephone."""


@dataclass(frozen=True, slots=True)
class ClaimTicket:
    """What the owner's browser keeps until the code is typed."""

    token: str = field(repr=False)
    expires: datetime


class Claims:
    """Takes claims from the public. Every method blocks on the stores."""

    def __init__(
        self,
        store: VenueStore,
        communes: Communes,
        keys: CardKeys,
        messenger: Messenger,
        allowances: Allowances,
        audit: AuditTrail,
        clock: Clock,
        entropy: Entropy,
        *,
        realms: Sequence[RealmSettings],
        settings: PlacesSettings,
    ) -> None:
        self._store = store
        self._communes = communes
        self._keys = keys
        self._messenger = messenger
        self._allowances = allowances
        self._audit = audit
        self._clock = clock
        self._entropy = entropy
        self._realms = realms
        self._settings = settings
        self._life = timedelta(minutes=settings.claim_minutes)

    @property
    def realms(self) -> Sequence[RealmSettings]:
        """The provinces that places may be registered in."""
        return self._realms

    def claim(self, order: VenueOrder, *, address: str, language: str = "vi") -> ClaimTicket:
        """Send a code to the telephone of *order*, and return what `confirm` wants with it.

        *address*: of who asks, on the network; empty: it has none. *language*: vi, en.

        Raises:
            AuthorityRefused: reason ``unknown_realm``, ``invalid_phone``, ``commune_unknown``,
                ``too_many_requests`` (with seconds to wait), ``sms_failure``, or one of
                `orders.venue_of`.
            BadInput: as `orders.venue_of`.
        """
        now = self._clock.now()
        phone = parse_phone(order.contact)
        venue = venue_of(order, bytes(VENUE_ID_BYTES), self._realm(order.realm), now)
        self._communes.check(venue)
        self._take(phone, address, now)
        token, code = self._entropy(TOKEN_BYTES), self._code()
        claim = PendingClaim(
            self._digest("claim", token),
            self._digest("code", token + code.encode()),
            _seal(token, order_of(venue)),
            0,
            now + self._life,
        )
        self._store.add_claim(claim)
        text = _TEXTS[language].format(code=code, minutes=self._settings.claim_minutes)
        try:
            self._messenger.send(phone, text)
        except MessageNotSent:
            raise AuthorityRefused(
                "The message with the code could not be sent.",
                reason="sms_failure",
                hint="try again later, or ask the health authority to register the place",
            ) from None
        return ClaimTicket(token.hex(), claim.expires)

    def confirm(self, token: str, code: str) -> bytes:
        """Keep the claim for an officer to look at; return the place's id. Again: the same.

        Raises:
            AuthorityRefused: reason ``claim_code_wrong``, or ``claim_over``: it is unknown, has
                expired, or too many codes were wrong.
        """
        now = self._clock.now()
        try:
            secret = bytes.fromhex(token)
        except ValueError:
            secret = b""
        digits = "".join(each for each in code if each.isascii() and each.isdigit())
        venue_id = self._digest("venue", secret)[:VENUE_ID_BYTES]
        if (known := self._store.venue(venue_id)) is not None:
            # The form came twice: by then the claim is gone, and the place is there.
            return known.venue_id

        def kept(sealed: bytes) -> Venue:
            found = _open(secret, sealed)
            return venue_of(found, venue_id, found.realm, now)

        became = self._store.redeem(
            self._digest("claim", secret),
            self._digest("code", secret + digits.encode()),
            now,
            MOST_WRONG,
            kept,
        )
        if became is Redeemed.WRONG:
            raise AuthorityRefused(
                "The code is not the one that was sent.", reason="claim_code_wrong"
            )
        if became is Redeemed.OVER:
            raise AuthorityRefused(
                "The code is not good any more: it has expired, or was wrong too often.",
                reason="claim_over",
                hint="register the place once more, and another code will be sent",
            )
        # After, for once: before the code was compared there was nothing to write down.
        if (venue := self._store.venue(venue_id)) is not None:
            owner = Actor(OWNER, venue.realm, ISSUER)
            self._audit.record(owner, "venue_claimed", venue_id.hex())
        return venue_id

    def forget(self) -> int:
        """Remove claims that expired; return how many."""
        return self._store.forget(self._clock.now())

    def _realm(self, realm_id: str) -> str:
        known = [realm.id for realm in self._realms]
        if not realm_id and len(known) == 1:
            return known[0]
        if realm_id not in known:
            raise AuthorityRefused("Choose the province of the place.", reason="unknown_realm")
        return realm_id

    def _take(self, phone: str, address: str, now: datetime) -> None:
        hour, day = timedelta(hours=1), timedelta(days=1)
        limits = [
            ("phone", phone, Rate(self._settings.claims_per_phone, day)),
            ("all", "", Rate(self._settings.claims_per_day, day)),
        ]
        if address:
            each = Rate(self._settings.claims_per_address, hour)
            limits.insert(0, ("address", subscriber(address), each))
        for kind, name, rate in limits:
            bucket = self._digest("allowance", f"{kind}:{name}".encode())
            if wait := self._allowances.take(bucket, rate, now):
                # One sentence for all: whether it was the number is nobody's business.
                raise TooManyAttempts("Too many places are being registered.", wait)

    def _code(self) -> str:
        # 64 bits: what is left of the remainder's bias is 5 in 10¹⁴.
        number = int.from_bytes(self._entropy(8)) % 10**CODE_DIGITS
        return f"{number:0{CODE_DIGITS}}"

    def _digest(self, label: str, data: bytes) -> bytes:
        return hmac.digest(self._keys.secret(), f"claim {label}\0".encode() + data, "sha256")


def _seal(token: bytes, order: VenueOrder) -> bytes:
    return ChaCha20Poly1305(_key(token)).encrypt(_NONCE, msgspec.json.encode(order), None)


def _open(token: bytes, sealed: bytes) -> VenueOrder:
    try:
        plain = ChaCha20Poly1305(_key(token)).decrypt(_NONCE, sealed, None)
        return msgspec.json.decode(plain, type=VenueOrder)
    except (InvalidTag, msgspec.DecodeError):
        raise AuthorityRefused("The claim is damaged.", reason="claim_over") from None


def _key(token: bytes) -> bytes:
    return hmac.digest(token, b"place claim", "sha256")
