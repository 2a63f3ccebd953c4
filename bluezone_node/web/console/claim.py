"""The page on which an owner registers a place: for anybody, without signing in."""

from typing import Any

from starlette.routing import BaseRoute

from bluezone_node.authority.places.claims import Claims
from bluezone_node.authority.places.communes import Communes
from bluezone_node.errors import AuthorityRefused, Refused
from bluezone_node.web.console import menu
from bluezone_node.web.console.page import Frame
from bluezone_node.web.console.place_forms import (
    candidates,
    choices,
    errors_of,
    new_order,
    typed,
)
from bluezone_node.web.console.visit import Answer, Page, Visit

REFERENCE = 8
"""Digits of the place's id that its owner is told."""


def claim_routes(frame: Frame, claims: Claims, communes: Communes) -> list[BaseRoute]:
    """Return the routes of the page: its form, and the code that comes by message."""

    def show(visit: Visit) -> Answer:
        return form(visit, {})

    def claim(visit: Visit) -> Answer:
        try:
            ticket = claims.claim(
                new_order(visit, communes, visit.form["realm"]),
                address=visit.address,
                language=visit.language.name,
            )
        except Refused as refused:
            status = 429 if refused.reason == "too_many_requests" else 422
            return form(visit, errors(visit, refused), status, refused)
        # Not in an address, where a log would keep it: so the page is the answer to the form.
        return code(ticket.token, {})

    def confirm(visit: Visit) -> Answer:
        token = visit.form["token"]
        try:
            place = claims.confirm(token, visit.form["code"])
        except AuthorityRefused as refused:
            sentence = visit.wording.refusal(refused)
            if refused.reason == "claim_code_wrong":
                return code(token, {"code": sentence}, 422, refused.reason)
            return form(visit, {"": sentence}, 422, refused)
        return Page("claim_done.html", {"reference": place.hex()[:REFERENCE]})

    def errors(visit: Visit, refused: Refused) -> dict[str, Any]:
        gettext = visit.language.gettext
        words = {
            "too_many_requests": gettext(
                "Too many places are being registered at the moment. Try again later."
            ),
            "sms_failure": gettext(
                "The message with the code could not be sent. Try again later, or ask the health "
                "authority to register the place."
            ),
            "unknown_realm": gettext("Choose the province of the place."),
        }
        sentence = words.get(refused.reason) or visit.wording.refusal(refused)
        return errors_of(visit, refused, sentence)

    def form(
        visit: Visit, wrong: dict[str, Any], status: int = 200, refused: Refused | None = None
    ) -> Page:
        asked = candidates(refused) if refused else ()
        values = choices(visit, claims.realms, communes, asked)
        values |= {"values": typed(visit), "errors": wrong}
        return Page("claim.html", values, status, refused.reason if refused else "")

    def code(token: str, wrong: dict[str, Any], status: int = 200, outcome: str = "") -> Page:
        return Page("claim_code.html", {"token": token, "errors": wrong}, status, outcome)

    return [
        frame.get(menu.CLAIM, show, role=None),
        frame.post(menu.CLAIM, claim, role=None),
        frame.post(menu.CLAIM_CODE, confirm, role=None, section=menu.CLAIM),
    ]
