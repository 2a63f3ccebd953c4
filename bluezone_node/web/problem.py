"""Problem documents (RFC 9457): how this server says no, where Google's API has no form of its own.

A problem names what is wrong by a word from the list below, which programs may rely on, and by a
sentence for people.  Neither ever quotes the request: what was sent may be a code or a key.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bluezone_node.errors import BluezoneError, Refused

MEDIA_TYPE = "application/problem+json"
BASE = "/problems/"
"""Where each kind of problem has a page of its own; its address is the ``type``."""


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One problem document."""

    type: str
    """The page that explains it."""
    title: str
    """The same for every problem of this type."""
    status: int
    reason: str
    """Why, in snake_case: stable, and counted in metrics."""
    detail: str = ""
    """What is wrong this time, in a sentence."""
    parts: Sequence[str] = ()
    """Of the server, where some of them are out of order."""


class Kind(msgspec.Struct, frozen=True):
    """What all problems of one reason have in common."""

    status: int
    title: str
    cure: str
    """What the caller can do."""


KINDS = {
    "malformed_request": Kind(
        400, "The request is not HTTP.", "Compare what was sent with RFC 9112."
    ),
    "unauthorized": Kind(
        401, "The caller is not known.", "Send the key or the token that the address asks for."
    ),
    "forbidden": Kind(
        403, "The caller may not do this.", "Ask the operator; settings say who may."
    ),
    "not_found": Kind(
        404, "There is nothing at this address.", "See /openapi.json for what there is."
    ),
    "method_not_allowed": Kind(
        405, "This address does not take this method.", "The header Allow says which it takes."
    ),
    "request_timeout": Kind(
        408, "The request did not arrive in time.", "Send it again, on a better line."
    ),
    "body_too_large": Kind(
        413, "The request has too many bytes.", "No request needs more than 64 000 bytes."
    ),
    "unsupported_media_type": Kind(
        415, "The body is of another type.", "Send plain application/json, not compressed."
    ),
    "too_many_requests": Kind(
        429, "Too many requests came from this address.", "Wait as long as Retry-After says."
    ),
    "headers_too_large": Kind(
        431, "The header of the request has too many bytes.", "Send fewer or shorter headers."
    ),
    "internal_error": Kind(
        500, "The server made a mistake.", "Tell the operator; the log says where it happened."
    ),
    "unavailable": Kind(
        503, "A part of the server is out of order.", "Try again later; /readyz says which part."
    ),
}
"""What can be wrong, by reason."""

_REASONS = {kind.status: reason for reason, kind in KINDS.items()}


def problem_of(reason: str, detail: str = "", *, status: int = 0) -> Problem:
    """Return the problem called *reason*; *status* where it is none of `KINDS`."""
    if (kind := KINDS.get(reason)) is not None:
        return Problem(BASE + reason, kind.title, kind.status, reason, detail)
    status = status or 400
    return Problem("about:blank", HTTPStatus(status).phrase, status, reason, detail)


def problem(
    reason: str,
    detail: str = "",
    *,
    status: int = 0,
    headers: Mapping[str, str] | None = None,
    parts: Sequence[str] = (),
) -> Response:
    """Return the answer that tells `problem_of` *reason*. It is not to be cached."""
    document = msgspec.structs.replace(problem_of(reason, detail, status=status), parts=parts)
    return Response(
        msgspec.json.encode(document),
        document.status,
        {"Cache-Control": "no-store", **(headers or {})},
        MEDIA_TYPE,
    )


def refusal(error: BluezoneError, *, status: int = 0) -> Response:
    """Return the answer that tells what a service raised."""
    reason = error.reason if isinstance(error, Refused) else "unavailable"
    return problem(reason, str(error), status=status)


async def http_problem(_request: Request, error: Exception) -> Response:
    """Answer what the framework raises: no such address, not this method."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for nothing else
    status = error.status_code
    reason = _REASONS.get(status) or HTTPStatus(status).name.lower()
    return problem(reason, status=status, headers=error.headers)


def problem_routes() -> list[Route]:
    """Return the route of the pages that explain each kind of problem."""

    def explain(request: Request) -> Response:
        kind = KINDS.get(request.path_params["reason"])
        if kind is None:
            raise HTTPException(404)
        return PlainTextResponse(
            f"{kind.status} {HTTPStatus(kind.status).phrase}\n\n{kind.title}\n{kind.cure}\n",
            headers={"Cache-Control": "public, max-age=86400"},
        )

    return [Route(BASE + "{reason}", explain)]


def place_of(error: BaseException) -> str:
    """Return the kind of *error* and the line where it arose, without its text."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
    return f"{type(error).__name__} at {where}"


EXCEPTION_HANDLERS: dict[Any, Any] = {HTTPException: http_problem}
"""For an application whose every address answers problems."""
