"""The registrar's desk for places on a database file, for tests of its services."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from bluezone_node.authority.people.audit import ChainedTrail
from bluezone_node.authority.places.kiosks import DerivedKiosks
from bluezone_node.authority.places.orders import VenueOrder
from bluezone_node.authority.ports.accounts import Actor
from bluezone_node.authority.settings import PlacesSettings, RealmSettings
from bluezone_node.clock import SimClock
from bluezone_node.ports import Entropy
from bluezone_node.store.authority import registry_tables
from bluezone_node.store.authority.database import Database
from bluezone_node.store.authority.place_keys import PlaceKeys
from bluezone_node.store.authority.venues import SqlVenues
from bluezone_node.wiring.venues import venue_parts
from tests.authorities import NOW, Telephones, seeded
from tests.staff import MemoryAudit

REALMS = (RealmSettings("01"), RealmSettings("79"))
ISSUER = Actor("tram", "79", "issuer")
CHIEF = Actor("chief", "79", "supervisor")
MARKET = VenueOrder("Chợ Bến Thành", 5, 26740, address="Lê Lợi", rooms=("Khu A",))


class VenueDesk:
    """The services of places, and what they work with."""

    def __init__(
        self,
        folder: Path,
        settings: PlacesSettings | None = None,
        realms: Sequence[RealmSettings] = REALMS,
        entropy: Entropy | None = None,
    ) -> None:
        """*entropy*: the same in every run, if none is given."""
        self.engine = Database(registry_tables.LAYOUT, folder / "registry.db").open()
        (folder / "keys").mkdir(exist_ok=True)
        self.keys = PlaceKeys(folder)
        if not self.keys.exist:
            self.keys.make(NOW)
        self.clock, self.telephones = SimClock(NOW), Telephones()
        self.store = SqlVenues(self.engine)
        self.kiosks = DerivedKiosks(self.store, self.keys, self.clock)
        trail = ChainedTrail(MemoryAudit(), self.clock, timedelta(days=366), secret=b"c" * 32)
        self.trail = trail
        parts = venue_parts(
            self.engine,
            self.keys,
            trail,
            self.telephones,
            self.clock,
            entropy or seeded(3),
            realms=realms,
            settings=settings or PlacesSettings(),
            address="https://registrar.example",
        )
        self.communes, self.commune_lists = parts.communes, parts.commune_lists
        self.directory, self.venues, self.renewal = parts.directory, parts.venues, parts.renewal
        self.kiosk_files, self.claims, self.bulk = parts.kiosk_files, parts.claims, parts.bulk
