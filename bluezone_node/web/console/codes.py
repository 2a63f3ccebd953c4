"""Issuing one code, showing it, and what may be done with it afterwards."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from starlette.routing import BaseRoute

from bluezone_node.authority.registrar.codes import REPORT_TYPES
from bluezone_node.authority.registrar.issuing import Issuing
from bluezone_node.authority.registrar.orders import CodeOrder, CodeState, IssuedCode
from bluezone_node.authority.settings import RegistrarSettings
from bluezone_node.errors import AuthorityRefused
from bluezone_node.ports import Clock
from bluezone_node.web.console import menu
from bluezone_node.web.console.language import VIETNAM
from bluezone_node.web.console.page import Frame
from bluezone_node.web.console.shown import Shown
from bluezone_node.web.console.visit import WAITING, Answer, Away, NotHere, Page, Visit, id_of

_FIELD = {
    "invalid_test_type": "type",
    "invalid_phone": "phone",
    "sms_disabled": "phone",
    "sms_failure": "phone",
    "unknown_realm": "realm",
}
"""The field that a refusal is about; others are about the whole form."""

_PATIENCE = timedelta(minutes=1)
"""A process that takes longer between keeping a code and showing it has died in between."""


class Desk:
    """The pages of single codes."""

    def __init__(
        self, issuing: Issuing, shown: Shown, clock: Clock, settings: RegistrarSettings
    ) -> None:
        self._issuing = issuing
        self._shown = shown
        self._clock = clock
        self._settings = settings

    def routes(self, frame: Frame) -> list[BaseRoute]:
        one = f"{menu.CODES}/{{handle}}"
        return [
            frame.get(menu.CODES, self.form),
            frame.post(menu.CODES, self.issue),
            frame.get(one, self.code, section=menu.CODES),
            frame.post(f"{one}/revoke", self.revoke, section=menu.CODES),
            frame.post(f"{one}/reissue", self.reissue, section=menu.CODES),
            frame.get(f"{one}/reissued/{{nonce}}", self.reissued, section=menu.CODES),
            frame.get(menu.FIND, self.find),
            frame.post(menu.FIND, self.found),
        ]

    def form(self, visit: Visit) -> Answer:
        """Show the form of a new code."""
        today = self._today().isoformat()
        return self._form(visit, {"type": "confirmed", "kind": "short", "test": today}, {})

    def issue(self, visit: Visit) -> Answer:
        """Issue a code, and go to its page."""
        form, errors, days = visit.form, dict[str, str](), dict[str, date | None]()
        handle = id_of(form["nonce"])
        for name in ("test", "symptoms"):
            try:
                days[name] = form.day(name)
            except ValueError:
                errors[name] = visit.language.gettext("This is no date: for example 22/11/2026.")
            else:
                if (day := days[name]) and not self._first() <= day <= self._today():
                    errors[name] = visit.wording.reason("invalid_date", "")
        if not form["test"]:
            errors["test"] = visit.language.gettext("Say on which day the test was made.")
        by_message = form["kind"] == "long"
        if by_message and not form["phone"]:
            errors["phone"] = visit.language.gettext("Without a number no message can be sent.")
        if not errors:
            order = CodeOrder(
                form["type"],
                days["symptoms"],
                days["test"],
                "long" if by_message else "short",
                form["phone"] if by_message else "",
                form["realm"],
                handle,
            )
            try:
                self._make(visit, handle, lambda: self._issuing.issue(order, visit.actor))
            except AuthorityRefused as refused:
                errors[_FIELD.get(refused.reason, "")] = visit.wording.refusal(refused)
        if errors:
            names = ("realm", "type", "test", "symptoms", "kind", "phone")
            return self._form(visit, {name: form[name] for name in names}, errors, 422)
        return Away(f"{menu.CODES}/{handle.hex()}")

    def code(self, visit: Visit) -> Answer:
        """Show what became of a code; to who just issued it, the code itself."""
        return self._code(visit, {})

    def revoke(self, visit: Visit) -> Answer:
        """Take a code back."""
        handle = id_of(visit.params["handle"])
        try:
            self._issuing.revoke(handle, visit.actor)
        except AuthorityRefused as refused:
            if refused.reason == "code_not_found":
                raise NotHere from None
            return self._code(visit, {"": visit.wording.refusal(refused)}, 409)
        self._shown.drop(visit.token, handle.hex())
        return Away(f"{menu.CODES}/{handle.hex()}")

    def reissue(self, visit: Visit) -> Answer:
        """Put a new code in the place of one."""
        old, nonce = id_of(visit.params["handle"]), id_of(visit.form["nonce"]).hex()
        try:
            self._shown.once(visit.token, nonce, lambda: self._again(visit, old))
        except AuthorityRefused as refused:
            if refused.reason == "code_not_found":
                raise NotHere from None
            field = _FIELD.get(refused.reason, "")
            return self._code(visit, {field: visit.wording.refusal(refused)}, 409)
        self._shown.drop(visit.token, old.hex())
        return Away(f"{menu.CODES}/{old.hex()}/reissued/{nonce}")

    def reissued(self, visit: Visit) -> Answer:
        """Go to the page of the new code, once there is one."""
        made = self._shown.get(visit.token, visit.params["nonce"])
        if made is None:
            raise NotHere
        return Away(f"{menu.CODES}/{made['handle']}") if made else WAITING

    def find(self, visit: Visit) -> Answer:
        """Show the form that asks for a code's handle."""
        return _find("", {})

    def found(self, visit: Visit) -> Answer:
        """Go to the page of the code; what was typed stands in no address unless it is a handle."""
        typed = visit.form["handle"]
        text = "".join(typed.split()).replace("-", "").lower()
        try:
            handle = id_of(text)
            self._issuing.status(handle, visit.actor)
        except NotHere:
            sentence = visit.language.gettext(
                "This is no reference number: those have 32 letters and digits."
            )
            return _find(typed if len(text) > 16 else "", {"handle": sentence}, 422)
        except AuthorityRefused as refused:
            return _find(typed, {"handle": visit.wording.refusal(refused)}, 404)
        return Away(f"{menu.CODES}/{handle.hex()}")

    def _form(
        self, visit: Visit, values: dict[str, str], errors: dict[str, str], status: int = 200
    ) -> Page:
        say, realms = visit.wording, self._issuing.realms(visit.actor)
        if len(realms) < 2 and "realm" in errors:
            errors = {"": errors.pop("realm"), **errors}  # the form does not ask for it
        allowed = {kind for realm in realms for kind in realm.test_types}
        types = [(kind, say.test_types[kind]) for kind in REPORT_TYPES if kind in allowed]
        first, last = self._first().isoformat(), self._today().isoformat()
        shown = {
            "realms": [(realm.id, say.realm(realm.id)) for realm in realms],
            "types": types,
            "kinds": list(say.kinds.items()),
            "messages": bool(self._settings.public_url),
            "first": first,
            "last": last,
            "values": {"realm": "", "symptoms": "", "phone": ""} | values,
            "errors": errors,
        }
        return Page("issue.html", shown, status)

    def _code(self, visit: Visit, errors: dict[str, str], status: int = 200) -> Page:
        handle = id_of(visit.params["handle"])
        issued = self._shown.get(visit.token, handle.hex())
        try:
            known = self._issuing.status(handle, visit.actor)
        except AuthorityRefused as refused:
            if refused.reason == "code_not_found" and issued is None:
                raise NotHere from None
            if refused.reason == "code_not_found":
                return WAITING
            raise
        if issued == {} and self._clock.now() - known.created < _PATIENCE:
            return WAITING
        issued = issued or {}
        say, lang = visit.wording, visit.language
        code = str(issued.get("code", ""))
        groups = [code[at : at + 4] for at in range(0, len(code), 4)]
        facts = [
            (lang.gettext("Result"), say.test_types.get(known.report_type, known.report_type)),
            (lang.gettext("How it is given"), say.kinds[known.kind]),
            (lang.gettext("Province"), say.realm(known.realm)),
            (lang.gettext("Issued by"), known.issuer or lang.gettext("The operator")),
            (lang.gettext("Issued"), lang.moment(known.created)),
        ]
        if known.state is not CodeState.OPEN or not issued:
            facts.append((lang.gettext("Valid until"), lang.moment(known.expires)))
        shown = {
            "issued": issued,
            "groups": groups,
            "spelled": " ".join(code),
            "handle": handle.hex(),
            "state": str(known.state),
            "expires": known.expires,
            "needs_phone": known.kind == "long" and bool(self._settings.public_url),
            "facts": facts,
            "errors": errors,
        }
        return Page("code.html", shown, status)

    def _make(self, visit: Visit, handle: bytes, issue: Callable[[], IssuedCode]) -> None:
        """Issue under *handle* once, however often the form comes; its page waits for the first."""
        try:
            self._shown.once(visit.token, handle.hex(), lambda: _kept(issue()))
        except AuthorityRefused as refused:
            if refused.reason != "uuid_already_exists":
                raise

    def _again(self, visit: Visit, old: bytes) -> Mapping[str, Any]:
        issued = self._issuing.reissue(old, visit.actor, visit.form["phone"])
        kept = _kept(issued)
        self._shown.once(visit.token, issued.handle.hex(), lambda: kept)
        return {"handle": issued.handle.hex()}

    def _today(self) -> date:
        return self._clock.now().astimezone(VIETNAM).date()

    def _first(self) -> date:
        oldest: datetime = self._clock.now() - timedelta(days=self._settings.oldest_date_days)
        return oldest.date()


def _kept(issued: IssuedCode) -> Mapping[str, Any]:
    return {"code": "" if issued.sent else issued.code, "sent": issued.sent}


def _find(typed: str, errors: dict[str, str], status: int = 200) -> Page:
    return Page("find.html", {"values": {"handle": typed}, "errors": errors}, status)
