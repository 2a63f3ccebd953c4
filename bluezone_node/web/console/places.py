"""Places: registered, looked at, and decided about."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.routing import BaseRoute

from bluezone_node.authority.places.claims import Claims
from bluezone_node.authority.places.communes import Communes
from bluezone_node.authority.places.directory import Directory
from bluezone_node.authority.places.kiosk_files import KioskFiles
from bluezone_node.authority.places.renewal import Renewal
from bluezone_node.authority.places.venues import Venues
from bluezone_node.authority.ports.accounts import ISSUER, SUPERVISOR
from bluezone_node.authority.ports.venues import Venue, VenueCardRow, VenueState
from bluezone_node.errors import AuthorityRefused, Refused
from bluezone_node.posters.batch import MOST
from bluezone_node.posters.wording import day_of, spoken
from bluezone_node.venues.card import CardFlag
from bluezone_node.web.console import menu
from bluezone_node.web.console.page import Frame
from bluezone_node.web.console.place_edit import place_edit_routes
from bluezone_node.web.console.place_facts import facts_of
from bluezone_node.web.console.place_forms import (
    candidates,
    choices,
    errors_of,
    new_order,
    typed,
)
from bluezone_node.web.console.place_posters import poster_routes
from bluezone_node.web.console.place_search import MOST_SHOWN, found_by
from bluezone_node.web.console.visit import (
    Answer,
    Away,
    Download,
    Handler,
    NotHere,
    Page,
    Visit,
    id_of,
)

_NEW = "new"


@dataclass(frozen=True, slots=True)
class Places:
    """What the pages of places show and do."""

    communes: Communes
    directory: Directory
    venues: Venues
    renewal: Renewal
    kiosk_files: KioskFiles
    claims: Claims | None
    """None: owners cannot register their places here."""
    host: str
    """Of the links in squares."""


class PlacesDesk:
    """The pages of places, for those who are signed in."""

    def __init__(self, places: Places) -> None:
        self._communes = places.communes
        self._directory = places.directory
        self._venues = places.venues
        self._renewal = places.renewal
        self._kiosk_files = places.kiosk_files
        self._host = places.host

    def routes(self, frame: Frame) -> list[BaseRoute]:
        """Return the routes of the pages."""
        one = f"{menu.PLACES}/{{place}}"

        def decision(name: str, act: Callable[[Visit], object]) -> BaseRoute:
            path = f"{one}/{name}"
            return frame.post(path, self._acting(act), role=SUPERVISOR, section=menu.PLACES)

        def page(path: str, shown: Handler) -> BaseRoute:
            return frame.get(path, shown, role=ISSUER, section=menu.PLACES)

        return [
            page(menu.PLACES, self.show),
            page(f"{menu.PLACES}/{_NEW}", self.form),
            frame.post(f"{menu.PLACES}/{_NEW}", self.register, role=ISSUER, section=menu.PLACES),
            *poster_routes(frame, self._directory, self._communes, self._host),
            page(one, self.place),
            *place_edit_routes(frame, self._directory, self._renewal, self._communes),
            decision("approve", self._approve),
            decision("reject", self._reject),
            decision("rotate", self._rotate),
            decision("close", self._close),
            decision("kiosk", self._kiosk),
            decision("revoke-kiosk", self._revoke_kiosk),
        ]

    def show(self, visit: Visit) -> Answer:
        """Show the places that were looked for, and how many wait for a decision."""
        asked: Sequence[str] = ()
        errors: dict[str, Any] = {}
        found: list[Venue] = []
        try:
            found = found_by(self._directory, self._communes, visit)
        except AuthorityRefused as refused:
            errors = errors_of(visit, refused, visit.wording.refusal(refused))
            asked = candidates(refused)
        names = self._communes.names(found)
        values = {
            "found": [_told(visit, each, names[each.venue_id]) for each in found],
            "most": MOST_SHOWN,
            "hung": sum(each.state is VenueState.APPROVED for each in found),
            "most_posters": MOST,
            "counts": self._directory.counts(visit.actor),
            "values": {name: visit.query.get(name, "") for name in ("q", "commune", "state")},
            "states": [("", visit.language.gettext("All")), *visit.wording.venue_states.items()],
            "asked": asked,
            "errors": errors,
        }
        return Page("places.html", values, 422 if errors else 200)

    def form(self, visit: Visit) -> Answer:
        """Show the form for a new place."""
        return self._form(visit, {})

    def register(self, visit: Visit) -> Answer:
        """Register a place; the form's number is its id, so that it is registered once."""
        nonce = visit.form["nonce"]
        try:
            venue_id = id_of(nonce)
            realm = self._directory.realm_for(visit.form["realm"], visit.actor)
            order = new_order(visit, self._communes, realm)
            self._venues.register(order, visit.actor, venue_id)
        except Refused as refused:
            if refused.reason == "venue_known" and self._is_there(visit, nonce):
                return Away(f"{menu.PLACES}/{nonce}")
            errors = errors_of(visit, refused, visit.wording.refusal(refused))
            return self._form(visit, errors, 422, candidates(refused))
        return Away(f"{menu.PLACES}/{venue_id.hex()}")

    def place(self, visit: Visit) -> Answer:
        """Show one place."""
        return self._place(visit, {})

    def _acting(self, act: Callable[[Visit], object]) -> Handler:
        def acted(visit: Visit) -> Answer:
            try:
                answer = act(visit)
            except AuthorityRefused as refused:
                if refused.reason == "venue_not_found":
                    raise NotHere from None
                return self._place(visit, {"": visit.wording.refusal(refused)}, 409)
            back = Away(f"{menu.PLACES}/{_place(visit).hex()}")
            return answer if isinstance(answer, Page | Download) else back

        return acted

    def _approve(self, visit: Visit) -> object:
        return self._venues.approve(_place(visit), visit.actor)

    def _reject(self, visit: Visit) -> object:
        self._venues.reject(_place(visit), visit.actor)
        return None

    def _rotate(self, visit: Visit) -> object:
        at_once = visit.form["at_once"] == "yes"
        return self._renewal.rotate(_place(visit), visit.actor, at_once=at_once)

    def _close(self, visit: Visit) -> object:
        if visit.form["sure"] != "yes":
            sentence = visit.language.gettext("Tick the box if the place is to be closed for good.")
            return self._place(visit, {"sure": sentence}, 422)
        self._venues.close(_place(visit), visit.actor)
        return None

    def _kiosk(self, visit: Visit) -> object:
        made = self._kiosk_files.make(_place(visit), visit.form["room"], visit.actor)
        return Download("venue.json", made.content, "application/json")

    def _revoke_kiosk(self, visit: Visit) -> object:
        self._kiosk_files.revoke(_place(visit), visit.form["room"], visit.actor)
        return None

    def _form(
        self, visit: Visit, errors: dict[str, Any], status: int = 200, asked: Sequence[str] = ()
    ) -> Page:
        values = choices(visit, self._directory.realms(visit.actor), self._communes, asked)
        values |= {
            "values": typed(visit),
            "errors": errors,
            "at_once": visit.actor.may(SUPERVISOR),
        }
        return Page("place_form.html", values, status)

    def _place(self, visit: Visit, errors: dict[str, Any], status: int = 200) -> Page:
        try:
            view = self._directory.view(_place(visit), visit.actor)
        except AuthorityRefused:
            raise NotHere from None
        venue = view.venue
        commune = self._communes.names([venue])[venue.venue_id]
        values = {
            "place": _told(visit, venue, commune),
            "facts": _facts(visit, venue, commune),
            "editable": venue.state in (VenueState.CLAIMED, VenueState.APPROVED),
            "cards": [_card(row) for row in view.cards],
            "ending": [_card(row) for row in view.ending],
            "kiosks": view.kiosks,
            "rooms": [row.room for row in view.cards],
            "decides": visit.actor.may(SUPERVISOR),
            "register": bool(venue.flags & CardFlag.REGISTER_REQUIRED),
            "errors": errors,
        }
        return Page("place.html", values, status)

    def _is_there(self, visit: Visit, nonce: str) -> bool:
        """Tell whether the same form came before."""
        try:
            self._directory.view(id_of(nonce), visit.actor)
        except AuthorityRefused:
            return False
        return True


def _facts(visit: Visit, venue: Venue, commune: str) -> list[tuple[str, str]]:
    lang = visit.language
    facts = facts_of(visit, venue, commune)
    del facts[lang.gettext("Name of the place")]  # it is the heading
    facts[lang.gettext("Registered")] = lang.moment(venue.claimed)
    if venue.decided is not None:
        by = venue.decided_by or lang.gettext("The operator")
        facts[lang.gettext("Decided")] = f"{lang.moment(venue.decided)} · {by}"
    if venue.closed is not None:
        facts[lang.gettext("Closed")] = lang.moment(venue.closed)
    return [(name, words) for name, words in facts.items() if words]


def _told(visit: Visit, venue: Venue, commune: str) -> dict[str, Any]:
    return {
        "id": venue.venue_id.hex(),
        "name": venue.name,
        "kind": visit.wording.kind_of_place(venue.kind),
        "address": venue.address,
        "commune": commune or f"{venue.commune:05}",
        "state": str(venue.state),
        "claimed": venue.claimed,
    }


def _card(row: VenueCardRow) -> dict[str, Any]:
    return {
        "room": row.room,
        "code": spoken(row.signed.spoken_code),
        "last": f"{day_of(row.signed.card.to_day - 1):%d/%m/%Y}",
        "issued": row.issued,
        "revoked": row.revoked,
    }


def _place(visit: Visit) -> bytes:
    return id_of(visit.params["place"])
