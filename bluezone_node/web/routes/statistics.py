"""``POST /v1/stats``: how many published, by day and province, for the registrar.

As in Google's key server: a bearer token signed by the registrar, and nothing of few or of late.
"""

from datetime import date
from itertools import groupby
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from bluezone_node.authority.publisher.statistics_desk import StatisticsDesk
from bluezone_node.errors import AuthorityRefused
from bluezone_node.ports import Entropy
from bluezone_node.web.answers import StatisticsDay
from bluezone_node.web.exchange import Exchange, RequestModel


class StatisticsRequest(RequestModel, frozen=True):
    """Which days, both included; UTC."""

    first: date
    last: date


def statistics_routes(desk: StatisticsDesk, entropy: Entropy) -> list[Route]:
    """Return the publisher's route for statistics."""
    exchange = Exchange(entropy, error_name="code", headers={"x-api-version": "v1"})

    def read(asked: StatisticsRequest, token: str) -> dict[str, Any]:
        found = desk.read(token, asked.first, asked.last)
        return {
            "days": [
                StatisticsDay(day, realm, {count.event: count.count for count in counts})
                for (day, realm), counts in groupby(found, lambda count: (count.day, count.realm))
            ]
        }

    return [exchange.post_from("/v1/stats", StatisticsRequest, bearer, read)]


def bearer(request: Request) -> str:
    """Return the token of *request*; Raises AuthorityRefused, ``unauthorized``, without one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise AuthorityRefused("A bearer token is needed.", reason="unauthorized")
    return token.strip()
