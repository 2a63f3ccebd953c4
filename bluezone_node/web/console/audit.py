"""The audit trail, a page at a time, and whether its chain is whole."""

from starlette.routing import BaseRoute

from bluezone_node.authority.people.audit import parse_head
from bluezone_node.authority.ports.accounts import EVERYWHERE, SUPERVISOR
from bluezone_node.authority.ports.audit import AuditTrail
from bluezone_node.errors import Refused
from bluezone_node.web.console import menu
from bluezone_node.web.console.page import Frame
from bluezone_node.web.console.visit import Answer, Page, Visit

ENTRIES = 50
"""On one page."""


def audit_routes(frame: Frame, trail: AuditTrail) -> list[BaseRoute]:
    """Return the routes of the audit trail."""

    def show(visit: Visit) -> Answer:
        return page(visit, {}, None)

    def verify(visit: Visit) -> Answer:
        noted = visit.form["head"]
        try:
            verdict = trail.verify(parse_head(noted) if noted else None)
        except Refused as refused:
            return page(visit, {"head": visit.wording.refusal(refused)}, None, 422)
        return page(visit, {}, verdict)

    def page(visit: Visit, errors: dict[str, str], verdict: object, status: int = 200) -> Page:
        realm = None if visit.actor.realm == EVERYWHERE else visit.actor.realm
        entries = trail.entries(realm, ENTRIES + 1, _number(visit.query.get("before", "")))
        shown = entries[:ENTRIES]
        values = {
            "entries": shown,
            "older": shown[-1].sequence if len(entries) > ENTRIES else None,
            "newest": "before" not in visit.query,
            "verdict": verdict,
            "head": visit.form["head"],
            "errors": errors,
        }
        return Page("audit.html", values, status)

    return [
        frame.get(menu.AUDIT, show, role=SUPERVISOR),
        frame.post(menu.AUDIT, verify, role=SUPERVISOR),
    ]


def _number(text: str) -> int | None:
    # At most what every database can compare with.
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None
