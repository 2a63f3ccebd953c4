"""``/metrics``, for those who watch over the server, and nobody else.

No number in it is about a person; but how many claimed a code in the last minute, of a province
where one person was tested, would be.
"""

from collections.abc import Sequence
from ipaddress import ip_address, ip_network

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bluezone_node.web.metrics import Meters
from bluezone_node.web.problem import problem
from bluezone_node.web.watch import Watch

FORWARDED = ("x-forwarded-for", "forwarded", "via")
"""What a reverse proxy adds. One on this machine that is not named in the settings would make
everybody look like this machine."""


def metrics_routes(meters: Meters, watch: Watch, allowed: Sequence[str]) -> list[Route]:
    """Return the route of the metrics for callers within the networks *allowed*."""
    networks = [ip_network(network, strict=False) for network in allowed]

    def may_read(request: Request) -> bool:
        try:
            caller = ip_address(request.client.host if request.client else "")
        except ValueError:
            return False
        if caller.is_loopback and any(name in request.headers for name in FORWARDED):
            return False
        return any(caller in network for network in networks)

    async def metrics(request: Request) -> Response:
        if not may_read(request):
            return problem("forbidden", "Metrics are for addresses that the settings name.")
        return Response(
            meters.exposition(await watch.findings()),
            headers={"Cache-Control": "no-store"},
            media_type=CONTENT_TYPE_LATEST,
        )

    return [Route("/metrics", metrics)]
