"""The people who work with the console: for administrators."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from starlette.routing import BaseRoute

from bluezone_node.authority.people.accounts import Accounts
from bluezone_node.authority.people.one_time import qr_svg
from bluezone_node.authority.ports.accounts import (
    ADMIN,
    EVERYWHERE,
    ISSUER,
    ROLES,
    Actor,
    Enrolment,
)
from bluezone_node.authority.settings import RealmSettings
from bluezone_node.errors import AuthorityRefused
from bluezone_node.ports import Clock
from bluezone_node.web.console import menu
from bluezone_node.web.console.page import Frame
from bluezone_node.web.console.shown import Shown
from bluezone_node.web.console.visit import WAITING, Answer, Away, Handler, NotHere, Page, Visit

_FIELD = {
    "invalid_name": "name",
    "name_taken": "name",
    "unknown_realm": "realm",
    "invalid_role": "role",
}
"""The field of the form for a new person that a refusal is about."""


def user_routes(
    frame: Frame,
    accounts: Accounts,
    shown: Shown,
    clock: Clock,
    realms: list[RealmSettings],
) -> list[BaseRoute]:
    """Return the routes of the people. *realms*: of the settings."""

    def show(visit: Visit) -> Answer:
        return page(visit, {}, "")

    def add(visit: Visit) -> Answer:
        form = visit.form
        return enrol(
            visit, lambda: accounts.add(visit.actor, form["name"], form["realm"], form["role"])
        )

    def reset(visit: Visit) -> Answer:
        return enrol(visit, lambda: accounts.reset(visit.actor, visit.form["user"]))

    def enrol(visit: Visit, make: Callable[[], Enrolment]) -> Answer:
        name = visit.form["nonce"]
        if not name.isalnum():
            raise NotHere
        try:
            shown.once(visit.token, name, lambda: _kept(make()))
        except AuthorityRefused as refused:
            return refusal(visit, refused)
        return Away(f"{menu.USERS}/{name}")

    def enrolment(visit: Visit) -> Answer:
        made = shown.get(visit.token, visit.params["name"])
        if made is None:
            raise NotHere
        if not made:
            return WAITING
        uri = str(made["otpauth"])
        secret = parse_qs(urlsplit(uri).query)["secret"][0]
        grouped = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
        values = {"made": made, "square": qr_svg(uri), "secret": grouped}
        return Page("enrolment.html", values)

    def done(visit: Visit) -> Answer:
        shown.drop(visit.token, visit.params["name"])
        return Away(menu.USERS)

    def changing(change: Callable[[Actor, str], object]) -> Handler:
        def changed(visit: Visit) -> Answer:
            try:
                change(visit.actor, visit.form["user"])
            except AuthorityRefused as refused:
                return refusal(visit, refused)
            return Away(menu.USERS)

        return changed

    def refusal(visit: Visit, refused: AuthorityRefused) -> Page:
        field = _FIELD.get(refused.reason, "") if visit.form["name"] else ""
        return page(visit, {field: visit.wording.refusal(refused)}, visit.form["name"], 422)

    def page(visit: Visit, errors: dict[str, str], name: str, status: int = 200) -> Page:
        say, own = visit.wording, visit.actor
        places = [realm.id for realm in realms if own.covers(realm.id)]
        if own.realm == EVERYWHERE:
            places.append(EVERYWHERE)
        values = {
            "people": accounts.users(own),
            "now": clock.now(),
            "realms": [(realm, say.realm(realm)) for realm in places],
            "roles": [(role, say.role(role)) for role in ROLES],
            "values": {
                "name": name,
                "realm": visit.form["realm"],
                "role": visit.form["role"] or ISSUER,
            },
            "errors": errors,
        }
        return Page("users.html", values, status)

    def post(name: str, handler: Handler) -> BaseRoute:
        return frame.post(f"{menu.USERS}/{name}", handler, role=ADMIN, section=menu.USERS)

    one = f"{menu.USERS}/{{name}}"
    return [
        frame.get(menu.USERS, show, role=ADMIN),
        frame.post(menu.USERS, add, role=ADMIN),
        post("reset", reset),
        post("disable", changing(accounts.disable)),
        post("enable", changing(accounts.enable)),
        post("unlock", changing(accounts.unlock)),
        frame.get(one, enrolment, role=ADMIN, section=menu.USERS),
        frame.post(f"{one}/done", done, role=ADMIN, section=menu.USERS),
    ]


def _kept(made: Enrolment) -> Mapping[str, Any]:
    return {"name": made.name, "password": made.password, "otpauth": made.otpauth}
