"""``/healthz``: is this process alive; ``/readyz``: is everything that it needs in order."""

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bluezone_node.web.problem import problem
from bluezone_node.web.watch import Watch

_FRESH = {"Cache-Control": "no-store"}


class Ready(msgspec.Struct, frozen=True):
    """What ``/readyz`` answers while all is in order."""

    parts: list[str]


def health_routes(watch: Watch) -> list[Route]:
    """Return the routes that tell how it goes. They are for everybody, and tell no numbers."""

    async def alive(_request: Request) -> Response:
        return PlainTextResponse("ok\n", headers=_FRESH)

    async def ready(_request: Request) -> Response:
        findings = await watch.findings()
        wrong = {name: found.wrong for name, found in findings.items() if found.wrong}
        if wrong:
            told = "; ".join(f"{name}: {', '.join(what)}" for name, what in wrong.items())
            return problem("unavailable", f"Out of order: {told}.", parts=list(wrong))
        return Response(msgspec.json.encode(Ready(list(findings))), 200, _FRESH, "application/json")

    return [Route("/healthz", alive), Route("/readyz", ready)]
