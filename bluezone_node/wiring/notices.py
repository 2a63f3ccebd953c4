"""What an authority warns of places with: notices, their bundles, and kiosks' proposals."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bluezone_node.ports import Clock
from bluezone_node.wiring.shelves import open_shelf

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from bluezone_node.authority.places.breaker import AlertBreaker
    from bluezone_node.authority.places.bundles import Bundles
    from bluezone_node.authority.places.day_keys import DayKeyRing
    from bluezone_node.authority.places.directory import Directory
    from bluezone_node.authority.places.notices import Notices
    from bluezone_node.authority.places.proposals import Proposals
    from bluezone_node.authority.ports.audit import AuditTrail
    from bluezone_node.store.authority.folder import AuthorityFolder

SERIES = "places"
"""Of the shelf."""


@dataclass(frozen=True, slots=True)
class NoticeParts:
    """The services of notices."""

    directory: "Directory"
    notices: "Notices"
    bundles: "Bundles"
    proposals: "Proposals"
    breaker: "AlertBreaker"


def notices_of(
    folder: "AuthorityFolder",
    engine: "Engine",
    audit: "AuditTrail",
    day_keys: "DayKeyRing",
    clock: Clock,
) -> NoticeParts | None:
    """Return the services on the registrar's database; None: the places' keys were never made."""
    from bluezone_node.authority.places.breaker import AlertBreaker
    from bluezone_node.authority.places.bundles import Bundles
    from bluezone_node.authority.places.directory import Directory
    from bluezone_node.authority.places.kiosks import DerivedKiosks
    from bluezone_node.authority.places.notices import Notices
    from bluezone_node.authority.places.proposals import Proposals
    from bluezone_node.store.authority.bundles import SqlBundles
    from bluezone_node.store.authority.notices import SqlNotices
    from bluezone_node.store.authority.proposals import SqlProposals
    from bluezone_node.store.authority.venues import SqlVenues

    keys, settings = folder.place_keys(), folder.settings
    if not keys.exist:
        return None
    venues = SqlVenues(engine)
    kiosks = DerivedKiosks(venues, keys, clock)
    store, realms = SqlNotices(engine), [realm.id for realm in settings.registrar.realms]
    directory = Directory(venues, clock, settings.registrar.realms)
    notices = Notices(
        store,
        venues,
        directory,
        kiosks,
        audit,
        clock,
        os.urandom,
        days=settings.places.notice_days,
    )
    return NoticeParts(
        directory,
        notices,
        Bundles(
            SqlBundles(engine),
            open_shelf(folder, SERIES),
            keys,
            clock,
            os.urandom,
            day_keys.published,
        ),
        Proposals(SqlProposals(engine), venues, kiosks, notices, audit, clock),
        AlertBreaker(store, audit, clock, realms),
    )
