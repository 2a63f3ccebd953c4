"""Writing a notice: the form, what people will read, and sending it out.

A new notice, an update and the answer to a kiosk's proposal are one form.  Nothing goes out from
it before the person has seen in both languages what will be read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from starlette.routing import BaseRoute

from bluezone_node.authority.places.notice_orders import OLDEST, NoticeOrder, order_of
from bluezone_node.authority.places.notice_views import NoticeState, NoticeView
from bluezone_node.authority.ports.accounts import SUPERVISOR
from bluezone_node.authority.ports.notices import StoredNotice
from bluezone_node.authority.ports.venues import Venue
from bluezone_node.errors import AuthorityRefused
from bluezone_node.ports import Clock
from bluezone_node.venues.card import VIETNAM
from bluezone_node.venues.notices import Advice, NoticeLevel
from bluezone_node.web.console import menu, window
from bluezone_node.web.console.forms import Form
from bluezone_node.web.console.notices import Warnings
from bluezone_node.web.console.page import Frame
from bluezone_node.web.console.reading import readings
from bluezone_node.web.console.shown import Shown
from bluezone_node.web.console.typed_notice import (
    FIELD_OF,
    FIELDS,
    MORE,
    order_from,
    typed_of,
    window_of,
)
from bluezone_node.web.console.visit import WAITING, Answer, Away, NotHere, Page, Visit, id_of

CARRIED = ("venue", "replaces", "proposal")
"""What goes with the form unseen: see `About.hidden`."""

_DRAFTS = f"{menu.NOTICES}/drafts"


@dataclass(frozen=True, slots=True)
class About:
    """What a notice is written for."""

    venue: Venue
    replaces: int | None = None
    proposal: bytes | None = None

    @property
    def hidden(self) -> dict[str, str]:
        """Fields that carry it from one form to the next."""
        return {
            "venue": self.venue.venue_id.hex(),
            "replaces": str(self.replaces or ""),
            "proposal": self.proposal.hex() if self.proposal else "",
        }


class Drafting:
    """The pages on which notices are written."""

    def __init__(self, warnings: Warnings, shown: Shown, clock: Clock) -> None:
        self._directory = warnings.directory
        self._notices = warnings.notices
        self._proposals = warnings.proposals
        self._breaker = warnings.breaker
        self._shown = shown
        self._clock = clock

    def routes(self, frame: Frame) -> list[BaseRoute]:
        one = f"{_DRAFTS}/{{draft}}"
        return [
            frame.get(f"{menu.NOTICES}/{{number:int}}/update", self.update, section=menu.NOTICES),
            frame.get(f"{menu.NOTICES}/new/{{venue}}", self.new, section=menu.NOTICES),
            frame.get(f"{menu.PROPOSALS}/{{proposal}}/notice", self.answer, section=menu.PROPOSALS),
            frame.post(_DRAFTS, self.type, section=menu.NOTICES),
            frame.get(one, self.draft, section=menu.NOTICES),
            frame.get(f"{one}/edit", self.edit, section=menu.NOTICES),
            frame.post(f"{one}/issue", self.issue, section=menu.NOTICES),
            frame.get(f"{one}/sent", self.sent, section=menu.NOTICES),
        ]

    def new(self, visit: Visit) -> Answer:
        """Show the form of a notice about a place."""
        about = self._about(visit, id_of(visit.params["venue"]))
        return self._form(visit, about, self._blank(visit), {})

    def update(self, visit: Visit) -> Answer:
        """Show the form with what a notice says by now."""
        try:
            notice = self._notices.show(visit.params["number"], visit.actor).notice
        except AuthorityRefused:
            raise NotHere from None
        about = self._about(visit, notice.venue_id, notice.number, notice.proposal)
        return self._form(visit, about, typed_of(order_of(notice)), {})

    def answer(self, visit: Visit) -> Answer:
        """Show the form with the time that a kiosk names."""
        try:
            found = self._proposals.show(id_of(visit.params["proposal"]), visit.actor)
        except AuthorityRefused:
            raise NotHere from None
        if found.decided is not None:
            return Away(f"{menu.PROPOSALS}/{visit.params['proposal']}")
        about = self._about(visit, found.venue_id, proposal=found.proposal_id)
        order = NoticeOrder(found.venue_id, found.start, found.end, room=found.room)
        return self._form(visit, about, self._blank(visit) | window_of(order), {})

    def type(self, visit: Visit) -> Answer:
        """Keep what was typed, and go to its page: a form that is wrong has one too."""
        self._named(visit)
        typed = {name: visit.form[name] for name in (*FIELDS, *CARRIED)}
        name = self._shown.keep(visit.token, visit.form["nonce"], typed)
        return Away(f"{_DRAFTS}/{name}")

    def draft(self, visit: Visit) -> Answer:
        """Show what people will read; or what is wrong with the form."""
        if self._shown.get(visit.token, _sent(visit)) is not None:
            return Away(f"{_address(visit)}/sent")
        visit = self._typed(visit)
        about, errors = self._named(visit), dict[str, str]()
        if self._is_over(visit, about.replaces):
            return self._anew(visit, about)
        order = self._ordered(visit, about, errors)
        if not errors:
            try:
                notice = self._notices.checked(order, visit.actor)
            except AuthorityRefused as refused:
                errors[FIELD_OF.get(refused.reason, "")] = visit.wording.refusal(refused)
            else:
                values = {
                    "about": about,
                    "room": order.room,
                    "draft": _address(visit),
                    "facts": _facts(visit, notice),
                    "others": self._others(about, notice),
                    "breaker": self._breaker.stands(),
                    "readings": readings(notice, about.venue.name),
                    "at_once": visit.actor.may(SUPERVISOR),
                    "errors": {},
                }
                return Page("notice_preview.html", values)
        return self._form(visit, about, visit.form.values, errors, 422)

    def edit(self, visit: Visit) -> Answer:
        """Show the form again as it was filled in."""
        visit = self._typed(visit)
        return self._form(visit, self._named(visit), visit.form.values, {})

    def issue(self, visit: Visit) -> Answer:
        """Issue the notice, once, however often the form comes; then go to its page.

        Where somebody has warned of that time since the preview, it is shown again, with theirs.
        """
        address, name, seen = _address(visit), _sent(visit), visit.form["seen"].split()
        if self._shown.get(visit.token, name) is not None:
            return Away(f"{address}/sent")
        visit = self._typed(visit)
        about, errors = self._named(visit), dict[str, str]()
        order = self._ordered(visit, about, errors)
        if not errors:
            try:
                others = self._others(about, self._notices.checked(order, visit.actor))
                if any(str(each.notice.number) not in seen for each in others):
                    return Away(address)
                self._shown.once(visit.token, name, lambda: self._send(visit, about, order))
                return Away(f"{address}/sent")
            except AuthorityRefused as refused:
                if refused.reason == "notice_retracted":
                    return self._anew(visit, about)
                errors[FIELD_OF.get(refused.reason, "")] = visit.wording.refusal(refused)
        return self._form(visit, about, visit.form.values, errors, 422)

    def sent(self, visit: Visit) -> Answer:
        """Go to the page of the new notice, once there is one."""
        made = self._shown.get(visit.token, _sent(visit))
        if made is None:
            raise NotHere
        return Away(f"{menu.NOTICES}/{made['number']}") if made else WAITING

    def _is_over(self, visit: Visit, number: int | None) -> bool:
        """Tell whether the notice that is written over was itself changed or retracted."""
        if number is None:
            return False
        try:
            return self._notices.show(number, visit.actor).state is NoticeState.RETRACTED
        except AuthorityRefused:
            raise NotHere from None

    def _anew(self, visit: Visit, about: About) -> Page:
        """Show the form as that of a new notice, where nothing is left to be changed."""
        sentence = visit.language.gettext(
            "Notice %(number)s was changed or retracted meanwhile. What you typed is still here: "
            "see what holds for the place, and whether it takes a new notice; then send it as one."
        )
        errors = {"": sentence % {"number": about.replaces}}
        return self._form(visit, About(about.venue), visit.form.values, errors, 409)

    def _typed(self, visit: Visit) -> Visit:
        """Return *visit* with the form that its address names."""
        typed = self._shown.get(visit.token, visit.params["draft"])
        if not typed:
            raise NotHere
        return replace(visit, form=Form(typed))

    def _form(
        self,
        visit: Visit,
        about: About,
        typed: Mapping[str, str],
        errors: dict[str, str],
        status: int = 200,
    ) -> Page:
        say = visit.wording
        removed = visit.language.gettext("%(room)s (removed)")
        rooms = [("", visit.language.gettext("The whole place"))]
        rooms += [
            (room, room if room in about.venue.rooms else removed % {"room": room})
            for room in self._notices.rooms(about.venue)
        ]
        values = {
            "about": about,
            "kind": say.kind_of_place(about.venue.kind),
            "rooms": rooms,
            "days": window.days(visit.language, self._clock.now(), OLDEST.days + 1, typed),
            "levels": [(str(int(level)), say.levels[level]) for level in reversed(NoticeLevel)],
            "advice": [(str(int(each)), say.advice[each]) for each in Advice],
            "more": any(typed[name] or name in errors for name in MORE),
            "values": typed,
            "errors": errors,
        }
        return Page("notice_form.html", values, status)

    def _blank(self, visit: Visit) -> dict[str, str]:
        # Whom to call is the same for most: what was said last is there to be changed.
        last = self._notices.newest(visit.actor, 1)
        return dict.fromkeys(FIELDS, "") | {
            "level": str(int(NoticeLevel.CONTACT)),
            "advice": str(int(Advice.TEST)),
            "phone": last[0].notice.phone if last else "",
        }

    def _send(self, visit: Visit, about: About, order: NoticeOrder) -> Mapping[str, Any]:
        if about.replaces is not None:
            view = self._notices.update(about.replaces, order, visit.actor)
        elif about.proposal is not None:
            view = self._proposals.approve(about.proposal, order, visit.actor)
        else:
            view = self._notices.issue(order, visit.actor)
        return {"number": view.notice.number}

    def _ordered(self, visit: Visit, about: About, errors: dict[str, str]) -> NoticeOrder:
        form, now = visit.form, self._clock.now()
        venue, proposal = about.venue.venue_id, about.proposal
        return order_from(form, visit.language, venue, proposal, now, errors)

    def _others(self, about: About, notice: StoredNotice) -> list[NoticeView]:
        """Return the notices that hold already about that place and time."""
        found = self._notices.check(notice.venue_id, notice.start, notice.until)
        return [each for each in found if each.notice.number != about.replaces]

    def _named(self, visit: Visit) -> About:
        form = visit.form
        try:
            replaces = int(form["replaces"]) if form["replaces"] else None
        except ValueError:
            raise NotHere from None
        proposal = id_of(form["proposal"]) if form["proposal"] else None
        return self._about(visit, id_of(form["venue"]), replaces, proposal)

    def _about(
        self,
        visit: Visit,
        venue_id: bytes,
        replaces: int | None = None,
        proposal: bytes | None = None,
    ) -> About:
        try:
            found = self._directory.venue(venue_id, visit.actor)
        except AuthorityRefused:
            raise NotHere from None
        return About(found, replaces, proposal)


def _address(visit: Visit) -> str:
    return f"{_DRAFTS}/{visit.params['draft']}"


def _sent(visit: Visit) -> str:
    """Return what the notice that the draft became goes by."""
    return f"{visit.params['draft']}.sent"


def _facts(visit: Visit, notice: StoredNotice) -> list[tuple[str, str]]:
    """Return who will be told, in words to be held against what the case said."""
    lang, _ = visit.language, visit.language.gettext
    day = lang.weekday(notice.start.astimezone(VIETNAM).date())
    facts = [
        (_("Day"), day),
        (_("The case was there"), lang.span(notice.start, notice.end)),
        (_("People are told of"), lang.span(notice.start, notice.until)),
    ]
    if notice.tail:
        facts.append((_("Of this, air"), lang.duration(notice.tail * 60)))
    if notice.min_overlap:
        facts.append((_("Only who was there for"), lang.duration(notice.min_overlap * 60)))
    return facts
