"""Correcting what is said of a place: what posters it takes is shown before it is done."""

from typing import Any

from starlette.routing import BaseRoute

from bluezone_node.authority.places.communes import Communes
from bluezone_node.authority.places.directory import Directory, outdated
from bluezone_node.authority.places.renewal import Edit, Renewal
from bluezone_node.authority.ports.accounts import SUPERVISOR
from bluezone_node.authority.ports.venues import Venue, VenueState
from bluezone_node.errors import Refused
from bluezone_node.web.console import menu
from bluezone_node.web.console.page import Frame
from bluezone_node.web.console.place_facts import facts_of
from bluezone_node.web.console.place_forms import (
    candidates,
    choices,
    edited_order,
    errors_of,
    shown,
    typed,
)
from bluezone_node.web.console.visit import Answer, Away, NotHere, Page, Visit, id_of

_EDITABLE = (VenueState.CLAIMED, VenueState.APPROVED)


def place_edit_routes(
    frame: Frame, directory: Directory, renewal: Renewal, communes: Communes
) -> list[BaseRoute]:
    """Return the routes of the form, and of the page that asks whether it is meant."""

    def show(visit: Visit) -> Answer:
        venue = found(visit)
        return form(visit, venue, {}) if venue.state in _EDITABLE else Away(_path(venue))

    def edit(visit: Visit) -> Answer:
        venue, typed_at = found(visit), visit.form["stamp"]
        try:
            order = edited_order(visit, venue, communes)
            plan = renewal.plan(venue.venue_id, order, visit.actor)
            if typed_at != plan.before.stamp:
                raise outdated()
            if (plan.printed or plan.removed) and visit.form["sure"] != "yes":
                return ask(visit, plan)
            at_once = visit.form["at_once"] == "yes"
            renewal.edit(venue.venue_id, order, visit.actor, at_once=at_once, stamp=typed_at)
        except Refused as refused:
            errors = errors_of(visit, refused, visit.wording.refusal(refused))
            if refused.reason == "venue_changed":
                # What somebody else has said is shown, not what was typed over it.
                return form(visit, found(visit), errors, 409)
            return form(visit, venue, errors, 422, refused)
        return Away(_path(venue))

    def form(
        visit: Visit,
        venue: Venue,
        errors: dict[str, Any],
        status: int = 200,
        refused: Refused | None = None,
    ) -> Page:
        # The province does not change.
        realms = [each for each in directory.realms(visit.actor) if each.id == venue.realm]
        values = choices(visit, realms, communes, candidates(refused) if refused else ())
        values |= {
            "place": {"id": venue.venue_id.hex(), "name": venue.name},
            "stamp": venue.stamp if refused is None else visit.form["stamp"],
            "values": shown(venue, communes) if refused is None else typed(visit),
            "waits": venue.state is VenueState.CLAIMED,
            "errors": errors,
        }
        return Page("place_edit.html", values, status)

    def ask(visit: Visit, plan: Edit) -> Page:
        before, after = (
            facts_of(visit, each, communes.names([each])[each.venue_id])
            for each in (plan.before, plan.after)
        )
        values = {
            "place": {"id": plan.before.venue_id.hex(), "name": plan.before.name},
            "changes": [
                (fact, words, after[fact]) for fact, words in before.items() if words != after[fact]
            ],
            "plan": plan,
            "values": typed(visit) | {"stamp": visit.form["stamp"]},
        }
        return Page("place_edit_sure.html", values)

    def found(visit: Visit) -> Venue:
        try:
            return directory.view(id_of(visit.params["place"]), visit.actor).venue
        except Refused:
            raise NotHere from None

    path = f"{menu.PLACES}/{{place}}/edit"
    return [
        frame.get(path, show, role=SUPERVISOR, section=menu.PLACES),
        frame.post(path, edit, role=SUPERVISOR, section=menu.PLACES),
    ]


def _path(venue: Venue) -> str:
    return f"{menu.PLACES}/{venue.venue_id.hex()}"
