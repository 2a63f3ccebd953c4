"""Answers of the kiosk: HTML from templates, squares as SVG, slips, JSON, and the page's files."""

from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

import jinja2
import msgspec
from starlette.responses import Response

from bluezone_node.node.kiosk.reading import SLIP_PREFIX
from bluezone_node.posters.rendering import render
from bluezone_node.posters.slip import Leaving, Paper, slip
from bluezone_node.posters.square import QUIET_MODULES, square_of
from bluezone_node.venues.card import VIETNAM, SignedCard
from bluezone_node.venues.checkins import Checkin

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; media-src 'self' blob: mediastream:; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Of every answer."""

STATIC = {"kiosk.css": "text/css", "kiosk.js": "text/javascript"}
"""What may be asked for, and as what it is sent."""


def json_answer(document: object) -> Response:
    return Response(msgspec.json.encode(document), media_type="application/json")


def nothing() -> Response:
    return Response("404", 404, media_type="text/plain")


def page_name(location_id: bytes) -> str:
    """Return what names the door's page: it changes with the place's card and the page's files."""
    said = b"".join([location_id, *(static_file(name) for name in STATIC)])
    return sha256(said).hexdigest()[:16]


def page_answer(template: str, status: int = 200, /, **values: Any) -> Response:
    html = _templates().get_template(template).render(**values)
    return Response(html, status, media_type="text/html")


def square_answer(text: str) -> Response:
    """Return *text* as a QR code with its quiet zone."""
    square = square_of(text)
    side = square.modules + 2 * QUIET_MODULES
    dark = "".join(
        f"M{x + QUIET_MODULES} {y + QUIET_MODULES}h1v1h-1z"
        for y, row in enumerate(square.rows)
        for x, module in enumerate(row)
        if module
    )
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}"'
        f' shape-rendering="crispEdges"><path fill="#fff" d="M0 0h{side}v{side}H0z"/>'
        f'<path d="{dark}"/></svg>'
    )
    return Response(svg, media_type="image/svg+xml")


def slip_answer(signed: SignedCard, url: str, entry: Checkin, code: str, paper: Paper) -> Response:
    """Return the paper slip of *entry* as a picture, dot for dot as a receipt printer burns it.

    Raises:
        BadInput, FontUnavailable: as `posters.slip.slip`.
    """
    leaving = Leaving(code, f"{SLIP_PREFIX}{code}")
    sheet = slip(signed, url, entry.came, leaving=leaving, people=entry.party, paper=paper)
    return Response(render(sheet, "png"), media_type="image/png")


@cache
def static_file(name: str) -> bytes:
    return files(__package__).joinpath("static", name).read_bytes()


@cache
def _templates() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("bluezone_node.web.kiosk"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["here"] = lambda at, form: at.astimezone(VIETNAM).strftime(form)
    return made
