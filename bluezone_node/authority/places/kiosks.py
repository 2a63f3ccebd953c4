"""Secrets of kiosks: derived, so that proofs of presence can be checked though none is kept."""

import hmac
from base64 import urlsafe_b64encode
from datetime import datetime

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bluezone_node.authority.ports.venues import CardKeys, Kiosk, VenueStore
from bluezone_node.ports import Clock

MAX_BEARER = 64
"""Characters of what a kiosk names itself by; a right one has 44."""


class DerivedKiosks:
    """`KioskSecrets` from the places' one secret. Every method blocks on the store."""

    def __init__(self, store: VenueStore, keys: CardKeys, clock: Clock) -> None:
        self._store = store
        self._keys = keys
        self._clock = clock

    def secret(self, venue_id: bytes, room: str, number: int) -> bytes:
        """Return the 32 bytes that the kiosk of a room has in its file; *number*: from 1."""
        what = b"kiosk\0" + venue_id + number.to_bytes(4) + room.encode()
        return hmac.digest(self._keys.secret(), what, "sha256")

    def entry(self, venue_id: bytes, room: str, number: int, now: datetime) -> Kiosk:
        """Return what is kept of that kiosk."""
        bearer = urlsafe_b64encode(_derived(self.secret(venue_id, room, number), b"VNP1-API"))
        return Kiosk(self._digest(bearer.decode()), venue_id, room, number, now)

    def by_bearer(self, bearer: str) -> Kiosk | None:
        if not bearer.isascii() or len(bearer) > MAX_BEARER:
            return None
        found = self._store.kiosk(self._digest(bearer))
        if found is None or found.revoked is not None:
            return None
        self._store.kiosk_seen(found.digest, self._clock.now())
        return found

    def proof_keys(self, venue_id: bytes, room: str, since: datetime) -> list[bytes]:
        used = [
            kiosk
            for kiosk in self._store.kiosks(venue_id)
            if kiosk.room == room and (kiosk.revoked is None or kiosk.revoked > since)
        ]
        return [
            _derived(self.secret(venue_id, room, kiosk.number), b"VNP1-DYN")
            for kiosk in reversed(used)
        ]

    def _digest(self, bearer: str) -> bytes:
        return hmac.digest(self._keys.secret(), b"kiosk bearer\0" + bearer.encode(), "sha256")


def _derived(secret: bytes, label: bytes) -> bytes:
    return HKDF(SHA256(), 32, b"", label).derive(secret)
