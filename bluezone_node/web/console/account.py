"""One's own account: a new password, at the first sign-in and whenever it is wanted."""

from starlette.routing import BaseRoute

from bluezone_node.authority.people.accounts import Accounts
from bluezone_node.authority.people.passwords import SHORTEST
from bluezone_node.errors import AuthorityRefused
from bluezone_node.web.console import menu
from bluezone_node.web.console.page import Frame
from bluezone_node.web.console.visit import Answer, Away, Page, Visit

_FIELD = {
    "sign_in_refused": "old",
    "password_unchanged": "new",
    "password_length": "new",
    "password_known": "new",
}
"""The field that a refusal is about."""


def account_routes(frame: Frame, accounts: Accounts) -> list[BaseRoute]:
    """Return the routes of one's own account."""

    def show(visit: Visit) -> Answer:
        return _page({}, changed="changed" in visit.query)

    def change(visit: Visit) -> Answer:
        form = visit.form
        if form.secret("new") != form.secret("again"):
            sentence = visit.language.gettext("The two new passwords are not the same.")
            return _page({"again": sentence}, 422)
        try:
            accounts.change_password(visit.token, form.secret("old"), form.secret("new"))
        except AuthorityRefused as refused:
            words = visit.wording.refusal(refused)
            if refused.reason == "sign_in_refused":
                words = visit.language.gettext("This is not the password that you have now.")
            return _page({_FIELD.get(refused.reason, ""): words}, 422)
        if visit.session is not None and visit.session.password_due:
            return Away(menu.HOME)
        return Away(f"{menu.ACCOUNT}?changed")

    return [frame.get(menu.ACCOUNT, show), frame.post(menu.ACCOUNT, change)]


def _page(errors: dict[str, str], status: int = 200, *, changed: bool = False) -> Page:
    values = {"errors": errors, "shortest": SHORTEST, "changed": changed}
    return Page("account.html", values, status)
