"""Signing in and out, and the choice of a language: pages for those whom we do not know yet."""

import re

from starlette.routing import BaseRoute

from bluezone_node.authority.people.accounts import Accounts
from bluezone_node.errors import AuthorityRefused
from bluezone_node.web.console import menu
from bluezone_node.web.console.language import LANGUAGES
from bluezone_node.web.console.page import Frame
from bluezone_node.web.console.visit import Answer, Away, Page, Visit

_OWN = re.compile(rf"{menu.ROOT}(/[a-z0-9-]+)?|{menu.CLAIM}")


def signing_in_routes(frame: Frame, accounts: Accounts) -> list[BaseRoute]:
    """Return the routes of signing in, signing out and choosing a language."""

    def first(visit: Visit) -> Answer:
        return Away(menu.HOME if visit.session else menu.SIGN_IN)

    def show(visit: Visit) -> Answer:
        return Away(menu.HOME) if visit.session else _page("", {})

    def sign_in(visit: Visit) -> Answer:
        form = visit.form
        try:
            signed_in = accounts.sign_in(
                form["name"], form.secret("password"), form["code"], address=visit.address
            )
        except AuthorityRefused as refused:
            sentence = visit.wording.refusal(refused)
            return _page(form["name"], {"": sentence}, 403, refused.reason)
        # Always a new token: one that somebody put into the browser before is worth nothing.
        return Away(menu.HOME, token=signed_in.token)

    def sign_out(visit: Visit) -> Answer:
        accounts.sign_out(visit.token)
        return Away(menu.SIGN_IN, token="")

    def language(visit: Visit) -> Answer:
        back, chosen = visit.form["back"], visit.form["language"]
        return Away(
            back if _OWN.fullmatch(back) else menu.ROOT,
            language=chosen if chosen in LANGUAGES else "",
        )

    return [
        frame.get(menu.ROOT, first, role=None),
        frame.get(menu.SIGN_IN, show, role=None),
        frame.post(menu.SIGN_IN, sign_in, role=None),
        frame.post(menu.SIGN_OUT, sign_out, role=None),
        frame.post(menu.LANGUAGE, language, role=None),
    ]


def _page(name: str, errors: dict[str, str], status: int = 200, outcome: str = "") -> Page:
    return Page("sign_in.html", {"values": {"name": name}, "errors": errors}, status, outcome)
