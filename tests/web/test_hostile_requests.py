"""What strangers send to a server on the internet, byte by byte over a real socket."""

import asyncio
import json
import logging
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
import pytest_asyncio

from bluezone_node.authority.distribution.exporter import ROOT
from bluezone_node.web import connection, exchange
from bluezone_node.web.app import build_app, publisher_routes
from bluezone_node.web.problem import MEDIA_TYPE
from tests.authorities import Office, seeded, served

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRET = "12345678"
PUBLISH = b"POST /v1/publish HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
DIALOGUE_SECONDS = 10.0
"""Until a dialogue is given up: all of these end in a fraction of a second."""


@dataclass
class Answer:
    """What came back until the server closed the connection or an answer was whole."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def reason(self) -> str:
        document = json.loads(self.body)
        return str(document.get("reason") or document.get("code"))


class Line:
    """A connection on which a stranger may send anything."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def head(self) -> Answer:
        """Return an answer that has no body."""
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("ascii").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        return Answer(int(head[0].split()[1]), headers, b"")

    async def answer(self) -> Answer:
        answer = await self.head()
        answer.body = await self._reader.readexactly(int(answer.headers["content-length"]))
        return answer

    async def closed(self) -> bool:
        """Return, once the server has closed, whether it had said nothing more."""
        try:
            return await self._reader.read() == b""
        except ConnectionResetError:
            return True


@dataclass
class Street:
    """A server, and how to reach it."""

    port: int

    @asynccontextmanager
    async def line(self) -> AsyncIterator[Line]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            async with asyncio.timeout(DIALOGUE_SECONDS):
                yield Line(reader, writer)
        finally:
            writer.close()

    async def ask(self, *pieces: bytes) -> Answer:
        async with self.line() as line:
            for piece in pieces:
                line.writer.write(piece)
            return await line.answer()

    async def works(self) -> bool:
        """Return whether an honest request is answered."""
        answer = await self.ask(b"GET /problems/not_found HTTP/1.1\r\nHost: h\r\n\r\n")
        return answer.status == 200


@pytest.fixture(scope="module")
def office() -> Office:
    return Office()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def street(office: Office, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Street]:
    folder = tmp_path_factory.mktemp("street") / ROOT
    folder.mkdir()
    async with served(build_app(publisher_routes(office.publisher, seeded(4), folder))) as url:
        yield Street(int(url.rpartition(":")[2]))


@pytest.fixture(autouse=True)
def _nothing_in_logs(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No log has a word of what was sent, or more than a line of an error."""
    caplog.set_level(logging.INFO)
    yield
    assert SECRET not in caplog.text
    assert "Traceback" not in caplog.text


def posted(body: bytes, *headers: bytes) -> bytes:
    """Return a whole request to publish."""
    lines = b"".join(header + b"\r\n" for header in headers)
    return PUBLISH + lines + b"Content-Length: %d\r\n\r\n" % len(body) + body


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"%s"' % SECRET.encode(),
        b"{}{}",
        b"\xef\xbb\xbf{}",
        '{"padding":""}'.encode("utf-16"),
        b'{"padding":"\xff"}',
        b'{"\xff":""}',
        b'{"padding":"\\ud800"}',
        b'{"padding":"\\u"}',
        b'{"padding":"\x01"}',
        b'{"padding":1}',
        b'{"padding":null}',
        b'{"padding":["%s"]}' % SECRET.encode(),
        b'{"padding":"","padding":""}',
        b'{"padding":"","p\\u0061dding":""}',
        b'{"temporaryExposureKeys":[{"key":"","key":"%s"}]}' % SECRET.encode(),
        b'{"temporaryExposureKeys":{}}',
        b'{"temporaryExposureKeys":[[]]}',
        b'{"temporaryExposureKeys":[null]}',
        b'{"temporaryExposureKeys":[{"rollingPeriod":1.5}]}',
        b'{"temporaryExposureKeys":[{"rollingPeriod":true}]}',
        b'{"temporaryExposureKeys":[{"rollingPeriod":"144"}]}',
        b'{"temporaryExposureKeys":[{"rollingPeriod":NaN}]}',
        b'{"temporaryExposureKeys":[{"rollingPeriod":Infinity}]}',
        b'{"temporaryExposureKeys":[{"rollingPeriod":1e999}]}',
        b'{"temporaryExposureKeys":[{"rollingPeriod":%s}]}' % (b"9" * 5000),
        b'{"symptomOnsetInterval":-}',
        b'{"traveler":1}',
        b'{"%s":1}' % SECRET.encode(),
        b"[" * 60_000,
        b'{"padding":' * 5_000,
        b"\x00" * 100,
    ],
    ids=lambda body: repr(body[:40]),
)
async def test_a_body_that_is_not_as_expected_is_refused(street: Street, body: bytes) -> None:
    """With one reason, one sentence and padding, whatever was wrong with it."""
    answer = await street.ask(posted(body))
    assert (answer.status, answer.reason) == (400, "unparsable")
    assert SECRET.encode() not in answer.body
    assert len(answer.body) > 1400


@pytest.mark.parametrize(
    "number", [2**31, 2**63, 2**64, 2**70, -1, -(2**31), -(2**63), -(2**70)], ids=hex
)
@pytest.mark.parametrize("field", ["rollingStartNumber", "rollingPeriod", "transmissionRisk"])
async def test_a_number_out_of_range_is_a_refusal_not_a_mistake(
    street: Street, office: Office, field: str, number: int
) -> None:
    """Of a key or of the onset: no number makes the server stumble."""
    key = {"key": b64encode(bytes(16)).decode(), field: number}
    document = {
        "healthAuthorityID": "vn.moh",
        "temporaryExposureKeys": [key],
        "symptomOnsetInterval": number,
        "verificationPayload": office.certify(b"h" * 32),
        "hmacKey": b64encode(b"s" * 16).decode(),
    }
    answer = await street.ask(posted(json.dumps(document).encode()))
    assert 400 <= answer.status < 500


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET /%2e%2e/secret", 404),
        (b"GET /../secret", 404),
        (b"GET /exports/..%2fsecret", 404),
        (b"GET /exports/%2e%2e/%2e%2e/etc/passwd", 404),
        (b"GET /exports//index.txt", 404),
        (b"GET //exports/index.txt", 404),
        (b"GET //example.org/..", 404),
        (b"GET /exports/index.txt%00.zip", 404),
        (b"GET /%00", 404),
        (b"GET /%ff%fe", 404),
        (b"GET /v1/publish/", 404),
        (b"GET http://example.org/exports/none", 404),
        (b"GET /" + b"a" * 10_000, 404),
        (b"GET *", 404),
        (b"OPTIONS *", 404),
        (b"GET /v1/publish", 405),
        (b"HEAD /v1/publish", 405),
        (b"OPTIONS /v1/publish", 405),
        (b"TRACE /v1/publish", 405),
        (b"PROPFIND /v1/publish", 405),
        (b"POST /exports/index.txt", 405),
    ],
    ids=lambda value: repr(value[:40]) if isinstance(value, bytes) else "",
)
async def test_an_address_that_is_none_is_not_found(
    street: Street, request_line: bytes, status: int
) -> None:
    """However it is spelled; a method that is not taken is told which are."""
    async with street.line() as line:
        line.writer.write(request_line + b" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        if not request_line.startswith(b"HEAD"):
            answer = await line.answer()
            assert answer.headers["content-type"] == MEDIA_TYPE
        else:
            answer = await line.head()
    assert answer.status == status
    assert ("allow" in answer.headers) == (status == 405)


@pytest.mark.parametrize(
    ("request_bytes", "status", "reason"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00", 400, "malformed_request"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", 400, "malformed_request"),
        (b"GET / HTTP/9.9\r\n\r\n", 400, "malformed_request"),
        (b"GET /\x00 HTTP/1.1\r\n\r\n", 400, "malformed_request"),
        (b"GET /\xff HTTP/1.1\r\n\r\n", 400, "malformed_request"),
        (b"CONNECT example.org:443 HTTP/1.1\r\n\r\n", 400, "malformed_request"),
        (b"GET / HTTP/1.1\r\nA: b\x00c\r\n\r\n", 400, "malformed_request"),
        (b"GET / HTTP/1.1\r\nA: b\rX: c\r\n\r\n", 400, "malformed_request"),
        (b"GET / HTTP/1.1\r\nA b: c\r\n\r\n", 400, "malformed_request"),
        (PUBLISH + b"Content-Length: -1\r\n\r\n", 400, "malformed_request"),
        (PUBLISH + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, "malformed_request"),
        (
            PUBLISH + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            400,
            "malformed_request",
        ),
        (PUBLISH + b"Content-Length: 99999999999999999999\r\n\r\n", 400, "malformed_request"),
        (PUBLISH + b"X: " + b"a" * 20_000 + b"\r\n\r\n", 431, "headers_too_large"),
        (PUBLISH + b"X: y\r\n" * 4_000 + b"\r\n", 431, "headers_too_large"),
        (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n", 431, "headers_too_large"),
        (PUBLISH + b"Content-Length: 64001\r\n\r\n", 413, "body_too_large"),
        (PUBLISH + b"Content-Length: 1000000000000\r\n\r\n", 413, "body_too_large"),
    ],
    ids=lambda value: repr(value[-50:]) if isinstance(value, bytes) else "",
)
async def test_what_is_no_request_ends_the_connection(
    street: Street, request_bytes: bytes, status: int, reason: str
) -> None:
    """It is told what is wrong and hung up on, without waiting for more."""
    async with street.line() as line:
        line.writer.write(request_bytes)
        answer = await line.answer()
        assert await line.closed()
    assert (answer.status, answer.reason) == (status, reason)
    assert answer.headers["connection"] == "close"
    assert await street.works()


async def test_a_header_without_end_is_cut_off(street: Street) -> None:
    """One that never ends its line is not kept in memory until it does."""
    async with street.line() as line:
        line.writer.write(b"GET / HTTP/1.1\r\nX: ")
        for _ in range(200):
            line.writer.write(b"a" * 10_000)
        try:
            await line.writer.drain()
            assert (await line.answer()).status == 431
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the reset came before the answer was read: as good
        assert await line.closed()
    assert await street.works()


async def test_a_body_that_is_too_large_is_not_read_to_its_end(street: Street) -> None:
    """Neither with a length nor in pieces; the answer arrives all the same."""
    for start in (
        PUBLISH + b"Content-Length: 1000000\r\n\r\n" + b" " * 1_000_000,
        PUBLISH + b"Transfer-Encoding: chunked\r\n\r\n" + b"FFFF\r\n" + b" " * 65_535 + b"\r\n",
    ):
        async with street.line() as line:
            line.writer.write(start)
            answer = await line.answer()
            assert (answer.status, answer.reason) == (413, "body_too_large")
            line.writer.write_eof()
            assert await line.closed()


async def test_a_body_may_come_in_pieces(street: Street) -> None:
    """Chunked encoding is as good as a length; what is smuggled behind it is not obeyed."""
    answer = await street.ask(
        PUBLISH + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n{\r\n", b"1;x=y\r\n}\r\n0\r\n\r\n"
    )
    assert (answer.status, answer.reason) == (401, "unknown_health_authority_id")
    async with street.line() as line:
        line.writer.write(
            PUBLISH + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX-Trailer: 1\r\n\r\n"
        )
        assert (await line.answer()).reason == "malformed_request"


async def test_a_slow_header_is_given_up(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte now and then keeps no connection; the limit is for the header as a whole."""
    monkeypatch.setattr(connection, "HEADER_SECONDS", 1.0)
    async with street.line() as slow, street.line() as silent, street.line() as blank:
        dripping = asyncio.create_task(_drip(slow.writer, PUBLISH + b"X-Slow: " + b"a" * 1000))
        blanks = asyncio.create_task(_drip(blank.writer, b"\r\n" * 1000))
        assert await street.works()
        assert (await slow.answer()).reason == "request_timeout"
        for line in (slow, silent, blank):
            assert await line.closed()
        dripping.cancel()
        blanks.cancel()


async def test_a_slow_body_is_given_up(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also that of chaff, which must not be easier to hold on to."""
    monkeypatch.setattr(exchange, "BODY_SECONDS", 0.3)
    monkeypatch.setattr(exchange, "LINGER_SECONDS", 0.1)
    for extra in (b"", b"X-Chaff: 1\r\n"):
        async with street.line() as line:
            line.writer.write(PUBLISH + extra + b"Content-Length: 1000\r\n\r\n")
            dripping = asyncio.create_task(_drip(line.writer, b" " * 1000))
            answer = await line.answer()
            assert (answer.status, answer.reason) == (408, "request_timeout")
            assert await line.closed()
            dripping.cancel()


async def test_a_crowd_of_slow_connections_does_not_keep_others_out(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those over the limit are told so; when the slow ones are given up there is room again."""
    monkeypatch.setattr(connection, "HEADER_SECONDS", 1.0)
    monkeypatch.setattr(connection, "MAX_CONNECTIONS", 20)
    crowd = [await asyncio.open_connection("127.0.0.1", street.port) for _ in range(20)]
    for _, writer in crowd:
        writer.write(b"GET / HT")
    async with street.line() as line:
        answer = await line.answer()
        assert (answer.status, answer.reason) == (503, "unavailable")
    for reader, _ in crowd:
        assert b" 408 " in await reader.readline()
        await reader.read()
    assert await street.works()
    for _, writer in crowd:
        writer.close()


async def test_one_address_cannot_take_every_place(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has too many connections open is refused another; no others are."""
    monkeypatch.setattr(connection, "MAX_FROM_ONE", 5)
    there = ("127.0.0.2", 0)
    crowd = [
        await asyncio.open_connection("127.0.0.1", street.port, local_addr=there) for _ in range(5)
    ]
    assert await street.works()
    reader, writer = await asyncio.open_connection("127.0.0.1", street.port, local_addr=there)
    answer = await Line(reader, writer).answer()
    assert (answer.status, answer.reason) == (429, "too_many_requests")
    assert await street.works()
    for _, other in [*crowd, (reader, writer)]:
        other.close()
        await other.wait_closed()


async def test_two_requests_at_once_are_answered_in_turn(street: Street) -> None:
    """Also where the header of the second comes in halves, and the first has a body."""
    async with street.line() as line:
        second = posted(b"[]")
        line.writer.write(posted(b"{}") + second[:60])
        assert (await line.answer()).reason == "unknown_health_authority_id"
        line.writer.write(second[60:])
        assert (await line.answer()).reason == "unparsable"


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Type: application/json\r\nContent-Encoding: gzip",
        b"Content-Type: text/plain",
        b"Content-Type: application/json-patch+json",
        b"Content-Type:",
    ],
)
async def test_another_type_is_refused_unread(street: Street, header: bytes) -> None:
    """And the connection serves the next request."""
    async with street.line() as line:
        line.writer.write(
            b"POST /v1/publish HTTP/1.1\r\nHost: h\r\n"
            + header
            + b"\r\nContent-Length: 50000\r\n\r\n"
        )
        assert (await line.answer()).reason == "unsupported_media_type"
        line.writer.write(b" " * 50_000 + posted(b"[]"))
        assert (await line.answer()).reason == "unparsable"


async def test_a_header_is_not_repeated_in_an_answer(street: Street) -> None:
    """Neither the host nor anything else that a caller writes comes back."""
    answer = await street.ask(
        b"GET /exports?a=%0d%0aX-Injected:1 HTTP/1.1\r\nHost: evil.example\r\n"
        b"X-Forwarded-For: evil.example\r\nX-Forwarded-Host: evil.example\r\n\r\n"
    )
    assert answer.status == 404
    assert "evil" not in str(answer.headers)
    assert "x-injected" not in answer.headers


async def _drip(writer: asyncio.StreamWriter, data: bytes) -> None:
    """Send a byte every 20 ms until nobody listens."""
    for position in range(len(data)):
        if writer.is_closing():
            return
        writer.write(data[position : position + 1])
        await asyncio.sleep(0.02)
