"""What an authority registers places with."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bluezone_node.ports import Clock

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from bluezone_node.authority.places.bulk import BulkVenues
    from bluezone_node.authority.places.claims import Claims
    from bluezone_node.authority.places.venues import Venues
    from bluezone_node.authority.ports.audit import AuditTrail
    from bluezone_node.authority.ports.messages import Messenger
    from bluezone_node.store.authority.folder import AuthorityFolder


@dataclass(frozen=True, slots=True)
class VenueParts:
    """The services of places."""

    venues: "Venues"
    claims: "Claims"
    bulk: "BulkVenues"


def venues_of(
    folder: "AuthorityFolder",
    engine: "Engine",
    audit: "AuditTrail",
    messenger: "Messenger",
    clock: Clock,
) -> VenueParts | None:
    """Return the services on the registrar's database; None: the places' keys were never made."""
    from bluezone_node.authority.places.bulk import BulkVenues
    from bluezone_node.authority.places.claims import Claims
    from bluezone_node.authority.places.kiosks import DerivedKiosks
    from bluezone_node.authority.places.venues import Venues
    from bluezone_node.store.authority.allowances import SqlAllowances
    from bluezone_node.store.authority.venues import SqlVenues

    keys, settings = folder.place_keys(), folder.settings
    if not keys.exist:
        return None
    store, realms = SqlVenues(engine), settings.registrar.realms
    venues = Venues(
        store,
        keys,
        DerivedKiosks(store, keys, clock),
        audit,
        clock,
        os.urandom,
        realms=realms,
        settings=settings.places,
        address=address_of(folder),
    )
    claims = Claims(
        store,
        keys,
        messenger,
        SqlAllowances(engine),
        audit,
        clock,
        os.urandom,
        realms=realms,
        settings=settings.places,
    )
    return VenueParts(venues, claims, BulkVenues(store, venues, audit, clock, os.urandom))


def address_of(folder: "AuthorityFolder") -> str:
    """Return where kiosks find this server."""
    settings = folder.settings
    return settings.places.url or settings.registrar.public_url or f"http://{settings.serve.listen}"
