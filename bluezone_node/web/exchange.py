"""The frame of every JSON exchange: limits before, padding after, and errors in between.

A request is JSON of at most 64 000 bytes with no unknown field; an answer is JSON with padding,
good or bad.  What went wrong is told by a name from a short list, never by quoting the request.
"""

import asyncio
import json
import logging
import time
from base64 import b64decode
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bluezone_node.authority.limits import TooManyAttempts
from bluezone_node.authority.padding import padding
from bluezone_node.errors import BadInput, Refused, Unreachable
from bluezone_node.ports import Entropy
from bluezone_node.web.chaff import HEADER, Chaff
from bluezone_node.web.last_resort import DATABASE_FAILED
from bluezone_node.web.problem import place_of

MAX_BODY_BYTES = 64_000
"""Google's own limit: 30 keys, a certificate, a revision token and padding take a fifth of it."""

BODY_SECONDS = 10
"""A whole request must have arrived by then: 5000 bytes do at 500 bytes a second, GPRS at its
worst. Who sends a byte now and then would hold a connection for nothing."""

STATUS = {
    "unauthorized": 401,
    "unknown_health_authority_id": 401,
    "health_authority_verification_certificate_invalid": 401,
    "request_timeout": 408,
    "forbidden": 403,
    "code_not_found": 404,
    "uuid_already_exists": 409,
    "unsupported_test_type": 412,
    "body_too_large": 413,
    "unsupported_media_type": 415,
    "too_many_requests": 429,
    "quota_exceeded": 429,
}
"""HTTP status by reason; every other reason is 400."""

RETRY_SECONDS = 5

UNHEARD = (408, 413)
"""Status after which the rest of the request is not waited for."""
LINGER_BYTES = 2_000_000
LINGER_SECONDS = 1.0

Model = TypeVar("Model", bound=msgspec.Struct)
Caller = TypeVar("Caller")

_log = logging.getLogger(__name__)


class RequestModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A request body. *padding* only makes it longer."""

    padding: str = ""

    def __repr__(self) -> str:
        # The fields are codes, tokens, keys and telephone numbers.
        return f"{type(self).__name__}(…)"


class PostRoute(Route):
    """A route of an `Exchange`, which knows what it takes."""

    def __init__(
        self, path: str, endpoint: Callable[..., Any], asked: type[msgspec.Struct], error_name: str
    ) -> None:
        super().__init__(path, endpoint, methods=["POST"])
        self.asked = asked
        self.error_name = error_name
        """Field of an answer that holds the reason of a refusal."""


class Exchange:
    """Makes routes of services."""

    def __init__(
        self, entropy: Entropy, *, error_name: str, headers: Mapping[str, str] | None = None
    ) -> None:
        self._entropy = entropy
        self._error_name = error_name
        self._headers = headers

    def post(
        self,
        path: str,
        model: type[Model],
        call: Callable[[Model], dict[str, Any]],
    ) -> Route:
        """Return the route that answers a *model* posted to *path* with what *call* returns.

        *call* may block: it runs in a thread.
        """
        return self.post_from(
            path, model, lambda _request: None, lambda asked, _caller: call(asked)
        )

    def post_soon(
        self,
        path: str,
        model: type[Model],
        call: Callable[[Model], Awaitable[dict[str, Any]]],
    ) -> Route:
        """As `post`, of a *call* that does not block: it needs no thread."""
        return self._route(path, model, lambda _request: None, lambda asked, _caller: call(asked))

    def post_from(
        self,
        path: str,
        model: type[Model],
        known: Callable[[Request], Caller],
        call: Callable[[Model, Caller], dict[str, Any]],
    ) -> Route:
        """As `post`, where it matters who asks: *known* tells *call*.

        *known* raises AuthorityRefused where the caller may not even be listened to.
        """

        def in_thread(asked: Model, caller: Caller) -> Awaitable[dict[str, Any]]:
            return run_in_threadpool(call, asked, caller)

        return self._route(path, model, known, in_thread)

    def _route(
        self,
        path: str,
        model: type[Model],
        known: Callable[[Request], Caller],
        call: Callable[[Model, Caller], Awaitable[dict[str, Any]]],
    ) -> Route:
        decoder = msgspec.json.Decoder(model)
        chaff = Chaff(self._entropy)

        async def answered(request: Request) -> tuple[dict[str, Any], float]:
            caller = known(request)
            check_media_type(request)
            body = await read_body(request)
            started = time.perf_counter()
            return await call(decode(decoder, body), caller), started

        async def endpoint(request: Request) -> Response:
            headers = dict(self._headers or {})
            status, outcome = 200, "ok"
            try:
                if HEADER in request.headers:
                    await read_body(request)
                    encoded = await chaff.answer(time.perf_counter())
                    request.state.outcome = "chaff"
                    return Response(encoded, 200, headers, media_type="application/json")
                document, started = await answered(request)
                filling = padding(self._entropy)
                encoded = msgspec.json.encode({**document, "padding": filling})
                chaff.note(len(encoded) - len(filling), time.perf_counter() - started)
            except ClientDisconnect:
                request.state.outcome = "disconnected"
                return Response(status_code=400)  # nobody is there to read it
            except Exception as error:
                status, outcome, told = _refusal(path, error)
                if isinstance(error, TooManyAttempts):
                    headers["Retry-After"] = f"{error.seconds}"
                elif status == 503:
                    headers["Retry-After"] = f"{RETRY_SECONDS}"
                document = {"error": told, self._error_name: outcome}
                if isinstance(error, PartlyRefused):
                    document |= error.document
                encoded = msgspec.json.encode({**document, "padding": padding(self._entropy)})
            request.state.outcome = outcome
            kind = Response if status not in UNHEARD else HangUp
            return kind(encoded, status, headers, media_type="application/json")

        return PostRoute(path, endpoint, model, self._error_name)


def _refusal(path: str, error: Exception) -> tuple[int, str, str]:
    """Return status, reason and sentence of *error*: no text that may quote what was sent."""
    if isinstance(error, Refused):
        return STATUS.get(error.reason, 400), error.reason, str(error)
    if isinstance(error, Unreachable):
        return 503, "unavailable", str(error)
    _log.error("%s failed: %s", path, place_of(error))
    if isinstance(error, DATABASE_FAILED):
        return 503, "unavailable", "The database does not answer. Try again later."
    return 500, "internal_error", "Internal error."


class HangUp(Response):
    """An answer after which the caller is not listened to any longer.

    A connection that is closed with bytes unread is reset, and the answer may be lost with it.  So
    a little more is read, and thrown away, before it is closed.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [*self.raw_headers, (b"connection", b"close")]
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        left = LINGER_BYTES
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                while left > 0 and (message := await receive()).get("more_body"):
                    left -= len(message.get("body", b""))
        await send({"type": "http.response.body"})


class PartlyRefused(Refused):
    """Of several things some were refused; *document* tells which, beside the first reason."""

    def __init__(self, first: Refused, document: dict[str, Any]) -> None:
        super().__init__(str(first), reason=first.reason)
        self.document = document


def check_media_type(request: Request) -> None:
    """Refuse what is not plain JSON: reason ``unsupported_media_type``."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" or "content-encoding" in request.headers:
        raise Refused(
            "The request must be plain application/json.", reason="unsupported_media_type"
        )


async def read_body(request: Request) -> bytes:
    """Return the body of *request*, reading no more and no longer than is allowed.

    Raises:
        Refused: reason ``body_too_large`` or ``request_timeout``.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:12]) > MAX_BODY_BYTES:
        raise _too_large()
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    raise _too_large()
    except TimeoutError:
        raise Refused(
            f"The request did not arrive within {BODY_SECONDS} seconds.", reason="request_timeout"
        ) from None
    return bytes(body)


def _too_large() -> Refused:
    return Refused(f"The request has more than {MAX_BODY_BYTES} bytes.", reason="body_too_large")


def decode(decoder: msgspec.json.Decoder[Model], body: bytes) -> Model:
    """Return *body* as the decoder's model.

    Raises:
        BadInput: reason ``unparsable``, without a word of what was in it.
    """
    try:
        decoded = decoder.decode(body)
        # A field given twice means two things to two readers. The decoder takes the last, so a
        # second pass looks at names alone: 30 µs for a publication, a hundredth of what it takes.
        json.loads(body, object_pairs_hook=_once)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise BadInput(
            "The request is not JSON of the expected form, or has a field unknown or twice.",
            reason="unparsable",
        ) from None
    return decoded


def _once(pairs: list[tuple[str, object]]) -> None:
    if len(dict(pairs)) != len(pairs):
        raise ValueError


def from_base64(text: str, reason: str) -> bytes:
    """Return the bytes of the base64 *text*; Raises BadInput with *reason*."""
    try:
        return b64decode(text, validate=True)
    except ValueError:
        raise BadInput("A field is not base64.", reason=reason) from None
