"""Posters of places: one room's, or in one file those of all places of a list."""

from threading import Lock
from typing import get_args

from starlette.routing import BaseRoute

from bluezone_node.authority.places.communes import Communes
from bluezone_node.authority.places.directory import Directory
from bluezone_node.authority.places.printing import cards_to_print
from bluezone_node.authority.ports.accounts import ISSUER
from bluezone_node.errors import AuthorityRefused, FontUnavailable
from bluezone_node.posters.batch import MOST, batch
from bluezone_node.posters.poster import Size
from bluezone_node.posters.rendering import Format, make
from bluezone_node.venues.text import Direction, to_url
from bluezone_node.web.console import menu
from bluezone_node.web.console.page import Frame
from bluezone_node.web.console.place_search import found_by
from bluezone_node.web.console.visit import Answer, Download, Handler, NotHere, Visit, id_of

MEDIA = {"pdf": "application/pdf", "png": "image/png", "svg": "image/svg+xml"}
WAYS: dict[str, tuple[Direction | None, ...]] = {
    "": (None,),
    "in": ("in",),
    "out": ("out",),
    "in-out": ("in", "out"),
}
"""What is printed of each place, by its word in an address."""


def poster_routes(
    frame: Frame, directory: Directory, communes: Communes, host: str
) -> list[BaseRoute]:
    """Return the routes of posters; *host*: of the links in squares."""
    drawing = Lock()

    def one(visit: Visit) -> Answer:
        """Draw the poster of a room."""
        asked = visit.query
        size, form, way = asked.get("size"), asked.get("format"), asked.get("direction") or None
        if size not in get_args(Size) or form not in get_args(Format):
            raise NotHere
        if way is not None and way not in get_args(Direction):
            raise NotHere
        place = id_of(visit.params["place"])
        try:
            signed = directory.card(place, asked.get("room", ""), visit.actor).signed
        except AuthorityRefused as refused:
            if refused.reason in ("venue_not_found", "room_not_found"):
                raise NotHere from None
            raise
        url = to_url(signed.cose, host, way)  # type: ignore[arg-type]
        name = communes.of_card(signed.card)
        drawn = make(signed, url, size, way, form, commune=name)  # type: ignore[arg-type]
        name = "-".join(filter(None, (signed.spoken_code, size, way)))
        return Download(f"{name}.{form}", drawn, MEDIA[str(form)])

    def listed(visit: Visit) -> Answer:
        """Draw the posters of the places that a list shows."""
        size, way = visit.query.get("size"), visit.query.get("way", "")
        if size not in get_args(Size) or way not in WAYS:
            raise NotHere
        found = found_by(directory, communes, visit)
        cards = cards_to_print(directory, communes, found, visit.actor)
        if not cards:
            raise AuthorityRefused("None of these places has a poster.", reason="no_posters")
        if len(cards) * len(WAYS[way]) > MOST:
            raise AuthorityRefused(
                f"These are more than {MOST} posters.", reason="too_many_posters"
            )
        # Seconds of an interpreter that all pages share: two at once would be felt.
        if not drawing.acquire(blocking=False):
            raise AuthorityRefused("Posters are being made.", reason="posters_busy")
        try:
            made = batch(cards, host, size=size, directions=WAYS[way])  # type: ignore[arg-type]
        finally:
            drawing.release()
        name = "-".join(filter(None, ("posters", size, way)))
        return Download(f"{name}.pdf", made.content, MEDIA["pdf"])

    def drawn(draw: Handler) -> Handler:
        def page(visit: Visit) -> Answer:
            try:
                return draw(visit)
            except FontUnavailable:
                raise AuthorityRefused(
                    "The server has no font for posters.", reason="no_font"
                ) from None

        return page

    def route(path: str, draw: Handler) -> BaseRoute:
        return frame.get(path, drawn(draw), role=ISSUER, section=menu.PLACES)

    return [route(menu.POSTERS, listed), route(f"{menu.PLACES}/{{place}}/poster", one)]
