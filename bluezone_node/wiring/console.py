"""The console of an authority: its pages over the services of this process."""

import os
from typing import TYPE_CHECKING

from bluezone_node.ports import Clock
from bluezone_node.wiring.authority import AuthorityParts

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from bluezone_node.store.authority.folder import AuthorityFolder


def routes_of_console(
    folder: "AuthorityFolder", parts: AuthorityParts, clock: Clock
) -> "list[BaseRoute]":
    """Return the console's routes; none where it is switched off, or the registrar elsewhere."""
    from bluezone_node.web.console.exports import Publication
    from bluezone_node.web.console.notices import Warnings
    from bluezone_node.web.console.places import Places
    from bluezone_node.web.console.routes import ConsoleParts, console_routes

    settings = folder.settings
    if (
        not settings.console.enabled
        or parts.accounts is None
        or parts.issuing is None
        or parts.audit is None
        or parts.shown is None
    ):
        return []
    publication = None
    if parts.exporter is not None:
        publication = Publication(parts.exporter.health, folder.export_keys().ring, settings.export)
    venues = warnings = None
    if parts.notices is not None:
        told = parts.notices
        warnings = Warnings(told.directory, told.notices, told.proposals, told.breaker)
    if parts.places is not None:
        claims = parts.places.claims if settings.places.claims else None
        venues = Places(
            parts.places.communes,
            parts.places.directory,
            parts.places.venues,
            parts.places.renewal,
            parts.places.kiosk_files,
            claims,
            settings.places.host,
        )
    console = ConsoleParts(
        parts.accounts,
        parts.issuing,
        parts.audit,
        parts.tallies["registrar"],
        parts.shown,
        parts.statistics,
        publication,
        warnings,
        venues,
        parts.places.bulk if parts.places is not None else None,
        parts.register.warrants if parts.register is not None else None,
        parts.register.openings if parts.register is not None else None,
    )
    return console_routes(console, clock, os.urandom, settings.registrar, settings.console)
