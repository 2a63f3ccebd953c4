"""Tells what was answered, how, and how fast: all that metrics are made of.

Only the route as it was declared is told, never the address that was asked for.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

NO_ROUTE = "none"
"""Of a request that no route takes."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One request that was answered."""

    route: str
    """As declared: ``/problems/{reason}``."""
    status: int
    """0: the answer broke off before it began."""
    outcome: str
    """``ok``, ``chaff`` or the reason of a refusal, where the route says so; else empty."""
    seconds: float


class Observer:
    """The outermost layer: calls *tell* after each request."""

    def __init__(self, app: ASGIApp, tell: Callable[[Seen], None]) -> None:
        self._app = app
        self._tell = tell

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began, status = time.perf_counter(), 0

        async def noticing(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noticing)
        finally:
            route = getattr(scope.get("route"), "path", NO_ROUTE)
            outcome = scope.get("state", {}).get("outcome", "")
            self._tell(Seen(route, status, outcome, time.perf_counter() - began))
