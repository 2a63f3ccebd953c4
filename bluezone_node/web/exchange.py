"""The frame of every JSON exchange: limits before, padding after, and errors in between.

A request is JSON of at most 64 000 bytes with no unknown field; an answer is JSON with padding,
good or bad.  What went wrong is told by a name from a short list, never by quoting the request.
"""

import logging
import time
from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from bluezone_node.authority.padding import padding
from bluezone_node.errors import AuthorityRefused, BadInput, Refused, Unreachable
from bluezone_node.ports import Entropy
from bluezone_node.web import chaff
from bluezone_node.web.chaff import Chaff

MAX_BODY_BYTES = 64_000
"""Google's own limit: 30 keys, a certificate, a revision token and padding take a fifth of it."""

STATUS = {
    "unauthorized": 401,
    "unknown_health_authority_id": 401,
    "health_authority_verification_certificate_invalid": 401,
    "unsupported_test_type": 412,
    "body_too_large": 413,
    "unsupported_media_type": 415,
    "too_many_requests": 429,
}
"""HTTP status by reason; every other reason is 400."""

Model = TypeVar("Model")
Guard = Callable[[Request], None]
"""Raises AuthorityRefused where the caller may not even be listened to."""

_log = logging.getLogger(__name__)


class RequestModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A request body. *padding* only makes it longer."""

    padding: str = ""


class Exchange:
    """Makes routes of services. One for each API, as chaff must look like its own API."""

    def __init__(
        self, entropy: Entropy, *, error_name: str, headers: Mapping[str, str] | None = None
    ) -> None:
        self._entropy = entropy
        self._error_name = error_name
        self._headers = headers
        self._chaff = Chaff(entropy)

    def post(
        self,
        path: str,
        model: type[Model],
        call: Callable[[Model], dict[str, Any]],
        *,
        guard: Guard | None = None,
    ) -> Route:
        """Return the route that answers a *model* posted to *path* with what *call* returns.

        *call* may block: it runs in a thread.
        """
        decoder = msgspec.json.Decoder(model)

        async def endpoint(request: Request) -> Response:
            if chaff.HEADER in request.headers:
                return await self._chaff.answer()
            started = time.perf_counter()
            status, document = 200, {}
            headers = dict(self._headers or {})
            try:
                if guard is not None:
                    guard(request)
                body = await read_body(request)
                document = await run_in_threadpool(call, decode(decoder, body))
            except Refused as refusal:
                status = STATUS.get(refusal.reason, 400)
                document = {"error": str(refusal), self._error_name: refusal.reason}
                if isinstance(refusal, TooManyRequests):
                    headers["Retry-After"] = f"{refusal.seconds:.0f}"
            except Unreachable as error:
                status = 503
                document = {"error": str(error), self._error_name: "unavailable"}
            except ClientDisconnect:
                return Response(status_code=400)  # nobody is there to read it
            except Exception as error:
                # The last place where an answer can be made. Only the kind and the place are
                # logged: the text of an error may quote what was sent.
                _log.error("%s failed: %s", path, _place(error))
                status = 500
                document = {"error": "Internal error.", self._error_name: "internal_error"}
            document["padding"] = padding(self._entropy)
            encoded = msgspec.json.encode(document)
            self._chaff.note(len(encoded), time.perf_counter() - started)
            return Response(encoded, status, headers, media_type="application/json")

        return Route(path, endpoint, methods=["POST"])


class TooManyRequests(AuthorityRefused):
    """Too many attempts from this address."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"Too many attempts. Try again in {seconds:.0f} seconds.", reason="too_many_requests"
        )
        self.seconds = max(1.0, seconds)


async def read_body(request: Request) -> bytes:
    """Return the body of *request*, reading no more of it than is allowed.

    Raises:
        Refused: reason ``unsupported_media_type`` or ``body_too_large``.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" or "content-encoding" in request.headers:
        raise Refused(
            "The request must be plain application/json.", reason="unsupported_media_type"
        )
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise Refused(
                f"The request has more than {MAX_BODY_BYTES} bytes.", reason="body_too_large"
            )
    return bytes(body)


def decode(decoder: msgspec.json.Decoder[Model], body: bytes) -> Model:
    """Return *body* as the decoder's model.

    Raises:
        BadInput: reason ``unparsable``, without a word of what was in it.
    """
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise BadInput(
            "The request is not JSON of the expected form, or has an unknown field.",
            reason="unparsable",
        ) from None


def from_base64(text: str, reason: str) -> bytes:
    """Return the bytes of the base64 *text*; Raises BadInput with *reason*."""
    try:
        return b64decode(text, validate=True)
    except ValueError:
        raise BadInput("A field is not base64.", reason=reason) from None


def _place(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
    return f"{type(error).__name__} at {where}"
