"""The authority's HTTP application, made of the services that a process has."""

import os
from typing import TYPE_CHECKING

from bluezone_node.ports import Clock
from bluezone_node.wiring.authority import AuthorityParts
from bluezone_node.wiring.shelves import bucket_of

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.routing import BaseRoute

    from bluezone_node.store.authority.folder import AuthorityFolder


def authority_app(folder: "AuthorityFolder", parts: AuthorityParts, clock: Clock) -> "Starlette":
    """Return the application that serves *parts*."""
    from bluezone_node.web import app
    from bluezone_node.web.limit import AddressLimit
    from bluezone_node.web.metrics import Meters
    from bluezone_node.web.routes.mirror import MIRRORS, mirror_routes
    from bluezone_node.web.routes.places import PER_MINUTE, bundle_routes, kiosk_routes
    from bluezone_node.web.routes.statistics import statistics_routes
    from bluezone_node.web.routes.warrants import PER_MINUTE as WARRANTS_PER_MINUTE
    from bluezone_node.web.routes.warrants import warrant_routes
    from bluezone_node.web.watch import Watch
    from bluezone_node.wiring.console import routes_of_console
    from bluezone_node.wiring.notices import SERIES
    from bluezone_node.wiring.watch import looks_of

    routes: list[BaseRoute] = []
    if parts.verification is not None and parts.issuing is not None:
        per_minute = folder.settings.registrar.verify_per_minute
        routes += app.registrar_routes(
            parts.verification, parts.issuing, clock, os.urandom, folder.api_keys(), per_minute
        )
    if parts.notices is not None:
        limit = AddressLimit(clock, PER_MINUTE)
        routes += kiosk_routes(parts.notices.proposals, limit, os.urandom)
        if parts.register is not None:
            routes += warrant_routes(
                parts.notices.proposals.desk,
                parts.register.openings,
                AddressLimit(clock, WARRANTS_PER_MINUTE),
                os.urandom,
            )
        if bucket_of(folder) is None:
            # Before the publisher's, whose address is the beginning of this one.
            routes += bundle_routes(folder.exports / SERIES)
    if parts.publisher is not None:
        # What lies in a bucket is handed out from there.
        exports = folder.exports if bucket_of(folder) is None else None
        routes += app.publisher_routes(parts.publisher, os.urandom, exports)
    if parts.statistics_desk is not None:
        routes += statistics_routes(parts.statistics_desk, os.urandom)
    routes += routes_of_console(folder, parts, clock)
    if (mirrors := folder.path / MIRRORS).is_dir():
        routes += mirror_routes(mirrors)
    meters, watch = Meters(), Watch(looks_of(parts, clock))
    routes += app.watch_routes(watch, meters, folder.settings.serve.metrics_from)
    return app.build_app(routes, meters.tell)
