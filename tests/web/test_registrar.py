"""The registrar's API over real HTTP: programs of health workers, links, and bad input."""

import json
import logging
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from bluezone_node.authority.settings import AuthoritySettings, RealmSettings, RegistrarSettings
from bluezone_node.web.app import build_app, registrar_routes
from tests.authorities import NOW, Office, seeded, served

SAIGON, HANOI = "key-of-saigon", "key-of-hanoi"
EVIL = [
    "\r\nX-Injected: 1",
    "' OR 1=1; DROP TABLE codes; --",
    "\u0000",
    "=1+1",
    "<script>",
    "é" * 99,
]


@dataclass
class Desk:
    """An office behind a server, and a client of it."""

    office: Office
    http: httpx2.AsyncClient

    async def post(self, path: str, document: object, key: str = SAIGON) -> tuple[int, Any]:
        answer = await self.http.post(path, json=document, headers={"X-API-Key": key})
        return answer.status_code, answer.json()


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    realms = [RealmSettings("VN-79"), RealmSettings("VN-HN", daily_codes=2)]
    registrar = RegistrarSettings(public_url="https://codes.example.vn", realms=realms)
    office = Office(AuthoritySettings(registrar))
    keys = {SAIGON: "VN-79", HANOI: "VN-HN"}
    routes = registrar_routes(
        office.verification, office.issuing, office.clock, seeded(3), keys, 1000
    )
    async with (
        served(build_app(routes)) as url,
        httpx2.AsyncClient(base_url=url) as client,
    ):
        yield Desk(office, client)


async def test_a_codes_life_over_http(desk: Desk) -> None:
    """Issued with the caller's uuid, asked about, claimed; field by field as the reference."""
    uuid = str(uuid4())
    status, issued = await desk.post("/api/issue", {"testType": "likely", "uuid": uuid})
    assert status == 200
    assert set(issued) == {
        "uuid",
        "code",
        "expiresAt",
        "expiresAtTimestamp",
        "longExpiresAt",
        "longExpiresAtTimestamp",
        "padding",
    }
    assert issued["uuid"] == uuid
    assert issued["longExpiresAtTimestamp"] == int(NOW.timestamp()) + 900
    status, again = await desk.post("/api/issue", {"testType": "likely", "uuid": uuid})
    assert (status, again["errorCode"]) == (409, "uuid_already_exists")
    _, found = await desk.post("/api/checkcodestatus", {"uuid": uuid})
    assert (found["claimed"], found["expiresAtTimestamp"]) == (False, issued["expiresAtTimestamp"])
    assert (await desk.post("/api/verify", {"code": issued["code"]}))[0] == 200
    _, found = await desk.post("/api/checkcodestatus", {"uuid": uuid})
    assert found["claimed"]
    status, refused = await desk.post("/api/expirecode", {"uuid": uuid})
    assert (status, refused["errorCode"]) == (400, "code_claimed")


async def test_a_code_is_ended_over_http(desk: Desk) -> None:
    """And only by the province that issued it."""
    _, issued = await desk.post("/api/issue", {"testType": "likely"})
    named = {"uuid": issued["uuid"]}
    for path in ("/api/checkcodestatus", "/api/expirecode"):
        status, refused = await desk.post(path, named, HANOI)
        assert (status, refused["errorCode"]) == (404, "code_not_found")
    status, ended = await desk.post("/api/expirecode", named)
    assert (status, ended["expiresAtTimestamp"]) == (200, int(NOW.timestamp()))
    _, refused = await desk.post("/api/verify", {"code": issued["code"]})
    assert refused["errorCode"] == "code_expired"


async def test_a_long_code_over_http(desk: Desk) -> None:
    """Sent by us, or told to a program that sends it; the link goes back as it was typed."""
    asked = {"testType": "confirmed", "phone": "0912000111", "smsTemplateLabel": "x"}
    _, sent = await desk.post("/api/issue", asked)
    assert desk.office.telephones.sent[0][0] == "+84912000111"
    assert sent["expiresAtTimestamp"] == int(NOW.timestamp()) + 86_400
    _, told = await desk.post("/api/issue", asked | {"onlyGenerateSMS": True})
    assert len(desk.office.telephones.sent) == 1
    assert f"https://codes.example.vn/v#{told['code']} " in told["generatedSMS"]
    grouped = "-".join(told["code"].upper()[n : n + 4] for n in range(0, 16, 4))
    assert (await desk.post("/api/verify", {"code": grouped}))[0] == 200
    desk.office.telephones.fails = True
    status, refused = await desk.post("/api/issue", asked)
    assert (status, refused["errorCode"]) == (400, "sms_failure")


async def test_of_a_batch_each_is_issued_or_refused(desk: Desk) -> None:
    """The status of the whole is the first error's; more than ten are not read."""
    good, bad = {"testType": "likely"}, {"testType": "likely", "testDate": "2020-01-01"}
    status, answer = await desk.post("/api/batch-issue", {"codes": [good, good]})
    assert status == 200
    assert len({each["code"] for each in answer["codes"]}) == 2
    status, answer = await desk.post("/api/batch-issue", {"codes": [bad, good, good, good]}, HANOI)
    assert (status, answer["errorCode"]) == (400, "invalid_date")
    found = [each.get("errorCode", "issued") for each in answer["codes"]]
    assert found == ["invalid_date", "issued", "issued", "quota_exceeded"]
    status, answer = await desk.post("/api/batch-issue", {"codes": [good]}, HANOI)
    assert (status, answer["errorCode"]) == (429, "quota_exceeded")
    for codes in ([], [good] * 11):
        status, answer = await desk.post("/api/batch-issue", {"codes": codes})
        assert (status, answer["errorCode"]) == (400, "unparsable")


@pytest.mark.parametrize(
    "path", ["/api/issue", "/api/batch-issue", "/api/checkcodestatus", "/api/expirecode"]
)
async def test_a_key_is_needed_and_chaff_is_answered(desk: Desk, path: str) -> None:
    """Another key, a longer one, none; chaff needs none, and touches nothing."""
    for key in ("", "x", SAIGON + "x", "é"):
        answer = await desk.http.post(path, json={}, headers={"x-api-key": key.encode()})
        assert (answer.status_code, answer.json()["errorCode"]) == (401, "unauthorized")
    answer = await desk.http.post(path, json={}, headers={"X-Chaff": "1"})
    assert (answer.status_code, set(answer.json())) == (200, {"padding"})
    assert not desk.office.audited.kept


@pytest.mark.parametrize("evil", EVIL)
async def test_no_field_is_a_way_in(
    desk: Desk, evil: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Headers, SQL, formulas, in each field: a refusal with a name, quoting nothing, and the
    server goes on."""
    caplog.set_level(logging.DEBUG, "bluezone_node")
    good = {"testType": "likely"}
    for path, documents in {
        "/api/issue": [
            {**good, field: evil}
            for field in ("testType", "symptomDate", "testDate", "phone", "uuid", "tzOffset")
        ],
        "/api/batch-issue": [{"codes": evil}, {"codes": [{"testType": evil}]}],
        "/api/checkcodestatus": [{"uuid": evil}],
        "/api/expirecode": [{"uuid": evil}],
        "/api/verify": [
            {"code": evil},
            {"code": "1", "nonce": evil},
            {"code": "1", "accept": evil},
        ],
        "/api/certificate": [{"token": evil, "ekeyhmac": "eA=="}, {"token": "x", "ekeyhmac": evil}],
    }.items():
        for document in documents:
            status, answer = await desk.post(path, document)
            assert status in (400, 401, 412), (path, document)
            assert answer["errorCode"] != "internal_error"
            assert evil not in json.dumps(answer, ensure_ascii=False)
    assert evil not in caplog.text
    hmac = b64encode(b"h" * 32).decode()
    _, answer = await desk.post("/api/certificate", {"token": evil, "ekeyhmac": hmac})
    assert answer["errorCode"] == "token_invalid"
    _, issued = await desk.post("/api/issue", {**good, "externalIssuerID": evil})
    assert (await desk.post("/api/verify", {"code": issued["code"], "accept": [evil, "likely"]}))[
        0
    ] == 200


@pytest.mark.parametrize(
    "body",
    [
        b'{"testType": "likely", "testType": "confirmed"}',
        b'{"testType": ["likely"]}',
        b'{"testType": null}',
        b'{"testType": "likely", "tzOffset": 1e999}',
        b'{"testType": "likely", "patient": "An"}',
        '{"testType": "likely"}'.encode("utf-16"),
        b'{"testType": "lik\xff"}',
        b'{"testType": "\\ud800"}',
        b"null",
    ],
)
async def test_what_can_be_read_two_ways_is_not_read(desk: Desk, body: bytes) -> None:
    """Fields twice, unknown or of another type; another encoding."""
    headers = {"X-API-Key": SAIGON, "Content-Type": "application/json"}
    answer = await desk.http.post("/api/issue", content=body, headers=headers)
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "unparsable")
    assert desk.office.verification.counts().codes_open == 0


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/v", ("Mã xác nhận", "verification code", "diagnosis report")),
        ("/", ("mã của một địa điểm", "code of a place", "sáu ký tự", "visit in", "trang giả")),
    ],
)
async def test_the_page_behind_a_link(desk: Desk, path: str, said: tuple[str, ...]) -> None:
    """In two languages, without a script, and never handed the code by a referrer."""
    page = await desk.http.get(path)
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["referrer-policy"] == "no-referrer"
    for words in said:
        assert words in page.text
    assert "<script" not in page.text
    assert "set-cookie" not in page.headers


async def test_handles_are_uuids(desk: Desk) -> None:
    """Random ones, where the caller chose none."""
    uuids = {(await desk.post("/api/issue", {"testType": "likely"}))[1]["uuid"] for _ in range(3)}
    assert len({UUID(each) for each in uuids}) == 3


async def test_a_limit_is_one_limit_for_all_workers(desk: Desk) -> None:
    """Two processes behind one socket share what is in the database; the answer says how long to
    wait."""
    settings = AuthoritySettings(RegistrarSettings(verify_per_minute=4))
    office = desk.office
    statuses = []
    for _ in range(2):
        worker = Office(settings, office.clock, office.registry, allowances=office.allowances)
        routes = registrar_routes(
            worker.verification, worker.issuing, worker.clock, seeded(3), {SAIGON: "VN"}, 4
        )
        async with (
            served(build_app(routes)) as url,
            httpx2.AsyncClient(base_url=url) as http,
        ):
            for n in range(3):
                answer = await http.post("/api/verify", json={"code": f"{n:08}"})
                statuses.append(answer.status_code)
    assert statuses == [400] * 4 + [429] * 2
    assert answer.json()["errorCode"] == "too_many_requests"
    assert answer.headers["retry-after"] == "15"
