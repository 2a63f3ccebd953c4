"""Problem documents: what is answered where Google's API has no form of its own."""

import logging
from collections.abc import AsyncIterator

import httpx2
import pytest
from sqlalchemy.exc import OperationalError
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from bluezone_node.errors import BadInput, Unreachable
from bluezone_node.web.app import build_app
from bluezone_node.web.problem import KINDS, MEDIA_TYPE, problem, problem_of, refusal
from tests.authorities import served

SECRET = "12345678"


def _broken(_request: Request) -> Response:
    raise RuntimeError(f"code {SECRET} is secret")


def _without_database(_request: Request) -> Response:
    raise OperationalError("SELECT", {"code": SECRET}, RuntimeError(SECRET))


async def _half(_request: Request) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"half"
        raise RuntimeError(f"code {SECRET} is secret")

    return StreamingResponse(pieces())


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    routes = [
        Route("/broken", _broken),
        Route("/half", _half),
        Route("/without-database", _without_database),
    ]
    async with (
        served(build_app(routes)) as url,
        httpx2.AsyncClient(base_url=url) as client,
    ):
        yield client


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("GET", f"/{SECRET}", 404, "not_found"),
        ("GET", f"/broken/?code={SECRET}", 404, "not_found"),
        ("DELETE", "/broken", 405, "method_not_allowed"),
        ("OPTIONS", "/broken", 405, "method_not_allowed"),
        ("GET", "/broken", 500, "internal_error"),
        ("GET", "/without-database", 503, "unavailable"),
        ("GET", f"/problems/{SECRET}", 404, "not_found"),
    ],
)
async def test_what_goes_wrong_is_told_without_quoting(
    http: httpx2.AsyncClient,
    caplog: pytest.LogCaptureFixture,
    method: str,
    path: str,
    status: int,
    reason: str,
) -> None:
    """A document with status, reason and title; neither it nor a log repeats the request."""
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.WARNING, "httpx2")
    answer = await http.request(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, MEDIA_TYPE)
    assert answer.json() == {
        "type": f"/problems/{reason}",
        "title": KINDS[reason].title,
        "status": status,
        "reason": reason,
    }
    assert (status == 405) == ("allow" in answer.headers)
    assert answer.headers["cache-control"] == "no-store"
    assert SECRET not in answer.text + caplog.text + str(answer.headers)
    assert ("Error at" in caplog.text) == (status >= 500)


async def test_an_answer_that_breaks_off_is_seen_to_be_broken(
    http: httpx2.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    """The connection is closed before its end, and nothing of the error is told."""
    with pytest.raises(httpx2.RemoteProtocolError):
        await http.get("/half")
    assert "RuntimeError at" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize("reason", KINDS)
async def test_every_kind_has_a_page(http: httpx2.AsyncClient, reason: str) -> None:
    """The type of a problem leads to what it means and what to do."""
    page = await http.get(problem_of(reason).type)
    assert page.status_code == 200
    assert page.text.startswith(str(KINDS[reason].status))
    assert KINDS[reason].cure in page.text


def test_a_reason_of_its_own_has_no_page() -> None:
    """What a service refuses keeps its reason and sentence, under the type that says nothing."""
    told = refusal(BadInput("It is too late.", reason="too_late"), status=409)
    assert told.body == (
        b'{"type":"about:blank","title":"Conflict","status":409,'
        b'"reason":"too_late","detail":"It is too late."}'
    )


def test_what_cannot_be_reached_is_unavailable() -> None:
    """An error without a reason of its own is the server's, and passes."""
    assert refusal(Unreachable("Nobody answers.")).status_code == 503
    assert problem("too_many_requests", headers={"Retry-After": "3"}).headers["retry-after"] == "3"
