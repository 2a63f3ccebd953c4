"""A device's way to the authority, over HTTP.

Everything that comes back is data from a stranger: it is counted while it streams, never
decompressed, and never followed to another host.  TLS is verified wherever there is TLS.
"""

import asyncio
import os
import re
import ssl
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from datetime import date
from types import MappingProxyType, TracebackType
from typing import Self, TypeVar
from urllib.parse import urljoin, urlsplit

import httpx2 as httpx
import msgspec

from bluezone_node.crypto.keys import TemporaryExposureKey
from bluezone_node.errors import AuthorityRefused, BadConfig, BadExport, Unreachable
from bluezone_node.ports import ClaimedCode, Publication, PublishReceipt
from bluezone_node.venues.answer import pack_rows
from bluezone_node.venues.proposals import Proposal
from bluezone_node.venues.register import ReleasedContact

MAX_INDEX_BYTES = 1 << 20
MAX_EXPORT_BYTES = 20 << 20
"""Google's mirror takes no larger ones (internal/mirror/config.go); neither do we."""
MAX_ANSWER_BYTES = 64 << 10
MAX_WARRANTS_BYTES = 1 << 20
MAX_CARD_BYTES = 1 << 12
"""A warrant has 1 kB: room for some hundreds that wait for one kiosk."""
MAX_REDIRECTS = 3
SILENCE_SECONDS = 10.0
"""Without a byte for so long, a server is as good as gone."""
ANSWER_SECONDS = 30.0
EXPORT_SECONDS = 300.0
"""20 MiB at 70 kB/s: a whole file must come within this, however steadily it drips."""
REQUEST_BYTES = 5_000
"""Every request is filled up to this, so that its length tells neither its kind nor the number
of keys in it (Google's Android app does the same)."""

_NAME = re.compile(r"[A-Za-z0-9._~+=,@:/-]{1,512}")
"""What a line of the index may be made of: no blank, no control character, no %, ? or #."""

_VERSION = re.compile(r'(?:W/)?"[!#-~]{0,256}"')
"""An ETag that may be sent back."""

Answer = TypeVar("Answer")


class _Connection:
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
            _TooLarge: more than *limit* bytes.
        """
        return (await self._follow(url, limit, seconds, {}))[2]

    async def _follow(
        self, url: str, limit: int, seconds: float, condition: Mapping[str, str]
    ) -> tuple[int, httpx.Headers, bytes]:
        """Return status, headers and body of *url*; the status is 200, or 304 on *condition*."""
        for _ in range(MAX_REDIRECTS + 1):
            status, headers, body = await self._exchange(
                "GET", url, limit, seconds, None, condition
            )
            if status == 200 or (status == 304 and condition):
                return status, headers, body
            if status not in (301, 302, 303, 307, 308) or "location" not in headers:
                raise Unreachable(f"{_host(url)} answered with HTTP status {status}.")
            try:
                target = urljoin(url, headers["location"])
            except ValueError:
                target = ""
            if not _may_follow(url, target):
                raise Unreachable(f"{_host(url)} redirects to another host; that is not followed.")
            url = target
        raise Unreachable(f"{_host(url)} redirects without end.")

    async def post(
        self,
        url: str,
        document: Mapping[str, object],
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> tuple[int, bytes]:
        """Return the HTTP status and the body of the answer to *document*, filled up as JSON."""
        bare = len(msgspec.json.encode(document))
        filling = b64encode(os.urandom(max(0, REQUEST_BYTES - bare) * 3 // 4)).decode()
        body = msgspec.json.encode({**document, "padding": filling})
        try:
            status, _, answer = await self._exchange(
                "POST", url, MAX_ANSWER_BYTES, ANSWER_SECONDS, body, headers
            )
        except _TooLarge:
            raise Unreachable(f"{_host(url)} sent an answer of impossible length.") from None
        return status, answer

    async def _ask(
        self,
        url: str,
        document: Mapping[str, object],
        form: type[Answer],
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> Answer:
        status, body = await self.post(url, document, headers)
        try:
            if status == 200:
                return msgspec.json.decode(body, type=form)
            refusal = msgspec.json.decode(body, type=_Refusal)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            if status == 200:
                raise _not_understood(url) from None
            raise Unreachable(f"{_host(url)} answered with HTTP status {status}.") from None
        reason = refusal.error_code or refusal.code
        if status == 429:
            raise Unreachable(f"{_host(url)} is asked too often; try again in a minute.")
        if status >= 500 or not _REASON.fullmatch(reason):
            raise Unreachable(f"{_host(url)} answered with HTTP status {status}.")
        raise AuthorityRefused(_printable(refusal.error) or reason, reason=reason)

    async def _exchange(
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
                    raise Unreachable(f"{_host(url)} sent a compressed answer, unasked.")
                body = bytearray()
                async for chunk in response.aiter_raw():
                    body += chunk
                    if len(body) > limit:
                        raise _TooLarge
                return response.status_code, response.headers, bytes(body)
        except TimeoutError:
            raise Unreachable(f"{_host(url)} took longer than {seconds:.0f} s.") from None
        except httpx.TimeoutException:
            raise Unreachable(f"{_host(url)} does not answer.") from None
        except httpx.ConnectError as error:
            raise Unreachable(f"{_host(url)} cannot be reached: {_why(error)}.") from None
        except httpx.RemoteProtocolError:
            raise Unreachable(f"{_host(url)} broke off before the end of its answer.") from None
        except (httpx.HTTPError, httpx.InvalidURL):
            raise Unreachable(f"The connection to {_host(url)} failed.") from None


class _TooLarge(Exception):
    """The answer is larger than any honest one. Never leaves this module."""


class HttpExports(_Connection):
    """`KeySource`: the export files of one authority."""

    def __init__(
        self,
        name: str,
        url: str,
        *,
        tls: ssl.SSLContext | None = None,
        conditional: bool = False,
    ) -> None:
        """*url*: the folder with ``index.txt``. Lines of the index start from the folder above.

        *conditional*: the index is fetched only where it has changed. Not for a device: what a
        server names its answer comes back to it, and knows the device again as a cookie would.

        Raises:
            BadConfig: *url* is no http(s) address.
        """
        super().__init__(tls)
        self._name = name
        self._folder = _checked(url) + "/"
        self._root = urljoin(self._folder, "../" if urlsplit(self._folder).path != "/" else "")
        self._conditional = conditional
        self._version = ""
        self._listed: list[str] = []

    @property
    def name(self) -> str:
        return self._name

    async def index(self) -> list[str]:
        condition = {"If-None-Match": self._version} if self._version else {}
        try:
            status, headers, body = await self._follow(
                self._folder + "index.txt", MAX_INDEX_BYTES, ANSWER_SECONDS, condition
            )
        except _TooLarge:
            raise Unreachable(f"The index of {self._name} is larger than 1 MiB.") from None
        if status == 304:
            return list(self._listed)
        try:
            names = body.decode("ascii").split()
        except UnicodeDecodeError:
            raise Unreachable(f"The index of {self._name} is not plain text.") from None
        for name in names:
            self._resolve(name)
        # Only an index that was taken whole is known the next time.
        version = headers.get("etag", "") if self._conditional else ""
        self._version = version if _VERSION.fullmatch(version) else ""
        self._listed = names
        return list(names)

    async def fetch(self, name: str) -> bytes:
        try:
            return await self.get(self._resolve(name), MAX_EXPORT_BYTES, EXPORT_SECONDS)
        except _TooLarge:
            raise BadExport(
                "The export is larger than 20 MiB, which no honest one is.", reason="oversized"
            ) from None

    def _resolve(self, name: str) -> str:
        """Return the address of the export *name*, which must lie on the index's own host."""
        legal = _NAME.fullmatch(name) and not {".", ".."} & set(name.split("/"))
        base = self._root if "/" in name else self._folder
        try:
            url = urljoin(base, name) if legal else ""
        except ValueError:
            url = ""
        if not _same_origin(url, self._folder):
            raise Unreachable(f"The index of {self._name} names a file that is not beside it.")
        return url


class HttpPlaces(_Connection):
    """The registrar, as the kiosk of a place meets it: `node.kiosk.proposals.PlaceAuthority` and
    `node.kiosk.answering.WarrantDoor`."""

    def __init__(self, registrar: str, bearer: str, *, tls: ssl.SSLContext | None = None) -> None:
        """*bearer*: what the kiosk names itself by. Raises BadConfig for no http(s) address."""
        super().__init__(tls)
        self._registrar = _checked(registrar)
        self._headers = {"Authorization": f"Bearer {bearer}"}

    async def propose(self, proposal: Proposal) -> None:
        document = {
            "id": b64encode(proposal.id).decode(),
            "start": int(proposal.start.timestamp()),
            "end": int(proposal.end.timestamp()),
            "minutes": proposal.minutes,
            "packets": proposal.packets,
            "keys": proposal.keys,
            "expectedPackets": proposal.expected,
        }
        url = f"{self._registrar}/v1/places/proposals"
        await self._ask(url, document, _Proposed, self._headers)

    async def card(self) -> bytes:
        """Return the newest signed card of the kiosk's room; `node.kiosk.renewing.CardDoor`."""
        url = f"{self._registrar}/v1/places/card"
        try:
            status, _, body = await self._exchange(
                "GET", url, MAX_CARD_BYTES, ANSWER_SECONDS, None, self._headers
            )
        except _TooLarge:
            raise Unreachable(f"{_host(url)} sent an answer of impossible length.") from None
        if status == 401:
            raise AuthorityRefused("The kiosk is not known.", reason="unauthorized")
        if status != 200:
            raise Unreachable(f"{_host(url)} answered with HTTP status {status}.")
        return body

    async def warrants(self) -> list[bytes]:
        url = f"{self._registrar}/v1/places/warrants"
        try:
            status, _, body = await self._exchange(
                "GET", url, MAX_WARRANTS_BYTES, ANSWER_SECONDS, None, self._headers
            )
        except _TooLarge:
            raise Unreachable(f"{_host(url)} sent an answer of impossible length.") from None
        if status == 401:
            raise AuthorityRefused("The kiosk is not known.", reason="unauthorized")
        if status != 200:
            raise Unreachable(f"{_host(url)} answered with HTTP status {status}.")
        try:
            return [b64decode(file) for file in msgspec.json.decode(body, type=_Waiting).warrants]
        except (msgspec.MsgspecError, ValueError, RecursionError):
            raise _not_understood(url) from None

    async def send_rows(
        self, warrant_id: bytes, part: int, rows: Sequence[ReleasedContact], *, last: bool
    ) -> None:
        document: dict[str, object] = {
            "warrant": b64encode(warrant_id).decode(),
            "part": part,
            "last": last,
            "rows": b64encode(pack_rows(rows)).decode(),
        }
        url = f"{self._registrar}/v1/places/openings"
        await self._ask(url, document, _Kept, self._headers)


class HttpAuthority(_Connection):
    """`Authority`: the registrar and the publisher, at their two addresses."""

    def __init__(
        self, registrar: str, publisher: str, *, tls: ssl.SSLContext | None = None
    ) -> None:
        """Raises BadConfig where an address is no http(s) address."""
        super().__init__(tls)
        self._registrar = _checked(registrar)
        self._publisher = _checked(publisher)

    async def claim(self, code: str, nonce: bytes) -> ClaimedCode:
        document = {
            "code": code,
            # All that diagnosis reports know how to publish.
            "accept": ["confirmed", "likely", "negative"],
            "nonce": b64encode(nonce).decode(),
        }
        answer = await self._ask(f"{self._registrar}/api/verify", document, _Claimed)
        try:
            onset = date.fromisoformat(answer.symptom_date) if answer.symptom_date else None
        except ValueError:
            raise _not_understood(self._registrar) from None
        return ClaimedCode(answer.token, answer.testtype, onset)

    async def certify(self, token: str, keys_hmac: bytes) -> str:
        document = {"token": token, "ekeyhmac": b64encode(keys_hmac).decode()}
        url = f"{self._registrar}/api/certificate"
        return (await self._ask(url, document, _Certified)).certificate

    async def publish(self, publication: Publication) -> PublishReceipt:
        document: dict[str, object] = {
            "temporaryExposureKeys": [_key(key) for key in publication.keys],
            "healthAuthorityID": publication.health_authority,
            "verificationPayload": publication.certificate,
            "hmacKey": b64encode(publication.hmac_secret).decode(),
            "revisionToken": publication.revision_token,
        }
        if publication.onset_interval is not None:
            document["symptomOnsetInterval"] = publication.onset_interval
        answer = await self._ask(f"{self._publisher}/v1/publish", document, _Published)
        warnings = [*answer.warnings, *([answer.error] if answer.error else [])]
        return PublishReceipt(
            answer.inserted, answer.revision_token, tuple(map(_printable, warnings))
        )


class _Claimed(msgspec.Struct, rename="camel"):
    token: str
    testtype: str
    symptom_date: str = ""


class _Certified(msgspec.Struct):
    certificate: str


class _Published(msgspec.Struct, rename="camel"):
    inserted: int = msgspec.field(name="insertedExposures", default=0)
    revision_token: str = ""
    warnings: list[str] = msgspec.field(default_factory=list)
    error: str = ""


class _Proposed(msgspec.Struct):
    state: str


class _Waiting(msgspec.Struct):
    warrants: list[str]


class _Kept(msgspec.Struct):
    kept: bool


class _Refusal(msgspec.Struct, rename="camel"):
    error: str = ""
    error_code: str = ""
    code: str = ""


_REASON = re.compile(r"[a-z0-9_]{1,64}")


def _key(key: TemporaryExposureKey) -> dict[str, object]:
    return {
        "key": b64encode(key.key).decode(),
        "rollingStartNumber": key.rolling_start,
        "rollingPeriod": key.rolling_period,
        # 0 is what GAEN v2 devices send; the HMAC is made over it.
        "transmissionRisk": 0,
    }


def _checked(url: str) -> str:
    """Return *url* without a slash at its end."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment or parts.username is not None:
        raise BadConfig(f"{url!r} is not an address like https://host/path")
    return url.rstrip("/")


def _same_origin(one: str, other: str) -> bool:
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
    return _same_origin(source, target) or (upgrade and before.hostname == after.hostname)


def _host(url: str) -> str:
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


def _printable(text: str) -> str:
    """Return what a stranger wrote so that it cannot move a terminal's cursor."""
    return "".join(c if c.isprintable() else " " for c in text)[:300]


def _not_understood(url: str) -> Unreachable:
    return Unreachable(f"{_host(url)} sent an answer that is not understood.")
