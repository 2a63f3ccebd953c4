"""Statistics of uploads from a publisher that is another process: asked for over HTTP."""

from collections.abc import Callable, Mapping
from datetime import date

import httpx2 as httpx
import msgspec

from bluezone_node.authority.ports.tally import DayCount
from bluezone_node.errors import AuthorityRefused, Unreachable

TIMEOUT_SECONDS = 10.0
"""Somebody waits for a page."""
MAX_ANSWER_BYTES = 16_000_000
"""A year of 63 provinces with 50 counts each is some 12 MB."""


class _Day(msgspec.Struct):
    day: date
    realm: str
    counts: Mapping[str, int]


class _Answer(msgspec.Struct):
    days: list[_Day]


class HttpStatistics:
    """`PublicationStats` at the address of a publisher. It blocks."""

    def __init__(self, url: str, token: Callable[[], str]) -> None:
        """*token* makes what proves, for a few minutes, who asks."""
        self._url = url.rstrip("/") + "/v1/stats"
        self._token = token

    def days(self, first: date, last: date) -> list[DayCount]:
        try:
            with (
                httpx.Client(timeout=TIMEOUT_SECONDS) as client,
                client.stream(
                    "POST",
                    self._url,
                    json={"first": first.isoformat(), "last": last.isoformat()},
                    headers={
                        "Authorization": f"Bearer {self._token()}",
                        "Accept-Encoding": "identity",
                    },
                ) as response,
            ):
                if response.status_code in (401, 403):
                    raise AuthorityRefused(
                        "The publisher does not believe this registrar: does it have its public"
                        " keys, and the right time?",
                        reason="unauthorized",
                    )
                response.raise_for_status()
                body = bytearray()
                for chunk in response.iter_raw():
                    body += chunk
                    if len(body) > MAX_ANSWER_BYTES:
                        raise Unreachable("The publisher's statistics are too large to be true.")
            answer = msgspec.json.decode(bytes(body), type=_Answer)
        except (httpx.HTTPError, httpx.InvalidURL, msgspec.MsgspecError, ValueError) as error:
            raise Unreachable("The publisher's statistics could not be fetched.") from error
        return [
            DayCount(entry.day, entry.realm, event, count)
            for entry in answer.days
            for event, count in entry.counts.items()
        ]
