"""What an authority registers places with."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bluezone_node.ports import Clock, Entropy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine

    from bluezone_node.authority.places.bulk import BulkVenues
    from bluezone_node.authority.places.claims import Claims
    from bluezone_node.authority.places.commune_lists import CommuneLists
    from bluezone_node.authority.places.communes import Communes
    from bluezone_node.authority.places.directory import Directory
    from bluezone_node.authority.places.kiosk_files import KioskFiles
    from bluezone_node.authority.places.renewal import Renewal
    from bluezone_node.authority.places.venues import Venues
    from bluezone_node.authority.ports.audit import AuditTrail
    from bluezone_node.authority.ports.messages import Messenger
    from bluezone_node.authority.settings import PlacesSettings, RealmSettings
    from bluezone_node.store.authority.folder import AuthorityFolder
    from bluezone_node.store.authority.place_keys import PlaceKeys


@dataclass(frozen=True, slots=True)
class VenueParts:
    """The services of places."""

    communes: "Communes"
    commune_lists: "CommuneLists"
    directory: "Directory"
    venues: "Venues"
    renewal: "Renewal"
    kiosk_files: "KioskFiles"
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
    keys, settings = folder.place_keys(), folder.settings
    if not keys.exist:
        return None
    return venue_parts(
        engine,
        keys,
        audit,
        messenger,
        clock,
        os.urandom,
        realms=settings.registrar.realms,
        settings=settings.places,
        address=address_of(folder),
    )


def venue_parts(
    engine: "Engine",
    keys: "PlaceKeys",
    audit: "AuditTrail",
    messenger: "Messenger",
    clock: Clock,
    entropy: Entropy,
    *,
    realms: "Sequence[RealmSettings]",
    settings: "PlacesSettings",
    address: str,
) -> VenueParts:
    """Return the services. *address*: where kiosks find this server."""
    from bluezone_node.authority.places.bulk import BulkVenues
    from bluezone_node.authority.places.cards import CardMaker
    from bluezone_node.authority.places.claims import Claims
    from bluezone_node.authority.places.commune_lists import CommuneLists
    from bluezone_node.authority.places.communes import Communes
    from bluezone_node.authority.places.directory import Directory
    from bluezone_node.authority.places.kiosk_files import KioskFiles
    from bluezone_node.authority.places.kiosks import DerivedKiosks
    from bluezone_node.authority.places.renewal import Renewal
    from bluezone_node.authority.places.venues import Venues
    from bluezone_node.store.authority.allowances import SqlAllowances
    from bluezone_node.store.authority.communes import SqlCommunes
    from bluezone_node.store.authority.venues import SqlVenues

    store = SqlVenues(engine)
    listed = SqlCommunes(engine)
    communes = Communes(listed, realms)
    directory = Directory(store, clock, realms)
    maker = CardMaker(keys, entropy, days=settings.card_days, registers=settings.registers)
    venues = Venues(store, directory, communes, maker, audit, clock, entropy)
    kiosks = DerivedKiosks(store, keys, clock)
    return VenueParts(
        communes,
        CommuneLists(listed, audit),
        directory,
        venues,
        Renewal(store, directory, communes, maker, audit, clock),
        KioskFiles(store, directory, maker, kiosks, keys, audit, clock, entropy, address=address),
        Claims(
            store,
            communes,
            keys,
            messenger,
            SqlAllowances(engine),
            audit,
            clock,
            entropy,
            realms=realms,
            settings=settings,
        ),
        BulkVenues(store, directory, communes, venues, audit, clock, entropy),
    )


def address_of(folder: "AuthorityFolder") -> str:
    """Return where kiosks find this server."""
    settings = folder.settings
    return settings.places.url or settings.registrar.public_url or f"http://{settings.serve.listen}"
