"""Outbreak notices: the list, one notice, and the breaker; they are written in `drafting`."""

from dataclasses import dataclass

from starlette.routing import BaseRoute

from bluezone_node.authority.places.breaker import AlertBreaker
from bluezone_node.authority.places.directory import FOUND, Directory
from bluezone_node.authority.places.notice_views import NoticeState, NoticeView
from bluezone_node.authority.places.notices import Notices
from bluezone_node.authority.places.proposals import Proposals
from bluezone_node.authority.ports.accounts import SUPERVISOR
from bluezone_node.authority.ports.venues import Venue
from bluezone_node.errors import AuthorityRefused
from bluezone_node.web.console import menu
from bluezone_node.web.console.page import Frame
from bluezone_node.web.console.reading import readings
from bluezone_node.web.console.shown import Shown
from bluezone_node.web.console.visit import Answer, Away, NotHere, Page, Visit, id_of

SHOWN = 100


@dataclass(frozen=True, slots=True)
class Warnings:
    """What the pages of notices show and do."""

    directory: Directory
    notices: Notices
    proposals: Proposals
    breaker: AlertBreaker


class NoticePages:
    """The pages of notices that are written."""

    def __init__(self, warnings: Warnings, shown: Shown) -> None:
        self._shown = shown
        self._directory = warnings.directory
        self._notices = warnings.notices
        self._proposals = warnings.proposals
        self._breaker = warnings.breaker

    def routes(self, frame: Frame) -> list[BaseRoute]:
        one = f"{menu.NOTICES}/{{number:int}}"
        return [
            frame.get(menu.NOTICES, self.all),
            frame.post(f"{menu.NOTICES}/places", self.search, section=menu.NOTICES),
            frame.get(f"{menu.NOTICES}/places/{{search}}", self.found, section=menu.NOTICES),
            frame.post(
                f"{menu.NOTICES}/breaker", self.breaker, role=SUPERVISOR, section=menu.NOTICES
            ),
            frame.get(f"{menu.NOTICES}/about/{{venue}}", self.about, section=menu.NOTICES),
            frame.get(one, self.one, section=menu.NOTICES),
            frame.post(f"{one}/release", self.release, role=SUPERVISOR, section=menu.NOTICES),
            frame.post(f"{one}/retract", self.retract, section=menu.NOTICES),
        ]

    def all(self, visit: Visit) -> Answer:
        """Show how the breaker stands, and the newest notices."""
        return self._all(visit, {})

    def search(self, visit: Visit) -> Answer:
        """Keep what was looked for, and go to what was found: it stands in no address."""
        typed = visit.form["place"]
        if not typed:
            errors = {"place": visit.language.gettext("Type a part of the place's name.")}
            return _places("", [], errors)
        name = self._shown.keep(visit.token, visit.form["nonce"], {"place": typed})
        return Away(f"{menu.NOTICES}/places/{name}")

    def found(self, visit: Visit) -> Answer:
        """Show the places that were looked for."""
        kept = self._shown.get(visit.token, visit.params["search"])
        if not kept:
            return Away(menu.NOTICES)
        typed = kept["place"]
        found = self._directory.likely(typed, visit.actor)
        missed = not found
        if missed:
            found = self._directory.similar(typed, visit.actor)
        rows = [(each, visit.wording.kind_of_place(each.kind)) for each in found]
        return _places(typed, rows, {}, missed=missed)

    def about(self, visit: Visit) -> Answer:
        """Show the notices that hold and touch a place: for who answers a telephone."""
        try:
            venue = self._directory.venue(id_of(visit.params["venue"]), visit.actor)
        except AuthorityRefused:
            raise NotHere from None
        return Page("notice_about.html", {"venue": venue, "views": self._notices.held(venue)})

    def breaker(self, visit: Visit) -> Answer:
        """Stop all alerts, or let them go on."""
        try:
            self._breaker.turn(visit.form["turn"] == "on", visit.form["reason"], visit.actor)
        except AuthorityRefused as refused:
            field = "reason" if refused.reason == "breaker_reason" else ""
            if refused.reason != "breaker_same":
                return self._all(visit, {field: visit.wording.refusal(refused)}, 422)
        return Away(menu.NOTICES)

    def one(self, visit: Visit) -> Answer:
        """Show one notice, and what may be done with it."""
        return self._one(visit, {})

    def release(self, visit: Visit) -> Answer:
        """Let a notice go out that waits for a supervisor."""
        try:
            self._notices.release(visit.params["number"], visit.actor)
        except AuthorityRefused as refused:
            if refused.reason != "notice_released":  # as by who taps twice
                return self._one(visit, {"": visit.wording.refusal(refused)}, 409)
        return Away(f"{menu.NOTICES}/{visit.params['number']}")

    def retract(self, visit: Visit) -> Answer:
        """Take a notice back."""
        try:
            self._notices.retract(visit.params["number"], visit.actor)
        except AuthorityRefused as refused:
            if refused.reason != "notice_retracted":
                return self._one(visit, {"": visit.wording.refusal(refused)}, 409)
        return Away(f"{menu.NOTICES}/{visit.params['number']}")

    def _all(self, visit: Visit, errors: dict[str, str], status: int = 200) -> Page:
        views = self._notices.newest(visit.actor, SHOWN)
        values = {
            "views": views,
            "followed": _followed(views),
            "proposed": len(self._proposals.newest(visit.actor)),
            "breaker": self._breaker.stands(),
            "may_break": self._breaker.may_turn(visit.actor),
            "errors": errors,
        }
        return Page("notices.html", values, status)

    def _one(self, visit: Visit, errors: dict[str, str], status: int = 200) -> Page:
        try:
            view = self._notices.show(visit.params["number"], visit.actor)
        except AuthorityRefused:
            raise NotHere from None
        return Page(
            "notice.html",
            {
                "view": view,
                "followed": _followed(self._notices.newest(visit.actor, SHOWN)),
                "breaker": self._breaker.stands(),
                "facts": _facts(visit, view),
                "readings": readings(view.notice, view.venue.name if view.venue else ""),
                "may_release": view.state is NoticeState.WAITING and visit.actor.may(SUPERVISOR),
                "may_retract": _may_retract(visit, view),
                "errors": errors,
            },
            status,
        )


def _places(
    typed: str, found: list[tuple[Venue, str]], errors: dict[str, str], *, missed: bool = False
) -> Page:
    values = {"typed": typed, "found": found, "missed": missed, "most": FOUND, "errors": errors}
    return Page("notice_places.html", values, 422 if errors else 200)


def _followed(views: list[NoticeView]) -> dict[int, int]:
    """Return the number of the notice that each was changed to, for those that were."""
    return {
        each.notice.replaces: each.notice.number
        for each in views
        if each.notice.replaces is not None and each.notice.released is not None
    }


def _may_retract(visit: Visit, view: NoticeView) -> bool:
    if view.state in (NoticeState.RETRACTED, NoticeState.EXPIRED):
        return False
    own = view.notice.released is None and view.notice.issued_by == visit.actor.name
    return own or visit.actor.may(SUPERVISOR)


def _facts(visit: Visit, view: NoticeView) -> list[tuple[str, str]]:
    lang, say, notice = visit.language, visit.wording, view.notice
    operator = lang.gettext("The operator")
    facts = [
        (lang.gettext("The case was there"), lang.span(notice.start, notice.end)),
        (lang.gettext("People are told of"), lang.span(notice.start, notice.until)),
        (lang.gettext("How serious"), say.levels[notice.level]),
        (lang.gettext("What to do"), say.advice[notice.advice]),
        (lang.gettext("Written by"), notice.issued_by or operator),
        (lang.gettext("Written"), lang.moment(notice.issued)),
    ]
    if notice.min_overlap:
        facts.append(
            (
                lang.gettext("Only who was there for"),
                lang.duration(notice.min_overlap * 60),
            )
        )
    if notice.released is not None and notice.released_by != notice.issued_by:
        facts.append((lang.gettext("Released by"), notice.released_by or operator))
    if view.published_in is not None:
        facts.append((lang.gettext("In bundle"), lang.number(view.published_in)))
    if notice.retracted is not None:
        facts.append((lang.gettext("Retracted by"), notice.retracted_by or operator))
        facts.append((lang.gettext("Retracted"), lang.moment(notice.retracted)))
    else:
        facts.append((lang.gettext("People are told until"), lang.moment(notice.expires)))
    if notice.replaces is not None:
        facts.append((lang.gettext("In the place of notice"), lang.number(notice.replaces)))
    return facts
