"""``/openapi.json``: the description of what is served beside it."""

from collections.abc import Sequence
from functools import cache

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bluezone_node.web.openapi import description


def openapi_routes(routes: Sequence[BaseRoute]) -> list[Route]:
    """Return the route of the description of *routes*, and of itself."""

    @cache
    def written() -> bytes:
        return msgspec.json.encode(description([*routes, described]))

    async def describe(_request: Request) -> Response:
        return Response(
            written(), headers={"Cache-Control": "max-age=300"}, media_type="application/json"
        )

    described = Route("/openapi.json", describe)
    return [described]
