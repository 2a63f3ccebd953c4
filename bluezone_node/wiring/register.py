"""The register of names at the authority: warrants, and the keys of its days."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bluezone_node.ports import Clock

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from sqlalchemy import Engine

    from bluezone_node.authority.places.day_keys import DayKeyRing
    from bluezone_node.authority.places.openings import Openings
    from bluezone_node.authority.places.warrants import Warrants
    from bluezone_node.authority.ports.audit import AuditTrail
    from bluezone_node.store.authority.folder import AuthorityFolder


@dataclass(frozen=True, slots=True)
class RegisterParts:
    """The services of the register."""

    warrants: "Warrants"
    openings: "Openings"
    day_keys: "DayKeyRing"


def register_of(
    folder: "AuthorityFolder", engine: "Engine", audit: "AuditTrail", clock: Clock
) -> RegisterParts | None:
    """Return the services on the registrar's database; None: the places' keys were never made."""
    from bluezone_node.authority.places.day_keys import DayKeyRing
    from bluezone_node.authority.places.openings import Openings
    from bluezone_node.authority.places.warrants import Warrants
    from bluezone_node.crypto.cose import public_bytes
    from bluezone_node.store.authority.day_keys import FolderDayKeys
    from bluezone_node.store.authority.venues import SqlVenues
    from bluezone_node.store.authority.warrants import SqlWarrants

    keys, days, venues = folder.place_keys(), FolderDayKeys(folder.path), SqlVenues(engine)
    if not keys.exist:
        return None

    def realm_of(venue_id: bytes) -> str | None:
        venue = venues.venue(venue_id)
        return None if venue is None else venue.realm

    def signing() -> "tuple[Ed25519PrivateKey, str]":
        key = keys.register()
        own = public_bytes(key)
        listed = (each for each in keys.trust_list().keys if each.public_key == own)
        return key, next((each.province for each in listed), "*")

    store = SqlWarrants(engine)
    warrants = Warrants(store, audit, clock, os.urandom, keys.trust_list, realm_of)
    return RegisterParts(
        warrants,
        Openings(warrants, store, days.private, audit, clock),
        DayKeyRing(days, signing, clock),
    )
