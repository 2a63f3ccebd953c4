"""No address of an authority takes or tells where anybody was, or how full a place is."""

from pathlib import Path

from starlette.routing import BaseRoute, Mount, Route

from bluezone_node.clock import SimClock
from bluezone_node.store.authority.folder import make_folder
from bluezone_node.wiring.application import authority_app
from bluezone_node.wiring.authority import open_authority
from tests.authorities import NOW

KIOSKS = {
    "/v1/places/card",
    "/v1/places/openings",
    "/v1/places/proposals",
    "/v1/places/warrants",
}
"""With a kiosk's token: its own card, a time with figures, warrants, and the rows they release."""
EVERYBODYS = {
    "/",
    "/exports",
    "/exports/places",
    "/healthz",
    "/jwks",
    "/metrics",
    "/openapi.json",
    "/problems/{reason}",
    "/readyz",
    "/v",
}
"""The same for all who ask."""
OWNERS = {"/venues/claim", "/venues/claim/code"}
"""Of who answers for a place."""
REPORTS = {
    "/api/batch-issue",
    "/api/certificate",
    "/api/checkcodestatus",
    "/api/expirecode",
    "/api/issue",
    "/api/verify",
    "/v1/publish",
    "/v1/stats",
}
"""Codes, certificates and keys: `tests/web/test_openapi.py` compares their fields."""


def addresses(routes: list[BaseRoute]) -> set[str]:
    """Return all but the console's, which are for who has signed in."""
    paths = {route.path for route in routes if isinstance(route, Route | Mount)}
    return {path for path in paths if path.split("/")[1] != "console"}


def test_nothing_is_asked_of_visitors_and_nothing_told_of_them(tmp_path: Path) -> None:
    """Whoever adds an address decides anew: a tag or a card that is sent tells who was where."""
    roles, clock = ["registrar", "publisher"], SimClock(NOW)
    folder = make_folder(tmp_path / "a", roles, NOW)
    with open_authority(folder, clock, roles) as parts:
        found = addresses(authority_app(folder, parts, clock).routes)
    assert found == KIOSKS | EVERYBODYS | OWNERS | REPORTS
