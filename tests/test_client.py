"""The device's HTTP client against servers that misbehave."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node import client
from bluezone_node.client import HttpAuthority, HttpExports
from bluezone_node.crypto.keys import TemporaryExposureKey
from bluezone_node.crypto.signing import private_pem
from bluezone_node.errors import AuthorityRefused, BadConfig, BadExport, Unreachable
from bluezone_node.ports import Publication
from tests.authorities import key_made_of

OK = b"HTTP/1.1 200 OK\r\n"


@asynccontextmanager
async def answering(
    *answers: bytes | Callable[[asyncio.StreamWriter], object], tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Serve these raw answers, one a connection; yield the address and the requests so far."""
    left, requests = list(answers), []
    handlers: set[asyncio.Task[object] | None] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handlers.add(asyncio.current_task())
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            requests.append(head)
            answer = left.pop(0)
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
            else:
                await answer(writer)  # type: ignore[misc]
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    listener = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    port = listener.sockets[0].getsockname()[1]
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}", requests
    finally:
        listener.close()
        await listener.wait_closed()
        await asyncio.gather(*[handler for handler in handlers if handler])


def with_body(body: bytes, *headers: bytes) -> bytes:
    lines = [b"Content-Length: %d" % len(body), b"Connection: close", *headers]
    return OK + b"\r\n".join(lines) + b"\r\n\r\n" + body


async def index_of(*answers: bytes) -> list[str]:
    async with answering(*answers) as (url, _), HttpExports("home", url + "/exports") as exports:
        return await exports.index()


async def test_the_index_is_split_at_white_space() -> None:
    """Oldest first, as it stands there, an empty one included."""
    body = b"exports/1-2-00001.zip\nexports/2-3-00001.zip\r\n"
    assert await index_of(with_body(body)) == ["exports/1-2-00001.zip", "exports/2-3-00001.zip"]
    assert await index_of(with_body(b"")) == []


async def test_an_index_that_did_not_change_is_not_sent_again() -> None:
    """Where that was asked for, and only after an index that could be used."""
    tagged = with_body(b"exports/1-2-00001.zip", b'ETag: "one"')
    same = b"HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n"
    bad = with_body(b"../1.zip", b'ETag: "two"')
    async with (
        answering(tagged, same, bad, same) as (url, requests),
        HttpExports("h", url + "/exports", conditional=True) as exports,
    ):
        assert await exports.index() == await exports.index() == ["exports/1-2-00001.zip"]
        with pytest.raises(Unreachable):
            await exports.index()
        assert await exports.index() == ["exports/1-2-00001.zip"]
    told = [b'if-none-match: "one"' in request.lower() for request in requests]
    assert told == [False, True, True, True]


async def test_a_device_is_not_known_again_by_what_it_fetched() -> None:
    """Nothing that a server sent comes back to it; and 304 unasked is no answer."""
    tagged = with_body(b"exports/1-2-00001.zip", b'ETag: "you"')
    same = b"HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n"
    async with (
        answering(tagged, same) as (url, requests),
        HttpExports("h", url + "/exports") as exports,
    ):
        await exports.index()
        with pytest.raises(Unreachable, match="304"):
            await exports.index()
    assert not any(b'"you"' in request for request in requests)


async def test_lines_start_from_the_folder_above_the_index() -> None:
    """As the reference joins them; a bare name lies beside the index; the host may be named."""
    answers = [with_body(b"PK")] * 4
    async with answering(*answers) as (url, requests), HttpExports("h", url + "/a/b/") as exports:
        for name in ("b/1-2-1.zip", "1-2-1.zip", f"{url}/c/1.zip", "/d/1.zip"):
            assert await exports.fetch(name) == b"PK"
    paths = [request.split()[1] for request in requests]
    assert paths == [b"/a/b/1-2-1.zip", b"/a/b/1-2-1.zip", b"/c/1.zip", b"/d/1.zip"]
    assert all(b"accept-encoding: identity" in request.lower() for request in requests)


@pytest.mark.parametrize(
    "name",
    [
        *("../secret.zip", "exports/../../x.zip", "a/./b.zip", "http://elsewhere.example/x.zip"),
        *("//elsewhere.example/x.zip", "file:///etc/passwd", "https://127.0.0.1/x", "x%2e%2e/y"),
        *("a\\..\\b", "a\x00b", "\x1b[31m", "a?b=c", "a#b", "http://127.0.0.1:99999/x", "x" * 600),
    ],
)
async def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    """In the index and when fetched: no request leaves for it."""
    async with (
        answering(with_body(name.encode())) as (url, requests),
        HttpExports("home", url + "/exports") as exports,
    ):
        with pytest.raises(Unreachable):
            await exports.fetch(name)
        assert requests == []
        with pytest.raises(Unreachable, match="names a file that is not beside it"):
            await exports.index()


@given(st.text(max_size=60))
def test_any_name_stays_on_the_host_or_is_refused(name: str) -> None:
    """No text raises anything else, or leaves the host."""
    exports = HttpExports("home", "https://keys.example:8443/exports")
    try:
        url = exports._resolve(name)
    except Unreachable:
        return
    assert url.startswith("https://keys.example:8443/")


async def test_sizes_are_bounded_while_they_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """An index or a file beyond its limit is dropped, with or without a length told."""
    monkeypatch.setattr(client.exports, "MAX_EXPORT_BYTES", 1000)
    monkeypatch.setattr(client.exports, "MAX_INDEX_BYTES", 1000)
    large = b"x" * 1001
    chunked = OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"3e9\r\n" + large + b"\r\n0\r\n\r\n"
    for answer in (with_body(large), chunked):
        async with answering(answer, answer) as (url, _), HttpExports("h", url) as exports:
            with pytest.raises(BadExport) as oversized:
                await exports.fetch("1.zip")
            assert oversized.value.reason == "oversized"
            with pytest.raises(Unreachable, match="larger than 1 MiB"):
                await exports.index()
    async with answering(with_body(large[:1000])) as (url, _), HttpExports("h", url) as exports:
        assert len(await exports.fetch("1.zip")) == 1000


async def test_a_compressed_answer_is_not_opened() -> None:
    """It was not asked for, and could be a bomb."""
    with pytest.raises(Unreachable, match="compressed"):
        await index_of(with_body(b"\x1f\x8b", b"Content-Encoding: gzip"))


async def test_an_answer_cut_short_is_not_used() -> None:
    """Less than its length is nothing; no answer at all is told apart."""
    with pytest.raises(Unreachable, match="broke off"):
        await index_of(OK + b"Content-Length: 100\r\n\r\nexports/1")
    with pytest.raises(Unreachable):
        await index_of(b"")
    with pytest.raises(Unreachable):
        await index_of(b"not HTTP at all\r\n\r\n")


async def test_a_server_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """However steadily it sends, the whole has to come in time."""
    monkeypatch.setattr(client.exports, "ANSWER_SECONDS", 0.2)

    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(OK + b"Content-Length: 1000000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    async with answering(drip) as (url, _), HttpExports("h", url) as exports:
        with pytest.raises(Unreachable, match="took longer"):
            await exports.index()


def redirect(to: str) -> bytes:
    return (
        f"HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    ).encode()


async def test_a_redirect_is_followed_within_the_host_only() -> None:
    """A few times; never elsewhere, never in a circle, never to nonsense."""
    assert await index_of(redirect("/other/index.txt"), with_body(b"a/b.zip")) == ["a/b.zip"]
    for target in ("http://elsewhere.example/", "//elsewhere.example/", "ftp://x/", "http://[x"):
        with pytest.raises(Unreachable, match="another host"):
            await index_of(redirect(target))
    with pytest.raises(Unreachable, match="without end"):
        await index_of(*[redirect("/again")] * 4)


@pytest.mark.parametrize("status", [b"404 Not Found", b"500 Oops", b"204 No Content"])
async def test_another_status_is_named(status: bytes) -> None:
    """So that whoever reads the message can ask the right person."""
    with pytest.raises(Unreachable, match=f"status {status[:3].decode()}"):
        await index_of(b"HTTP/1.1 " + status + b"\r\nConnection: close\r\n\r\n")


async def test_nobody_there_is_said_plainly() -> None:
    """With the operating system's word for it."""
    async with answering() as (url, _):
        pass
    async with HttpExports("h", url) as exports:
        with pytest.raises(Unreachable, match="cannot be reached: "):
            await exports.index()


def self_signed(folder: Path) -> Path:
    """Write a key and a certificate for 127.0.0.1 that nobody vouches for; return the file."""
    key = key_made_of("tls")
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2099, 1, 1, tzinfo=UTC))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, SHA256())
    )
    file = folder / "server.pem"
    file.write_bytes(private_pem(key) + certificate.public_bytes(Encoding.PEM))
    return file


async def test_tls_is_verified(tmp_path: Path) -> None:
    """A server that nobody vouches for is not spoken to, unless it was named to be trusted."""
    file = self_signed(tmp_path)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(file)
    async with answering(with_body(b"a/b.zip"), tls=server) as (url, requests):
        async with HttpExports("h", url) as exports:
            with pytest.raises(Unreachable, match="certificate is not valid"):
                await exports.index()
        assert requests == []
        trusting = ssl.create_default_context(cafile=file)
        async with HttpExports("h", url, tls=trusting) as exports:
            assert await exports.index() == ["a/b.zip"]


@pytest.mark.parametrize(
    "url", ["", "x", "ftp://x", "http://", "http://a:b", "http://[", "https://u:p@x", "http://x?y"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    """When it is configured, not when it is used."""
    with pytest.raises(BadConfig):
        HttpExports("h", url)
    with pytest.raises(BadConfig):
        HttpAuthority("https://fine.example", url)


async def claim(answer: bytes) -> object:
    async with answering(answer) as (url, _), HttpAuthority(url, url) as authority:
        return await authority.claim("12345678", b"n" * 32)


def refusal(status: str, body: bytes) -> bytes:
    return with_body(body).replace(b"200 OK", status.encode())


async def test_a_refusal_keeps_its_reason_and_loses_its_tricks() -> None:
    """What a server writes for people is shown without control characters."""
    body = rb'{"error":"no\u001b[31m\n","errorCode":"code_invalid","error_code":"x"}'
    with pytest.raises(AuthorityRefused) as refused:
        await claim(refusal("400 Bad", body))
    assert refused.value.reason == "code_invalid"
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    "answer",
    [
        with_body(b"{}"),
        with_body(b"not json"),
        with_body(b'{"token":1,"testtype":"likely"}'),
        with_body(b'{"token":"t","testtype":"likely","symptomDate":"soon"}'),
        with_body(b"x" * 70_000),
        refusal("400 Bad", b"not json"),
        refusal("400 Bad", b'{"errorCode":"No Such\\nThing"}'),
        refusal("502 Bad", b'{"errorCode":"internal_error"}'),
        redirect("/elsewhere"),
    ],
)
async def test_an_answer_that_is_none_can_be_asked_for_again(answer: bytes) -> None:
    """Whatever was not understood is no refusal: the code may still be good."""
    with pytest.raises(Unreachable) as unreachable:
        await claim(answer)
    assert "12345678" not in str(unreachable.value)


async def test_requests_are_all_of_one_length() -> None:
    """A claim, a certificate and an upload of any number of keys look alike."""
    lengths = set()
    keys = [TemporaryExposureKey(bytes([n]) * 16, 2956032 - 144 * n) for n in range(14)]
    fine = with_body(b'{"token":"t","testtype":"likely","certificate":"c"}')
    async with answering(*[fine] * 4) as (url, requests), HttpAuthority(url, url) as authority:
        await authority.claim("12345678", b"n" * 32)
        await authority.certify("t" * 43, b"h" * 32)
        for count in (1, 14):
            await authority.publish(Publication(keys[:count], "vn.moh", "c" * 400, b"s" * 32, None))
    for request in requests:
        (line,) = [x for x in request.lower().split(b"\r\n") if x.startswith(b"content-length")]
        lengths.add(int(line.split(b":")[1]))
    assert max(lengths) - min(lengths) < 8
    assert min(lengths) >= 5000
