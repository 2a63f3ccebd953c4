"""What a kiosk sends has one length, whatever stands in it: over real HTTP, read at the server."""

from datetime import UTC, datetime, timedelta

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from bluezone_node.client import HttpPlaces
from bluezone_node.venues.answer import PART_ROWS
from bluezone_node.venues.proposals import Proposal
from bluezone_node.venues.register import INNER_BYTES, ReleasedContact
from bluezone_node.web.exchange import MAX_BODY_BYTES
from tests.authorities import served

START = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


async def test_what_was_proposed_or_released_does_not_show() -> None:
    """Neither how long somebody was there, nor how many visitors' rows were asked for."""
    lengths: dict[str, list[int]] = {"/v1/places/proposals": [], "/v1/places/openings": []}

    async def read(request: Request) -> JSONResponse:
        lengths[request.url.path].append(len(await request.body()))
        return JSONResponse({"state": "waiting", "kept": True})

    app = Starlette(routes=[Route(path, read, methods=["POST"]) for path in lengths])
    async with served(app) as url, HttpPlaces(url, "bearer") as http:
        for figure in (1, 22, 333, 4444, 55555):
            end = START + timedelta(minutes=figure % 1440)
            await http.propose(Proposal(bytes(16), START, end, figure, figure, 1, figure, end))
        for count in (0, 1, 2, 13, PART_ROWS):
            rows = [
                ReleasedContact(bytes(16), bytes(32), 2**31, bytes(8), bytes([n]) * INNER_BYTES)
                for n in range(count)
            ]
            await http.send_rows(bytes(16), count, rows, last=count == PART_ROWS)
    for path, seen in lengths.items():
        assert len(seen) == 5
        assert len({*seen}) == 1, path
        assert seen[0] <= MAX_BODY_BYTES
