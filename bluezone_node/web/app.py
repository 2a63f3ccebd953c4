"""The ASGI application: the routes of the roles that this process plays."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from bluezone_node.authority.publisher.publish import Publisher
from bluezone_node.authority.registrar.issuing import Issuing
from bluezone_node.authority.registrar.verification import Verification
from bluezone_node.ports import Clock, Entropy
from bluezone_node.web.last_resort import LastResort
from bluezone_node.web.limit import AddressLimit
from bluezone_node.web.metrics import Meters
from bluezone_node.web.observe import Observer, Seen
from bluezone_node.web.problem import EXCEPTION_HANDLERS, problem_routes
from bluezone_node.web.routes.exports import export_routes
from bluezone_node.web.routes.health import health_routes
from bluezone_node.web.routes.landing import landing_routes
from bluezone_node.web.routes.metrics import metrics_routes
from bluezone_node.web.routes.openapi import openapi_routes
from bluezone_node.web.routes.publish import publish_routes
from bluezone_node.web.routes.verification import verification_routes
from bluezone_node.web.watch import Watch


def registrar_routes(
    verification: Verification,
    issuing: Issuing,
    clock: Clock,
    entropy: Entropy,
    api_keys: Mapping[str, str],
    per_minute: int,
) -> list[BaseRoute]:
    """Return the routes of the registrar. *api_keys*: the province of each."""
    limit = AddressLimit(clock, per_minute)
    return [
        *verification_routes(verification, issuing, limit, entropy, api_keys),
        *landing_routes(),
    ]


def publisher_routes(
    publisher: Publisher, entropy: Entropy, exports: Path | None
) -> list[BaseRoute]:
    """Return the routes of the publisher. *exports*: the folder of finished files; None: they are
    handed out by others."""
    return [*publish_routes(publisher, entropy), *(export_routes(exports) if exports else [])]


def watch_routes(watch: Watch, meters: Meters, metrics_from: Sequence[str]) -> list[BaseRoute]:
    """Return the routes for those who watch over the server."""
    return [*health_routes(watch), *metrics_routes(meters, watch, metrics_from)]


def build_app(
    routes: list[BaseRoute], tell: Callable[[Seen], None] = lambda _seen: None
) -> Starlette:
    """Return the application that serves *routes*; *tell* is called after each request."""
    routes = [*routes, *problem_routes()]
    app = Starlette(
        routes=[*routes, *openapi_routes(routes)],
        middleware=[Middleware(Observer, tell=tell), Middleware(LastResort)],
        exception_handlers=EXCEPTION_HANDLERS,
    )
    # A redirect would repeat the address that was asked for, and a code may stand in it.
    app.router.redirect_slashes = False
    return app
