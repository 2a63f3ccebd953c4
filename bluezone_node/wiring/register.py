"""The register of names at the authority: warrants, and the keys of its days."""

from typing import TYPE_CHECKING

from bluezone_node.ports import Clock

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from sqlalchemy import Engine

    from bluezone_node.authority.places.day_keys import DayKeyRing
    from bluezone_node.authority.places.warrants import Warrants
    from bluezone_node.authority.ports.audit import AuditTrail
    from bluezone_node.authority.ports.venues import VenueStore
    from bluezone_node.store.authority.folder import AuthorityFolder


def open_warrants(
    folder: "AuthorityFolder",
    engine: "Engine",
    venues: "VenueStore",
    audit: "AuditTrail",
    clock: Clock,
) -> "tuple[Warrants, DayKeyRing]":
    """Return the registrar's warrants, and the keys of days that they are read with."""
    from bluezone_node.authority.places.day_keys import DayKeyRing
    from bluezone_node.authority.places.warrants import Warrants
    from bluezone_node.crypto.cose import public_bytes
    from bluezone_node.store.authority.day_keys import FolderDayKeys
    from bluezone_node.store.authority.place_keys import PlaceKeys
    from bluezone_node.store.authority.warrants import SqlWarrants

    keys, days = PlaceKeys(folder.path), FolderDayKeys(folder.path)

    def realm_of(venue_id: bytes) -> str | None:
        venue = venues.venue(venue_id)
        return None if venue is None else venue.realm

    def signing() -> "tuple[Ed25519PrivateKey, str]":
        key = keys.register()
        own = public_bytes(key)
        listed = (each for each in keys.trust_list().keys if each.public_key == own)
        return key, next((each.province for each in listed), "*")

    warrants = Warrants(SqlWarrants(engine), days, audit, clock, keys.trust_list, realm_of)
    return warrants, DayKeyRing(days, signing, clock)
