"""The frame of every exchange, over real HTTP: limits, padding, chaff, errors, logs."""

import logging
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.authority.distribution.exporter import ROOT
from bluezone_node.crypto.certificate import keys_hmac
from bluezone_node.errors import BadInput
from bluezone_node.store.authority.shelf import FolderShelf
from bluezone_node.web.app import build_app, publisher_routes, registrar_routes
from bluezone_node.web.exchange import decode
from bluezone_node.web.routes.publish import PublishRequest
from bluezone_node.web.routes.verification import (
    BatchIssueRequest,
    CertificateRequest,
    CodeRequest,
    IssueRequest,
    VerifyRequest,
)
from tests.authorities import NOW, Office, keys_of_days, seeded, served, uploaded

API_KEY = "the-health-workers-key"
JSON = {"content-type": "application/json"}


@dataclass
class Desk:
    """An office behind a server, and a client of it."""

    office: Office
    http: httpx2.AsyncClient

    async def post(self, path: str, document: object, **headers: str) -> tuple[int, dict[str, Any]]:
        answer = await self.http.post(path, json=document, headers=headers)
        return answer.status_code, answer.json()

    async def code(self) -> str:
        _, issued = await self.post("/api/issue", {"testType": "likely"}, **{"x-api-key": API_KEY})
        return str(issued["code"])

    async def publication(self, *days: int) -> dict[str, Any]:
        keys, secret = keys_of_days(*days), b"s" * 16
        certificate = self.office.certify(keys_hmac(keys, secret))
        sent = [uploaded(key) for key in keys]
        return {
            "temporaryExposureKeys": [
                {
                    "key": key.text,
                    "rollingStartNumber": key.rolling_start,
                    "rollingPeriod": key.rolling_period,
                }
                for key in sent
            ],
            "healthAuthorityID": "vn.moh",
            "verificationPayload": certificate,
            "hmacKey": b64encode(secret).decode(),
        }


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    office = Office(shelf=FolderShelf(tmp_path / ROOT))
    routes = [
        *registrar_routes(
            office.verification, office.issuing, office.clock, seeded(3), {API_KEY: "VN"}, 20
        ),
        *publisher_routes(office.publisher, seeded(4), tmp_path / ROOT),
    ]
    async with (
        served(build_app(routes)) as url,
        httpx2.AsyncClient(base_url=url) as client,
    ):
        yield Desk(office, client)


async def test_the_registrars_road_over_http(desk: Desk) -> None:
    """Issue, verify, certify: field by field as Google's clients expect it."""
    status, issued = await desk.post(
        "/api/issue",
        {"testType": "likely", "symptomDate": "2026-03-08", "testDate": "", "tzOffset": 420},
        **{"x-api-key": API_KEY},
    )
    assert status == 200
    assert issued["expiresAtTimestamp"] == int(NOW.timestamp()) + 900
    assert issued["expiresAt"] == "Tue, 10 Mar 2026 09:45:00 GMT"
    status, claimed = await desk.post(
        "/api/verify", {"code": issued["code"], "accept": ["likely"], "padding": "eA=="}
    )
    assert status == 200
    assert claimed["testtype"] == "likely"
    assert (claimed["symptomDate"], claimed["testDate"]) == ("2026-03-08", "")
    hmac = b64encode(b"h" * 32).decode()
    status, certified = await desk.post(
        "/api/certificate", {"token": claimed["token"], "ekeyhmac": hmac}
    )
    assert status == 200
    assert certified["certificate"].count(".") == 2
    known = (await desk.http.get("/jwks")).json()
    assert [key["kid"] for key in known["keys"]] == ["v1"]


async def test_a_claim_is_repeated_over_http(desk: Desk) -> None:
    """With its nonce; one that is no base64, or too short, does not use up the code."""
    code = await desk.code()
    for nonce in ("?", "bm9uY2U="):
        status, answer = await desk.post("/api/verify", {"code": code, "nonce": nonce})
        assert (status, answer["errorCode"]) == (400, "nonce_invalid")
    document = {"code": code, "nonce": b64encode(b"n" * 32).decode()}
    _, lost = await desk.post("/api/verify", document)
    _, again = await desk.post("/api/verify", document)
    assert again["token"] != lost["token"]
    hmac = b64encode(b"h" * 32).decode()
    for token, status in ((lost["token"], 400), (again["token"], 200)):
        certified = await desk.post("/api/certificate", {"token": token, "ekeyhmac": hmac})
        assert certified[0] == status
    for last in (document, {"code": code}):
        status, answer = await desk.post("/api/verify", last)
        assert (status, answer["errorCode"]) == (400, "code_used")


async def test_publishing_over_http(desk: Desk) -> None:
    """Google's request and answer, in either spelling of the HMAC key; and the same twice."""
    document = await desk.publication(1, 2)
    answer = await desk.http.post("/v1/publish", json=document)
    assert answer.headers["x-api-version"] == "v1"
    assert answer.json()["insertedExposures"] == 2
    assert set(answer.json()) == {"insertedExposures", "revisionToken", "padding"}
    document["hmackey"] = document.pop("hmacKey")
    status, again = await desk.post("/v1/publish", document)
    assert (status, again["insertedExposures"]) == (200, 2)
    document["hmacKey"] = b64encode(b"x" * 16).decode()
    status, refused = await desk.post("/v1/publish", document)
    assert (status, refused["code"]) == (400, "bad_request")


async def test_a_partial_failure_says_so(desk: Desk) -> None:
    """Status 200, with a code, as for Google's clients."""
    document = await desk.publication(1, 20)
    status, answer = await desk.post("/v1/publish", document)
    assert (status, answer["code"], answer["insertedExposures"]) == (200, "partial_failure", 1)
    assert "too old" in answer["error"]


@pytest.mark.parametrize(
    ("path", "document", "status", "reason"),
    [
        ("/api/verify", {"code": "00000000"}, 400, "code_invalid"),
        ("/api/verify", {"code": 12345678}, 400, "unparsable"),
        ("/api/verify", {"code": "1", "phone": "+84"}, 400, "unparsable"),
        ("/api/verify", {}, 400, "unparsable"),
        ("/api/verify", [], 400, "unparsable"),
        ("/api/certificate", {"token": "x", "ekeyhmac": "?"}, 400, "hmac_invalid"),
        ("/api/certificate", {"token": "x", "ekeyhmac": "AAAA"}, 400, "hmac_invalid"),
        ("/api/issue", {"testType": "likely"}, 401, "unauthorized"),
        ("/v1/publish", {}, 401, "unknown_health_authority_id"),
        (
            "/v1/publish",
            {"healthAuthorityID": "vn.moh", "hmacKey": "?"},
            401,
            "health_authority_verification_certificate_invalid",
        ),
        ("/v1/publish", {"regions": ["VN"]}, 400, "unparsable"),
        (
            "/v1/publish",
            {"healthAuthorityID": "vn.moh", "temporaryExposureKeys": [{}]},
            401,
            "health_authority_verification_certificate_invalid",
        ),
    ],
)
async def test_a_refusal_has_a_status_a_name_and_padding(
    desk: Desk, path: str, document: object, status: int, reason: str
) -> None:
    """Bad answers are as long as good ones."""
    found, answer = await desk.post(path, document)
    name = "code" if path == "/v1/publish" else "errorCode"
    assert (found, answer[name]) == (status, reason)
    assert answer["error"]
    assert 1024 <= len(b64decode(answer["padding"])) < 2048


@pytest.mark.parametrize("path", ["/api/verify", "/api/certificate", "/v1/publish"])
async def test_a_body_that_is_not_plain_json_is_not_read(desk: Desk, path: str) -> None:
    """Too large, another type, compressed, or broken: each has its status."""
    big = b'{"padding":"' + b"A" * 64_000 + b'"}'
    for body, headers, status in (
        (big, JSON, 413),
        (b"{}", {"content-type": "text/plain"}, 415),
        (b"{}", JSON | {"content-encoding": "gzip"}, 415),
        (b"{", JSON, 400),
        (b"\xff", JSON, 400),
        (b"[" * 60_000, JSON, 400),
        (b"", JSON, 400),
    ):
        answer = await desk.http.post(path, content=body, headers=headers)
        assert answer.status_code == status
        assert "padding" in answer.json()


async def test_a_body_without_a_length_is_counted(desk: Desk) -> None:
    """A stream that never ends is cut off at the limit."""

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 10_000

    answer = await desk.http.post("/api/verify", content=endless(), headers=JSON)
    assert answer.status_code == 413


async def test_guessing_codes_is_slowed_down(desk: Desk) -> None:
    """Twenty attempts a minute from one address, right or wrong; chaff does not count."""
    for n in range(20):
        await desk.post("/api/verify", {"code": f"{n:08}"})
    right = await desk.code()
    answer = await desk.http.post("/api/verify", json={"code": right})
    assert (answer.status_code, answer.json()["errorCode"]) == (429, "too_many_requests")
    assert answer.headers["retry-after"] == "3"
    chaff = await desk.http.post("/api/verify", json={}, headers={"X-Chaff": "1"})
    assert chaff.status_code == 200
    desk.office.pass_time(seconds=3)
    status, claimed = await desk.post("/api/verify", {"code": right})
    assert status == 200
    assert claimed["token"]


@pytest.mark.parametrize("trusted", [True, False])
async def test_only_a_trusted_proxy_is_believed_about_addresses(trusted: bool) -> None:
    """Whoever could write his own address could guess without end."""
    office = Office()
    routes = registrar_routes(
        office.verification, office.issuing, office.clock, seeded(3), {API_KEY: "VN"}, 2
    )
    proxies = ["127.0.0.1"] if trusted else []
    async with (
        served(build_app(routes), proxies) as url,
        httpx2.AsyncClient(base_url=url) as http,
    ):
        statuses = []
        for n in range(4):
            headers = {"X-Forwarded-For": f"192.0.2.{n}"}
            answer = await http.post("/api/verify", json={"code": "1"}, headers=headers)
            statuses.append(answer.status_code)
    assert statuses == ([400] * 4 if trusted else [400, 400, 429, 429])


async def test_the_api_key_is_needed_to_issue(desk: Desk) -> None:
    """A wrong one, a longer one and none are the same."""
    for key in ("", "wrong", API_KEY + "x", "é"):
        headers = {"x-api-key": key.encode()}
        answer = await desk.http.post("/api/issue", json={"testType": "likely"}, headers=headers)
        assert answer.status_code == 401
    assert len(await desk.code()) == 8


async def test_exports_are_plain_files_for_caches(desk: Desk, tmp_path: Path) -> None:
    """Index and files with ETag and age; nothing else of the folder is served."""
    name = "1773133200-1773136800-00001.zip"
    for file_name, data in (("index.txt", f"{ROOT}/{name}\n".encode()), (name, b"PK")):
        with desk.office.shelf.writing(file_name) as file:
            file.write(data)
    (tmp_path / ROOT / ".partial-x").write_bytes(b"half")
    (tmp_path / "secret").write_bytes(b"no")
    index = await desk.http.get("/exports/index.txt")
    assert index.text.split() == [f"{ROOT}/{name}"]
    assert index.headers["content-type"] == "text/plain; charset=us-ascii"
    assert index.headers["cache-control"] == "public, max-age=60"
    file = await desk.http.get(f"/{ROOT}/{name}")
    assert file.headers["content-type"] == "application/zip"
    assert "immutable" in file.headers["cache-control"]
    assert file.headers["last-modified"]
    known = {"If-None-Match": file.headers["etag"]}
    assert (await desk.http.get(f"/{ROOT}/{name}", headers=known)).status_code == 304
    for path in (".partial-x", "", "../secret", "%2e%2e/secret", "..%2fsecret", "1-2-00009.zip"):
        assert (await desk.http.get(f"/{ROOT}/{path}")).status_code == 404


@pytest.mark.parametrize(
    ("asked", "status", "body"),
    [
        ("bytes=4-", 206, b"456789"),
        ("bytes=99-", 416, b""),
        ("bytes=5-3", 200, b"0123456789"),
        ("bytes=0-0,2-2", 200, b"0123456789"),
        ("lines=1-2", 200, b"0123456789"),
        ("bytes", 200, b"0123456789"),
    ],
)
async def test_a_download_that_broke_off_is_resumed(
    desk: Desk, asked: str, status: int, body: bytes
) -> None:
    """Any other part that is asked for, and what is none, is answered with the whole."""
    with desk.office.shelf.writing("1-2-00001.zip") as written:
        written.write(b"0123456789")
    answer = await desk.http.get(f"/{ROOT}/1-2-00001.zip", headers={"Range": asked})
    assert (answer.status_code, answer.content) == (status, body)


async def test_an_unforeseen_error_says_nothing(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer is padded and generic; the log has the kind and the place, not the text."""

    def broken(*_: object, **_named: object) -> None:
        raise RuntimeError("code 12345678 is secret")

    desk.office.verification.claim = broken  # type: ignore[assignment]
    status, answer = await desk.post("/api/verify", {"code": "12345678"})
    assert (status, answer["errorCode"]) == (500, "internal_error")
    assert "padding" in answer
    assert "RuntimeError at" in caplog.text
    assert "12345678" not in caplog.text + str(answer["error"])


async def test_no_secret_reaches_a_log_or_an_error(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """Codes, tokens, certificates, keys and API keys, in every kind of exchange, at full volume."""
    caplog.set_level(logging.DEBUG)
    # What the client of this test writes is not the server's doing.
    for client in ("httpx2", "httpcore2"):
        caplog.set_level(logging.WARNING, client)
    code = await desk.code()
    nonce = b64encode(b"n" * 32).decode()
    _, claimed = await desk.post("/api/verify", {"code": code, "nonce": nonce})
    token, hmac = claimed["token"], b64encode(b"h" * 32).decode()
    document = await desk.publication(1, 2)
    secrets = {
        code,
        nonce,
        token,
        hmac,
        API_KEY,
        document["verificationPayload"],
        document["hmacKey"],
    }
    secrets |= {key["key"] for key in document["temporaryExposureKeys"]}
    errors = []
    for path, body in (
        ("/api/verify", {"code": code}),
        ("/api/verify", {"code": code, "nonce": nonce[1:]}),
        ("/api/verify", {"code": code, "unknown": token}),
        ("/api/verify?code=" + code, {"code": code + "x"}),
        ("/api/certificate", {"token": token, "ekeyhmac": hmac}),
        ("/api/certificate", {"token": token, "ekeyhmac": b64encode(b"g" * 32).decode()}),
        ("/api/certificate", {"token": token, "ekeyhmac": [hmac]}),
        ("/v1/publish", document),
        ("/v1/publish", document | {"hmacKey": b64encode(b"t" * 16).decode()}),
        ("/v1/publish", document | {"verificationPayload": token}),
        ("/v1/publish", document | {"temporaryExposureKeys": [{"key": document["hmacKey"]}]}),
    ):
        _, answer = await desk.post(path, body)
        errors.append(str(answer.get("error")))
    assert sum(error != "None" for error in errors) >= 7
    for secret in secrets:
        assert secret not in caplog.text
        assert secret not in " ".join(errors)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                (
                    *("code", "accept", "token", "ekeyhmac", "testType", "padding", "key"),
                    *("hmacKey", "temporaryExposureKeys", "rollingPeriod", "healthAuthorityID"),
                )
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("model", [VerifyRequest, CertificateRequest, IssueRequest, PublishRequest])
@given(body=st.binary(max_size=60) | anything.map(msgspec.json.encode))
def test_any_body_is_a_request_or_unparsable(model: type[msgspec.Struct], body: bytes) -> None:
    """The parsers raise nothing but the named reason."""
    decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(model)
    try:
        parsed = decode(decoder, body)
    except BadInput:
        return
    assert isinstance(parsed, model)


def test_no_request_shows_what_was_sent() -> None:
    """Whatever prints it: codes, tokens and telephone numbers stand in requests."""
    code = CodeRequest("confirmed", phone="0912000111", external_issuer_id="lan.h")
    requests = (
        VerifyRequest(code="12345678"),
        CertificateRequest(token="t0ken", ekeyhmac=""),
        BatchIssueRequest(codes=[code]),
        code,
    )
    for secret in ("0912000111", "lan.", "12345678", "t0ken"):
        assert secret not in repr(requests)
