"""Warrants: the list, one of them, and what is brought from officers' machines and from kiosks.

No key comes near the server, so nothing is signed here: the pages hand out what is to be signed,
with the command to sign it by, and take in what was.  Names are shown in the answer to one form,
to the person who asked for them, and are kept nowhere.
"""

from collections.abc import Callable

from starlette.routing import BaseRoute

from bluezone_node.authority.places.directory import Directory
from bluezone_node.authority.places.openings import Openings
from bluezone_node.authority.places.warrants import Warrants, WarrantState, WarrantView
from bluezone_node.authority.ports.accounts import SUPERVISOR
from bluezone_node.authority.sheets import write_csv
from bluezone_node.errors import AuthorityRefused, Refused
from bluezone_node.venues.answer import read_answer
from bluezone_node.venues.warrant import words_of
from bluezone_node.web.console import menu
from bluezone_node.web.console.page import Frame
from bluezone_node.web.console.visit import (
    Answer,
    Away,
    Download,
    NotHere,
    Page,
    Visit,
    file_of,
    id_of,
)

SHORT_ID = 8
"""Hexadecimal digits by which people name a warrant, a place and the files of both."""
BINARY = "application/octet-stream"


class WarrantPages:
    """The pages of warrants that officers have signed."""

    def __init__(self, warrants: Warrants, openings: Openings, directory: Directory) -> None:
        self._warrants = warrants
        self._openings = openings
        self._directory = directory

    def routes(self, frame: Frame) -> list[BaseRoute]:
        """Return the routes of the pages."""
        one = f"{menu.WARRANTS}/{{warrant}}"

        def page(path: str, shown: Callable[[Visit], Answer]) -> BaseRoute:
            return frame.get(path, shown, role=SUPERVISOR, section=menu.WARRANTS)

        def form(path: str, taken: Callable[[Visit], Answer], *, file: bool = True) -> BaseRoute:
            section = menu.WARRANTS
            return frame.post(path, taken, role=SUPERVISOR, section=section, with_file=file)

        return [
            page(menu.WARRANTS, self.all),
            form(f"{menu.WARRANTS}/request", self.request),
            page(one, self.one),
            page(f"{one}/signed", self.signed),
            form(f"{one}/approve", self.approve),
            page(f"{one}/file", self.file),
            form(f"{one}/answer", self.answer),
            form(f"{one}/read", self.read, file=False),
        ]

    def all(self, visit: Visit) -> Answer:
        """Show the province's warrants, and how far each has come."""
        return self._all(visit, {})

    def request(self, visit: Visit) -> Answer:
        """Take in what the first officer signed."""
        try:
            stored = self._warrants.request(file_of(visit), visit.actor)
        except Refused as refused:
            if refused.reason == "warrant_known":  # it was tapped twice
                return Away(f"{menu.WARRANTS}/{words_of(file_of(visit)).warrant_id.hex()}")
            return self._all(visit, {"file": visit.wording.refusal(refused)}, 422)
        return Away(f"{menu.WARRANTS}/{stored.warrant_id.hex()}")

    def one(self, visit: Visit) -> Answer:
        """Show one, and what comes next."""
        return self._one(visit, {})

    def signed(self, visit: Visit) -> Answer:
        """Save what the first officer signed, for the second one to sign."""
        view = self._view(visit)
        return Download(f"{_name(view)}.request", view.stored.requested, BINARY)

    def approve(self, visit: Visit) -> Answer:
        """Take in what the second officer signed."""
        return self._taken(
            visit, lambda view: self._warrants.approve(_id(view), file_of(visit), visit.actor)
        )

    def file(self, visit: Visit) -> Answer:
        """Save the approved warrant for a stick."""
        view = self._view(visit)
        try:
            data = self._warrants.file(_id(view), visit.actor)
        except AuthorityRefused as refused:
            return self._one(visit, {"": visit.wording.refusal(refused)}, 409)
        return Download(f"{_name(view)}.warrant", data, BINARY)

    def answer(self, visit: Visit) -> Answer:
        """Take in what a stick brought back."""

        def take(view: WarrantView) -> None:
            brought = read_answer(file_of(visit))
            if brought.warrant_id != _id(view):
                raise AuthorityRefused("It answers another warrant.", reason="answer_elsewhere")
            self._openings.take_file(brought, visit.actor)

        return self._taken(visit, take)

    def read(self, visit: Visit) -> Answer:
        """Show the names, or save them: in this answer only."""
        view, purpose = self._view(visit), visit.form["purpose"]
        try:
            opened = self._openings.open(_id(view), purpose, visit.actor)
        except AuthorityRefused as refused:
            field = "purpose" if refused.reason == "warrant_purpose" else ""
            return self._one(visit, {field: visit.wording.refusal(refused)}, 422)
        lang, _ = visit.language, visit.language.gettext
        heading = (
            _("Came at"),
            _("Full name"),
            _("Telephone"),
            _("Year of birth"),
            _("Number of people"),
            _("Number verified"),
        )
        rows = [
            (
                lang.moment(came),
                contact.name,
                contact.phone,
                str(contact.birth_year or ""),
                str(contact.party),
                _("yes") if contact.verified else "",
            )
            for came, contact in opened.contacts
        ]
        if visit.form["save"]:
            return Download(f"{_name(view)}.csv", write_csv(heading, rows))
        values = {
            "view": view,
            "place": self._place(visit, view),
            "purpose": purpose,
            "heading": heading,
            "rows": rows,
            "unreadable": opened.unreadable,
        }
        return Page("warrant_contacts.html", values)

    def _taken(self, visit: Visit, act: Callable[[WarrantView], object]) -> Answer:
        """Do *act* with the file that was sent, and show the warrant."""
        view = self._view(visit)
        try:
            act(view)
        except Refused as refused:
            if refused.reason != "warrant_approved":  # as by who taps twice
                return self._one(visit, {"file": visit.wording.refusal(refused)}, 422)
        return Away(f"{menu.WARRANTS}/{_id(view).hex()}")

    def _all(self, visit: Visit, errors: dict[str, str], status: int = 200) -> Page:
        found = [self._warrants.view(each) for each in self._warrants.all(visit.actor)]
        rows = [(each, self._place(visit, each), _mark(each)) for each in found]
        return Page("warrants.html", {"rows": rows, "errors": errors}, status)

    def _one(self, visit: Visit, errors: dict[str, str], status: int = 200) -> Page:
        view = self._view(visit)
        values = {
            "view": view,
            "place": self._place(visit, view),
            "mark": _mark(view),
            "number": _id(view).hex()[:SHORT_ID],
            "file": _name(view),
            "own": view.stored.requested_by == visit.actor.name,
            "errors": errors,
        }
        return Page("warrant.html", values, status)

    def _view(self, visit: Visit) -> WarrantView:
        try:
            found = self._warrants.find(id_of(visit.params["warrant"]), visit.actor)
            return self._warrants.view(found)
        except AuthorityRefused:
            raise NotHere from None

    def _place(self, visit: Visit, view: WarrantView) -> str:
        try:
            return self._directory.view(view.stored.venue_id, visit.actor).venue.name
        except AuthorityRefused:
            return view.stored.venue_id.hex()[:SHORT_ID]


def _mark(view: WarrantView) -> str:
    """Return the colour of a state."""
    return {
        WarrantState.REQUESTED: "due",
        WarrantState.APPROVED: "open",
        WarrantState.ANSWERED: "fine",
        WarrantState.EXPIRED: "expired",
    }[view.state]


def _name(view: WarrantView) -> str:
    """Return what files of a warrant are called, but for their endings."""
    return f"warrant-{_id(view).hex()[:SHORT_ID]}"


def _id(view: WarrantView) -> bytes:
    return view.stored.warrant_id
