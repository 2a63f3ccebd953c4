"""Asking for a warrant: the form, and the draft that the first officer signs elsewhere.

Nothing is kept of a draft but what `shown` keeps for a short while; it becomes a warrant when it
comes back signed.
"""

from collections.abc import Mapping
from typing import Any

from starlette.routing import BaseRoute

from bluezone_node.authority.places.day_keys import KEPT
from bluezone_node.authority.places.directory import Directory
from bluezone_node.authority.places.warrants import Warrants
from bluezone_node.authority.ports.accounts import SUPERVISOR
from bluezone_node.errors import Refused
from bluezone_node.ports import Clock
from bluezone_node.venues.warrant import LONGEST_LIFE, draft_of
from bluezone_node.web.console import menu, window
from bluezone_node.web.console.forms import Form
from bluezone_node.web.console.page import Frame
from bluezone_node.web.console.shown import Shown
from bluezone_node.web.console.visit import WAITING, Answer, Away, Download, NotHere, Page, Visit
from bluezone_node.web.console.warrants import BINARY, SHORT_ID

FIELDS = ("place", *window.FIELDS, "case", "basis")

NEAR = 3
"""Places that are offered where none is called what was typed."""

_FIELD = {
    "venue_not_found": "place",
    "venue_ambiguous": "place",
    "warrant_window": "to_time",
    "warrant_ahead": "to_time",
    "warrant_too_old": "from_day",
    "text_malformed": "basis",
}
"""The field that a refusal is about; others are about the whole form."""


class WarrantDrafts:
    """The pages on which warrants are drafted."""

    def __init__(
        self, warrants: Warrants, directory: Directory, shown: Shown, clock: Clock
    ) -> None:
        self._warrants = warrants
        self._directory = directory
        self._shown = shown
        self._clock = clock

    def routes(self, frame: Frame) -> list[BaseRoute]:
        """Return the routes of the pages; they go before those of `WarrantPages`."""
        section, role = menu.WARRANTS, SUPERVISOR
        new, one = f"{section}/new", f"{section}/drafts/{{name}}"
        return [
            frame.get(new, self.form, role=role, section=section),
            frame.post(new, self.draft, role=role, section=section),
            frame.get(f"{new}/{{typed}}", self.typed, role=role, section=section),
            frame.get(one, self.drafted, role=role, section=section),
            frame.get(f"{one}/file", self.file, role=role, section=section),
        ]

    def form(self, visit: Visit) -> Answer:
        """Show the form."""
        return self._form(visit, dict.fromkeys(FIELDS, ""), {})

    def draft(self, visit: Visit) -> Answer:
        """Keep what was typed, and go to its page: a form that is wrong has one too."""
        typed = {name: visit.form[name] for name in FIELDS}
        name = self._shown.keep(visit.token, visit.form["nonce"], typed)
        return Away(f"{menu.WARRANTS}/new/{name}")

    def typed(self, visit: Visit) -> Answer:
        """Make the draft, once, and go to its page; or show what is wrong with the form."""
        typed, errors = self._shown.get(visit.token, visit.params["typed"]), dict[str, str]()
        if not typed:
            return Away(f"{menu.WARRANTS}/new")
        start, end = window.read_window(Form(typed), visit.language, self._clock.now(), errors)
        _ = visit.language.gettext
        if not typed["case"]:
            errors["case"] = _("Name the case by its pseudonym.")
        if not typed["basis"]:
            errors["basis"] = _("Say by which law: the place and its visitors read it.")

        def made() -> Mapping[str, Any]:
            place = self._directory.find(typed["place"], visit.actor)
            warrant = self._warrants.drafted(
                place.venue_id, start, end, typed["case"], typed["basis"], LONGEST_LIFE, visit.actor
            )
            return {
                "number": warrant.warrant_id.hex()[:SHORT_ID],
                "place": place.name,
                "venue": place.venue_id.hex()[:SHORT_ID],
                "start": start,
                "end": end,
                "draft": draft_of(warrant),
            }

        if not errors:
            try:
                name = f"{visit.params['typed']}.draft"
                self._shown.once(visit.token, name, made)
                return Away(f"{menu.WARRANTS}/drafts/{name}")
            except Refused as refused:
                errors[_FIELD.get(refused.reason, "")] = visit.wording.refusal(refused)
                if refused.reason == "venue_not_found":
                    errors["place"] += self._similar(visit, typed["place"])
        return self._form(visit, typed, errors, 422)

    def drafted(self, visit: Visit) -> Answer:
        """Show how the draft is signed."""
        found = self._kept(visit)
        if not found:
            return WAITING
        values = found | {
            "file": f"warrant-{found['number']}",
            "span": visit.language.span(found["start"], found["end"]),
            "name": visit.params["name"],
        }
        return Page("warrant_draft.html", values)

    def file(self, visit: Visit) -> Answer:
        """Save the draft."""
        found = self._kept(visit)
        if not found:
            raise NotHere
        return Download(f"warrant-{found['number']}.draft", found["draft"], BINARY)

    def _similar(self, visit: Visit, place: str) -> str:
        """Return a question for the places that are called a little like that."""
        near = self._directory.likely(place, visit.actor)
        near = near or self._directory.similar(place, visit.actor)
        names = "; ".join(dict.fromkeys(each.name for each in near[:NEAR]))
        question = visit.language.gettext("Is it one of these: %(names)s?")
        return f" {question % {'names': names}}" if place and names else ""

    def _kept(self, visit: Visit) -> dict[str, Any]:
        found = self._shown.get(visit.token, visit.params["name"])
        if found is None:
            raise NotHere
        return found

    def _form(
        self, visit: Visit, typed: Mapping[str, str], errors: dict[str, str], status: int = 200
    ) -> Page:
        days = window.days(visit.language, self._clock.now(), KEPT.days + 1, typed)
        return Page("warrant_form.html", {"days": days, "values": typed, "errors": errors}, status)
