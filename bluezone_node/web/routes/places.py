"""The kiosks' door at the registrar, and the notices that everybody fetches.

A kiosk names itself by a bearer token that follows from the secret it was given
(docs/protocol-places.md, "Kiosk's door").  Whatever is wrong with a token, the answer is the same.
"""

import re
from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Scope

from bluezone_node.authority.limits import TooManyAttempts
from bluezone_node.authority.places.bundles import ROOT
from bluezone_node.authority.places.proposals import Proposals
from bluezone_node.authority.ports.notices import Evidence
from bluezone_node.authority.ports.shelf import INDEX_SECONDS, LISTS
from bluezone_node.errors import AuthorityRefused
from bluezone_node.intervals import from_unix
from bluezone_node.ports import Entropy
from bluezone_node.web.exchange import Exchange, RequestModel, from_base64
from bluezone_node.web.limit import AddressLimit
from bluezone_node.web.problem import refusal
from bluezone_node.web.routes.exports import ExportFiles
from bluezone_node.web.routes.statistics import bearer

PER_MINUTE = 30
"""Requests of one address: a kiosk makes a few a day; several may stand behind one router."""
PROPOSAL_BYTES = 16
CARD_TYPE = "application/cose"
_SERVED = re.compile(r"index\.txt|trust\.cose|days\.cose|\d{8,12}\.cose")
_Instant = Annotated[int, Meta(ge=0, lt=2**32)]
_Count = Annotated[int, Meta(ge=0, le=1_000_000)]


class ProposalRequest(RequestModel, frozen=True, rename="camel"):
    """What a kiosk says: its place is that of its token."""

    id: str
    """base64 of 16 random bytes: a proposal whose answer was lost is sent again under the same."""
    start: _Instant
    """Unix seconds."""
    end: _Instant
    minutes: _Count
    """For how long somebody who has reported a diagnosis since was near."""
    packets: _Count
    keys: _Count
    expected_packets: _Count = 0
    confidence: Annotated[float, Meta(ge=0, le=1)] | None = None


def naming(limit: AddressLimit) -> Callable[[Request], str]:
    """Return what takes the token of a kiosk's request; *limit* bounds what one address asks."""

    def named(request: Request) -> str:
        # Who says nothing of themselves is told so without being counted: nothing is looked up.
        token = bearer(request)
        if seconds := limit.wait(request.client.host if request.client else ""):
            raise TooManyAttempts("Too many requests.", timedelta(seconds=seconds))
        return token

    return named


def kiosk_routes(proposals: Proposals, limit: AddressLimit, entropy: Entropy) -> list[BaseRoute]:
    """Return the door's routes. *limit* bounds what one address may ask."""
    exchange = Exchange(entropy, error_name="code", headers={"Cache-Control": "no-store"})

    named = naming(limit)

    def propose(asked: ProposalRequest, token: str) -> dict[str, Any]:
        desk = proposals.desk(token)
        proposal_id = from_base64(asked.id, "proposal_invalid")
        if len(proposal_id) != PROPOSAL_BYTES:
            raise AuthorityRefused("The id is not 16 bytes long.", reason="proposal_invalid")
        said = Evidence(
            asked.minutes, asked.packets, asked.keys, asked.expected_packets, asked.confidence
        )
        kept = proposals.take(desk, proposal_id, from_unix(asked.start), from_unix(asked.end), said)
        return {
            "id": b64encode(kept.proposal_id).decode(),
            "state": {None: "waiting", True: "accepted", False: "dismissed"}[kept.accepted],
        }

    async def card(request: Request) -> Response:
        try:
            token = named(request)
            held = await run_in_threadpool(lambda: proposals.card(proposals.desk(token)))
        except TooManyAttempts as error:
            answer = refusal(error, status=429)
            answer.headers["Retry-After"] = f"{error.seconds}"
        except AuthorityRefused as error:
            answer = refusal(error, status=404 if error.reason == "no_card" else 0)
        else:
            answer = Response(
                held.cose, headers={"Cache-Control": "no-store"}, media_type=CARD_TYPE
            )
            request.state.outcome = "ok"
        return answer

    return [
        exchange.post_from("/v1/places/proposals", ProposalRequest, named, propose),
        Route("/v1/places/card", card),
    ]


def bundle_routes(folder: Path) -> list[BaseRoute]:
    """Return the route of the bundles of notices in *folder*; it may come to be later."""
    return [Mount(f"/{ROOT}", BundleFiles(directory=folder, check_dir=False))]


class BundleFiles(ExportFiles):
    """Serves bundles, and the lists beside them, which change."""

    served = _SERVED

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if path in LISTS:
            response.headers["Cache-Control"] = f"public, max-age={INDEX_SECONDS}"
        if response.status_code == 200 and path.endswith(".cose"):
            response.headers["Content-Type"] = CARD_TYPE
        return response
