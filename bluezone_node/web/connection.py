"""One connection: what uvicorn leaves unbounded, the header of a request, has limits here.

uvicorn waits for a header for ever, and keeps as much of it as is sent: a few hundred connections
that send a byte now and then (slowloris), or one that sends without end, would stop the server.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from bluezone_node.authority.addresses import plain, subscriber
from bluezone_node.web.problem import problem

HEADER_SECONDS = 10
"""From the connection, or the last answer, to the end of a header."""
MAX_HEADER_BYTES = 16_384
"""Address and headers together; a browser with a session sends a tenth of it."""
MAX_CONNECTIONS = 800
"""Of one process: a service may open 1024 files by default, and needs some for itself. Whoever is
turned away is told so, instead of waiting in the kernel's queue."""

MAX_FROM_ONE = 200
"""Of these, from one address that is no trusted proxy: a crowd needs more than one machine."""


class _Hopeless(Exception):
    """The parser gives up a request when a callback raises."""


class Connection(HttpToolsProtocol):
    """uvicorn's connection: limits on the header, problem documents for what is no HTTP."""

    _deadline: asyncio.TimerHandle | None = None
    _in_header = False
    """A request has begun, and its header has not ended."""
    _size = 0
    """Bytes of the header that came after its first piece."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]
        if self.client is not None:
            # As settings name it, whichever kind of socket it came to.
            self.client = (plain(self.client[0]), self.client[1])
        self._expect_header()
        if len(self.connections) > MAX_CONNECTIONS:
            self._turn_away("unavailable")
        elif len(self.connections) > MAX_FROM_ONE and self._crowding():
            self._turn_away("too_many_requests")

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        before = self._in_header
        super().data_received(data)
        if before and self._in_header:
            self._size += len(data)
            if self._size > MAX_HEADER_BYTES:
                self._turn_away("headers_too_large")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_header, self._size = True, 0

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_header:
            raise _Hopeless  # a trailer: nobody sends one but to fill the memory
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._cancel()
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > MAX_HEADER_BYTES:
            self._turn_away("headers_too_large")
            raise _Hopeless
        super().on_headers_complete()
        self._in_header = False

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.pipeline and not self.transport.is_closing():
            self._expect_header()

    def send_400_response(self, msg: str) -> None:
        self._turn_away("malformed_request")

    def _crowding(self) -> bool:
        if self.client is None or self.client[0] in self.config.forwarded_allow_ips:
            return False
        here = subscriber(self.client[0])
        addresses = [
            other.client[0]
            for other in self.connections
            if isinstance(other, Connection) and other.client is not None
        ]
        return sum(subscriber(address) == here for address in addresses) > MAX_FROM_ONE

    def _expect_header(self) -> None:
        self._cancel()
        self._deadline = self.loop.call_later(HEADER_SECONDS, self._too_late)

    def _too_late(self) -> None:
        if self._in_header:
            self._turn_away("request_timeout")
        else:
            self.transport.close()

    def _cancel(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _turn_away(self, reason: str) -> None:
        """Answer a request that never became one, and close."""
        if self.transport.is_closing():
            return
        answer = problem(reason)
        lines: list[bytes] = [STATUS_LINE[answer.status_code]]
        for name, value in (*self.server_state.default_headers, *answer.raw_headers):
            lines.append(name + b": " + value + b"\r\n")
        self.transport.write(b"".join(lines) + b"connection: close\r\n\r\n" + bytes(answer.body))
        self.transport.close()
