"""One connection to a stranger: what comes back is counted, and never followed to another host.

An answer is counted while it streams and never decompressed.  TLS is verified wherever there is
TLS.
"""

import asyncio
import os
import re
import ssl
from base64 import b64encode
from collections.abc import Mapping
from types import MappingProxyType, TracebackType
from typing import Self, TypeVar
from urllib.parse import urljoin, urlsplit

import httpx2 as httpx
import msgspec

from bluezone_node.errors import AuthorityRefused, BadConfig, Unreachable

MAX_ANSWER_BYTES = 64 << 10
MAX_REDIRECTS = 3
SILENCE_SECONDS = 10.0
"""Without a byte for so long, a server is as good as gone."""
ANSWER_SECONDS = 30.0
REQUEST_BYTES = 5_000
"""Every request is filled up to this, so that its length tells neither its kind nor the number
of keys in it (Google's Android app does the same)."""

_REASON = re.compile(r"[a-z0-9_]{1,64}")

Answer = TypeVar("Answer")


class Connection:
    """One httpx client for as long as the context lasts."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._client: httpx.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        self._client = httpx.AsyncClient(
            verify=self._tls or True,
            timeout=SILENCE_SECONDS,
            follow_redirects=False,
            # A compressed answer could be a small bomb; an uncompressed one is what it counts.
            headers={"Accept-Encoding": "identity", "User-Agent": "bluezone-node"},
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def get(self, url: str, limit: int, seconds: float) -> bytes:
        """Return what lies at *url*, following a few redirects within the same host.

        Raises:
            Unreachable: no answer, or one that is not to be used; the message says which.
            TooLarge: more than *limit* bytes.
        """
        return (await self.follow(url, limit, seconds, {}))[2]

    async def follow(
        self, url: str, limit: int, seconds: float, condition: Mapping[str, str]
    ) -> tuple[int, httpx.Headers, bytes]:
        """Return status, headers and body of *url*; the status is 200, or 304 on *condition*."""
        for _ in range(MAX_REDIRECTS + 1):
            status, headers, body = await self.exchange("GET", url, limit, seconds, None, condition)
            if status == 200 or (status == 304 and condition):
                return status, headers, body
            if status not in (301, 302, 303, 307, 308) or "location" not in headers:
                raise Unreachable(f"{host_of(url)} answered with HTTP status {status}.")
            try:
                target = urljoin(url, headers["location"])
            except ValueError:
                target = ""
            if not _may_follow(url, target):
                raise Unreachable(
                    f"{host_of(url)} redirects to another host; that is not followed."
                )
            url = target
        raise Unreachable(f"{host_of(url)} redirects without end.")

    async def post(
        self,
        url: str,
        document: Mapping[str, object],
        headers: Mapping[str, str] = MappingProxyType({}),
        filled_to: int = REQUEST_BYTES,
    ) -> tuple[int, bytes]:
        """Return the HTTP status and the body of the answer to *document*, filled up as JSON."""
        missing = max(0, filled_to - len(msgspec.json.encode(document)))
        # To the byte: what base64 rounds up would tell the last digits of what was there.
        filling = b64encode(os.urandom(missing))[:missing].decode()
        body = msgspec.json.encode({**document, "padding": filling})
        try:
            status, _, answer = await self.exchange(
                "POST", url, MAX_ANSWER_BYTES, ANSWER_SECONDS, body, headers
            )
        except TooLarge:
            raise Unreachable(f"{host_of(url)} sent an answer of impossible length.") from None
        return status, answer

    async def ask(
        self,
        url: str,
        document: Mapping[str, object],
        form: type[Answer],
        headers: Mapping[str, str] = MappingProxyType({}),
        filled_to: int = REQUEST_BYTES,
    ) -> Answer:
        status, body = await self.post(url, document, headers, filled_to)
        try:
            if status == 200:
                return msgspec.json.decode(body, type=form)
            refusal = msgspec.json.decode(body, type=_Refusal)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            if status == 200:
                raise not_understood(url) from None
            raise Unreachable(f"{host_of(url)} answered with HTTP status {status}.") from None
        reason = refusal.error_code or refusal.code
        if status == 429:
            raise Unreachable(f"{host_of(url)} is asked too often; try again in a minute.")
        if status >= 500 or not _REASON.fullmatch(reason):
            raise Unreachable(f"{host_of(url)} answered with HTTP status {status}.")
        raise AuthorityRefused(printable(refusal.error) or reason, reason=reason)

    async def exchange(
        self,
        method: str,
        url: str,
        limit: int,
        seconds: float,
        content: bytes | None,
        more: Mapping[str, str] = MappingProxyType({}),
    ) -> tuple[int, httpx.Headers, bytes]:
        if self._client is None:
            raise RuntimeError("use the client as an async context manager")
        headers = dict(more)
        if content is not None:
            headers["Content-Type"] = "application/json"
        try:
            async with (
                asyncio.timeout(seconds),
                self._client.stream(method, url, content=content, headers=headers) as response,
            ):
                if response.headers.get("content-encoding", "identity").lower() != "identity":
                    raise Unreachable(f"{host_of(url)} sent a compressed answer, unasked.")
                body = bytearray()
                async for chunk in response.aiter_raw():
                    body += chunk
                    if len(body) > limit:
                        raise TooLarge
                return response.status_code, response.headers, bytes(body)
        except TimeoutError:
            raise Unreachable(f"{host_of(url)} took longer than {seconds:.0f} s.") from None
        except httpx.TimeoutException:
            raise Unreachable(f"{host_of(url)} does not answer.") from None
        except httpx.ConnectError as error:
            raise Unreachable(f"{host_of(url)} cannot be reached: {_why(error)}.") from None
        except httpx.RemoteProtocolError:
            raise Unreachable(f"{host_of(url)} broke off before the end of its answer.") from None
        except (httpx.HTTPError, httpx.InvalidURL):
            raise Unreachable(f"The connection to {host_of(url)} failed.") from None


class TooLarge(Exception):
    """The answer is larger than any honest one. Never leaves this package."""


class _Refusal(msgspec.Struct, rename="camel"):
    error: str = ""
    error_code: str = ""
    code: str = ""


def checked(url: str) -> str:
    """Return *url* without a slash at its end."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment or parts.username is not None:
        raise BadConfig(f"{url!r} is not an address like https://host/path")
    return url.rstrip("/")


def same_origin(one: str, other: str) -> bool:
    try:
        a, b = urlsplit(one), urlsplit(other)
        return (a.scheme, a.hostname, a.port) == (b.scheme, b.hostname, b.port)
    except ValueError:
        return False


def _may_follow(source: str, target: str) -> bool:
    """Within one host, and never from TLS to none."""
    try:
        before, after = urlsplit(source), urlsplit(target)
    except ValueError:
        return False
    upgrade = (before.scheme, after.scheme) == ("http", "https")
    return same_origin(source, target) or (upgrade and before.hostname == after.hostname)


def host_of(url: str) -> str:
    return urlsplit(url).netloc


def _why(error: Exception) -> str:
    """Return the operating system's or TLS's own words for why a connection failed."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not valid ({cause.verify_message})"
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return "no connection"


def printable(text: str) -> str:
    """Return what a stranger wrote so that it cannot move a terminal's cursor."""
    return "".join(c if c.isprintable() else " " for c in text)[:300]


def not_understood(url: str) -> Unreachable:
    return Unreachable(f"{host_of(url)} sent an answer that is not understood.")
