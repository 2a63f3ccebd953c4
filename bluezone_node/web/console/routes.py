"""All pages of the console, put together."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bluezone_node.authority.people.accounts import Accounts
from bluezone_node.authority.places.bulk import BulkVenues
from bluezone_node.authority.places.openings import Openings
from bluezone_node.authority.places.warrants import Warrants
from bluezone_node.authority.ports.accounts import SUPERVISOR
from bluezone_node.authority.ports.audit import AuditTrail
from bluezone_node.authority.ports.shown import ShownStore
from bluezone_node.authority.ports.tally import PublicationStats, Tally
from bluezone_node.authority.registrar.issuing import Issuing
from bluezone_node.authority.settings import ConsoleSettings, RegistrarSettings
from bluezone_node.ports import Clock, Entropy
from bluezone_node.web.console import guard, menu
from bluezone_node.web.console.account import account_routes
from bluezone_node.web.console.audit import audit_routes
from bluezone_node.web.console.bulk import bulk_routes
from bluezone_node.web.console.claim import claim_routes
from bluezone_node.web.console.codes import Desk
from bluezone_node.web.console.drafting import Drafting
from bluezone_node.web.console.exports import Publication, export_routes
from bluezone_node.web.console.funnel import funnel_routes
from bluezone_node.web.console.notices import NoticePages, Warnings
from bluezone_node.web.console.page import Frame
from bluezone_node.web.console.place_list import place_list_routes
from bluezone_node.web.console.places import Places, PlacesDesk
from bluezone_node.web.console.proposals import ProposalPages
from bluezone_node.web.console.shown import Shown
from bluezone_node.web.console.signing_in import signing_in_routes
from bluezone_node.web.console.style import style_sheet
from bluezone_node.web.console.users import user_routes
from bluezone_node.web.console.visit import Answer, Page, Visit
from bluezone_node.web.console.warrant_drafts import WarrantDrafts
from bluezone_node.web.console.warrants import WarrantPages


@dataclass(frozen=True, slots=True)
class ConsoleParts:
    """What the pages show and do."""

    accounts: Accounts
    issuing: Issuing
    trail: AuditTrail
    tally: Tally
    shown: ShownStore
    published: PublicationStats | None = None
    """None: the publisher cannot be asked."""
    publication: Publication | None = None
    """None: the publisher runs elsewhere."""
    warnings: Warnings | None = None
    """None: the places' keys were never made."""
    venues: Places | None = None
    """None as with *warnings*."""
    place_list: BulkVenues | None = None
    """None as with *warnings*."""
    warrants: Warrants | None = None
    """None as with *warnings*."""
    openings: Openings | None = None
    """None as with *warnings*."""


def console_routes(
    parts: ConsoleParts,
    clock: Clock,
    entropy: Entropy,
    settings: RegistrarSettings,
    console: ConsoleSettings,
) -> list[BaseRoute]:
    """Return the routes of the console."""
    realms = {realm.id: {"vi": realm.name_vi, "en": realm.name_en} for realm in settings.realms}
    frame = Frame(parts.accounts, entropy, realms, public_url=console.url)
    shown = Shown(parts.shown, clock, entropy)
    venues = parts.venues
    return [
        Route(menu.STYLE, _style),
        *signing_in_routes(frame, parts.accounts),
        *Desk(parts.issuing, shown, clock, settings).routes(frame),
        *bulk_routes(frame, parts.issuing, shown, clock),
        *(
            place_list_routes(frame, parts.place_list, venues.directory, shown)
            if venues and parts.place_list
            else []
        ),
        *(PlacesDesk(venues).routes(frame) if venues else [frame.get(menu.PLACES, _no_places)]),
        *(claim_routes(frame, venues.claims, venues.communes) if venues and venues.claims else []),
        *funnel_routes(frame, parts.tally, parts.published, clock, list(realms)),
        *export_routes(frame, parts.publication, clock),
        *_notice_routes(frame, parts.warnings, shown, clock),
        *_warrant_routes(frame, parts, shown, clock),
        *user_routes(frame, parts.accounts, shown, clock, settings.realms),
        *audit_routes(frame, parts.trail),
        *account_routes(frame, parts.accounts),
        *frame.nothing_else(menu.ROOT),
    ]


def _notice_routes(
    frame: Frame, warnings: Warnings | None, shown: Shown, clock: Clock
) -> list[BaseRoute]:
    if warnings is None:
        return [frame.get(path, _no_places) for path in (menu.NOTICES, menu.PROPOSALS)]
    return [
        *Drafting(warnings, shown, clock).routes(frame),
        *NoticePages(warnings, shown).routes(frame),
        *ProposalPages(warnings.directory, warnings.proposals, warnings.notices).routes(frame),
    ]


def _warrant_routes(
    frame: Frame, parts: ConsoleParts, shown: Shown, clock: Clock
) -> list[BaseRoute]:
    if parts.warrants is None or parts.openings is None or parts.venues is None:
        return [frame.get(menu.WARRANTS, _no_places, role=SUPERVISOR)]
    directory = parts.venues.directory
    return [
        *WarrantDrafts(parts.warrants, directory, shown, clock).routes(frame),
        *WarrantPages(parts.warrants, parts.openings, directory).routes(frame),
    ]


def _no_places(visit: Visit) -> Answer:
    return Page("no_places.html")


async def _style(request: Request) -> Response:
    headers = {**guard.HEADERS, "Cache-Control": "public, max-age=300"}
    return Response(style_sheet(), media_type="text/css", headers=headers)
