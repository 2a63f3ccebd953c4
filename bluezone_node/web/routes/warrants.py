"""Warrants at the kiosks' door: what waits for a place, and the rows that it releases.

A kiosk names itself as for its proposals (`places`).  Rows come in parts, each under its number:
one whose answer was lost is sent again, and changes nothing.
"""

from base64 import b64encode
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bluezone_node.authority.limits import TooManyAttempts
from bluezone_node.authority.places.openings import Openings
from bluezone_node.authority.places.proposals import Desk
from bluezone_node.errors import AuthorityRefused
from bluezone_node.ports import Entropy
from bluezone_node.venues.answer import MAX_ROWS, PART_ROWS, unpack_rows
from bluezone_node.venues.warrant import WARRANT_ID_BYTES
from bluezone_node.web.exchange import Exchange, RequestModel, from_base64
from bluezone_node.web.limit import AddressLimit
from bluezone_node.web.problem import refusal
from bluezone_node.web.routes.places import naming

PER_MINUTE = 300
"""Requests of one address: the largest answer has 134 parts; several kiosks may stand behind one
router."""

LISTED_BYTES = 8192
"""The list of warrants is filled up to a multiple of it: some five fit into one."""

NO_STORE = {"Cache-Control": "no-store"}


class OpeningRequest(RequestModel, frozen=True, rename="camel"):
    """A part of what a kiosk releases for a warrant."""

    warrant: str
    """base64 of its 16 bytes."""
    part: Annotated[int, Meta(ge=0, le=MAX_ROWS // PART_ROWS)]
    last: bool
    """With it the kiosk has answered."""
    rows: str
    """base64 of `venues.answer.pack_rows`: at most 150."""


def warrant_routes(
    desk_of: Callable[[str], Desk], openings: Openings, limit: AddressLimit, entropy: Entropy
) -> list[BaseRoute]:
    """Return the routes. *desk_of* returns where the kiosk stands that has a bearer token."""
    exchange = Exchange(entropy, error_name="code", headers=NO_STORE)

    named = naming(limit)

    def waiting(token: str) -> list[bytes]:
        kiosk = desk_of(token).kiosk
        return openings.waiting(kiosk.venue_id, kiosk.room)

    async def listed(request: Request) -> Response:
        try:
            files = await run_in_threadpool(waiting, named(request))
        except TooManyAttempts as error:
            answer = refusal(error, status=429)
            answer.headers["Retry-After"] = f"{error.seconds}"
            return answer
        except AuthorityRefused as error:
            return refusal(error)
        request.state.outcome = "ok"
        document = {
            "warrants": [b64encode(file).decode() for file in files],
            "padding": "",
        }
        # A random length would tell after some rounds whether there is any.
        missing = -len(msgspec.json.encode(document)) % LISTED_BYTES
        document["padding"] = b64encode(entropy(missing))[:missing].decode()
        return Response(msgspec.json.encode(document), 200, NO_STORE, "application/json")

    def take(asked: OpeningRequest, token: str) -> dict[str, Any]:
        kiosk = desk_of(token).kiosk
        warrant_id = from_base64(asked.warrant, "warrant_unknown")
        if len(warrant_id) != WARRANT_ID_BYTES:
            raise AuthorityRefused("There is no such warrant.", reason="warrant_unknown")
        rows = unpack_rows(from_base64(asked.rows, "rows_malformed"))
        kept = openings.take(
            kiosk.venue_id, kiosk.room, warrant_id, asked.part, rows, last=asked.last
        )
        return {"kept": kept}

    return [
        Route("/v1/places/warrants", listed),
        exchange.post_from("/v1/places/openings", OpeningRequest, named, take),
    ]
