"""A whole day of an authority, with everything going wrong in it; then a search for what leaked.

Logs, metrics, answers that refuse, names of files and temporary files are searched for every key,
code, token, certificate, password, number and name that went through the server.
"""

import asyncio
import base64
import json
import os
import re
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit
from uuid import uuid4

import httpx2
import pyotp
import pytest

from bluezone_node.crypto.certificate import keys_hmac
from bluezone_node.store.authority.folder import AuthorityFolder, make_folder
from bluezone_node.web.console import menu
from tests.authorities import keys_of_days, uploaded
from tests.authority_process import Running, running
from tests.patience import PATIENCE
from tests.postgres import Server

pytestmark = pytest.mark.slow

PHONE = "+84912345678"
NAME = "Nguyễn Thị Bí Mật"
WORKER = "bs.tran.mat"
PASSWORD = "mật khẩu mười hai 7319"
NEW_PASSWORD = "một mật khẩu khác, 9173"


class Day:
    """What happened: the secrets, and everything that was said where no secret belongs."""

    def __init__(self, server: Running, http: httpx2.AsyncClient, api_key: str) -> None:
        self.server = server
        self.http = http
        self.api_key = api_key
        self.secrets: dict[str, bytes] = {
            "phone": PHONE.encode(),
            "phone, as dialled": b"0912345678",
            "name": NAME.encode(),
            "password": PASSWORD.encode(),
            "API key": api_key.encode(),
        }
        self.said: dict[str, bytes] = {}
        self.statuses: list[int] = []

    def secret(self, kind: str, value: str | bytes) -> None:
        raw = value.encode() if isinstance(value, str) else value
        self.secrets[f"{kind} {len(self.secrets)}"] = raw

    def hear(self, where: str, what: bytes) -> None:
        self.said[f"{where} {len(self.said)}"] = what

    async def post(
        self, path: str, document: object, *, refused: bool = False, **headers: str
    ) -> dict[str, Any]:
        """Post; what refuses is heard, what succeeds has secrets in it by right."""
        answer = await self.http.post(
            path, json=document, headers={"x-api-key": self.api_key, **headers}
        )
        self.statuses.append(answer.status_code)
        if answer.status_code >= 400:
            self.hear(f"{path} {answer.status_code}", answer.content + str(answer.headers).encode())
        else:
            assert not refused, (path, answer.status_code)
        return dict(answer.json())

    async def send(self, data: bytes) -> None:
        """Send bytes that are no request, and hear the answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        writer.write(data)
        writer.write_eof()
        async with asyncio.timeout(PATIENCE):
            self.hear("raw", await reader.read())
        writer.close()


async def _live(day: Day) -> None:
    """Everything that should work."""
    issued = await day.post(
        "/api/issue", {"testType": "confirmed", "externalIssuerID": NAME, "uuid": str(uuid4())}
    )
    day.secret("code", issued["code"])
    sent = await day.post("/api/issue", {"testType": "confirmed", "phone": PHONE})
    if sent.get("code"):
        day.secret("long code", sent["code"])
    nonce = base64.b64encode(os.urandom(32)).decode()
    day.secret("nonce", base64.b64decode(nonce))
    claimed = await day.post("/api/verify", {"code": issued["code"], "nonce": nonce})
    day.secret("token", claimed["token"])
    keys, secret = keys_of_days(1, 2, 3, seed=9, now=_now()), os.urandom(16)
    day.secret("HMAC secret", secret)
    for key in keys:
        day.secret("key", key.key)
    hmac = keys_hmac(keys, secret)
    day.secret("HMAC", hmac)
    certified = await day.post(
        "/api/certificate",
        {"token": claimed["token"], "ekeyhmac": base64.b64encode(hmac).decode()},
    )
    day.secret("certificate", certified["certificate"])
    publication = {
        "temporaryExposureKeys": [
            {
                "key": each.text,
                "rollingStartNumber": each.rolling_start,
                "rollingPeriod": each.rolling_period,
            }
            for each in map(uploaded, keys)
        ],
        "healthAuthorityID": "vn.moh",
        "verificationPayload": certified["certificate"],
        "hmacKey": base64.b64encode(secret).decode(),
    }
    published = await day.post("/v1/publish", publication)
    assert published["insertedExposures"] == 3
    day.secret("revision token", published["revisionToken"])

    # And everything that should not.
    code, token, certificate = issued["code"], claimed["token"], certified["certificate"]
    for path, document in (
        ("/api/issue", {"testType": code, "symptomDate": PHONE}),
        ("/api/issue", {"testType": "likely", "phone": NAME + PHONE}),
        ("/api/issue", {"testType": "likely", NAME: PHONE}),
        ("/api/checkcodestatus", {"uuid": code}),
        ("/api/verify", {"code": code}),
        ("/api/verify", {"code": code + token}),
        ("/api/verify", {"code": [code]}),
        ("/api/certificate", {"token": token, "ekeyhmac": base64.b64encode(secret * 2).decode()}),
        ("/api/certificate", {"token": certificate, "ekeyhmac": token}),
        ("/v1/publish", publication | {"hmacKey": nonce}),
        ("/v1/publish", publication | {"verificationPayload": certificate[:-8] + "AAAAAAAA"}),
        ("/v1/publish", publication | {"healthAuthorityID": token}),
        ("/v1/publish", publication | {token: certificate}),
        (f"/api/verify/{code}", {"code": code}),
        (f"/{quote(NAME)}?code={code}&token={token}", {}),
    ):
        await day.post(
            path, document, refused=True, cookie=f"session={token}", referer=code, origin=code
        )
    wrong = await day.http.post(
        "/api/issue", json={"testType": "likely"}, headers={"x-api-key": day.api_key + "x"}
    )
    day.hear("wrong API key", wrong.content)
    key = publication["temporaryExposureKeys"][0]["key"].encode()
    for raw in (
        b"GET /" + key + b" HTTP/9\r\n\r\n",
        b"POST /v1/publish HTTP/1.1\r\n" + key + b"\r\n\r\n",
        b"POST /v1/publish HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
        b"Content-Length: 99999\r\n\r\n" + key,
        b"POST /api/verify HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
        b"Content-Length: 8\r\nConnection: close\r\n\r\n" + code.encode()[:7] + b"{",
        b"GET /?" + key + b" HTTP/1.1\r\nX: " + key * 2000 + b"\r\n\r\n",
    ):
        await day.send(raw)


async def _work_at_the_desk(day: Day, person: dict[str, str]) -> None:
    """Sign in to the console, wrongly and rightly; issue a code and a file of many."""
    day.secret("worker", WORKER)
    day.secret("worker's one-time secret", _one_time_secret(person))
    day.secret("worker's new password", NEW_PASSWORD)
    page = await day.http.get(menu.SIGN_IN)
    day.hear("sign-in page", page.content)
    form = {"name": WORKER, "password": PASSWORD, "code": "123456"}
    for origin in (day.server.url, "https://evil.example"):
        answer = await day.http.post(
            menu.SIGN_IN, data=form, headers={"origin": origin, "referer": origin}
        )
        day.statuses.append(answer.status_code)
        # The name goes back to who typed it.
        day.hear("sign-in", answer.content.replace(WORKER.encode(), b""))

    browser = {"sec-fetch-site": "same-origin"}
    async with httpx2.AsyncClient(
        base_url=day.server.url, timeout=PATIENCE, headers=browser
    ) as http:

        async def send(path: str, fields: dict[str, str], file: bytes | None = None) -> str:
            """Send the form on the page at *path*; return where it leads."""
            shown = (await http.get(path)).text
            hidden = {
                name: re.findall(rf'name="{name}" value="([^"]*)"', shown)[-1]
                for name in ("csrf", "nonce")
                if f'name="{name}"' in shown
            }
            day.secret("form", hidden["csrf"])
            files = None if file is None else {"file": ("list.csv", file, "text/csv")}
            answer = await http.post(path, data=hidden | fields, files=files)
            assert answer.status_code == 303, answer.text
            return str(answer.headers["location"])

        now = pyotp.TOTP(_one_time_secret(person)).now()
        wrong = form | {"code": now}
        assert (await http.post(menu.SIGN_IN, data=wrong)).status_code in (400, 403)
        await send(menu.SIGN_IN, {"name": WORKER, "password": person["password"], "code": now})
        for cookie in http.cookies.jar:
            day.secret("cookie", str(cookie.value))
        new = {"old": person["password"], "new": NEW_PASSWORD, "again": NEW_PASSWORD}
        await send(menu.PASSWORD, new)
        order = {"type": "confirmed", "test": _now().date().isoformat(), "kind": "short"}
        issued = (await http.get(await send(menu.CODES, order))).text
        (code,) = re.findall(r'id="code" aria-label="([^"]*)"', issued)
        day.secret("code at the desk", code.replace(" ", ""))
        rows = f"test_type,phone\nconfirmed,\nlikely,\nconfirmed,{PHONE}\n{NAME},\n".encode()
        result = await send(menu.BULK, {}, rows)
        long_codes = re.findall(r"\b[a-z0-9]{16}\b", (await http.get(f"{result}/codes.csv")).text)
        assert len(long_codes) == 2
        for long_code in long_codes:
            day.secret("code of many", long_code)


def _one_time_secret(person: dict[str, str]) -> str:
    return parse_qs(urlsplit(person["otpauth"]).query)["secret"][0]


async def _while_the_database_fails(day: Day) -> None:
    """All routes again, while nothing can be stored."""
    code = "90817263"
    day.secret("code never stored", code)
    before = len(day.statuses)
    hmac = base64.b64encode(b"h" * 32).decode()
    await asyncio.gather(
        day.post("/api/issue", {"testType": "likely", "phone": PHONE}),
        day.post("/api/verify", {"code": code}),
        day.post("/api/certificate", {"token": code * 4, "ekeyhmac": hmac}),
    )
    assert 503 in day.statuses[before:], day.statuses[before:]
    assert 500 not in day.statuses


@contextmanager
def _locked(folder: AuthorityFolder) -> Iterator[None]:
    """Keep every writer of both files waiting for longer than any does."""
    with ExitStack() as stack:
        for path in (folder.registry_db, folder.authority_db):
            other = sqlite3.connect(path, isolation_level=None)
            stack.callback(other.close)
            other.execute("BEGIN IMMEDIATE")
            stack.callback(other.execute, "ROLLBACK")
        yield


@contextmanager
def _deserted(server: Server, name: str) -> Iterator[None]:
    """Throw everybody out of a database, and let nobody in."""
    server.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    server.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    try:
        yield
    finally:
        server.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


@asynccontextmanager
async def _day(folder: AuthorityFolder, **environ: str) -> AsyncIterator[Day]:
    (api_key,) = folder.api_keys()
    async with (
        running(folder, **environ) as server,
        httpx2.AsyncClient(base_url=server.url, timeout=PATIENCE) as http,
    ):
        day = Day(server, http, api_key)
        yield day
        for path in ("/metrics", "/readyz", "/healthz", "/openapi.json"):
            day.hear(path, (await http.get(path)).content)
        server.stop()
        day.hear("log", (await server.stopped()).encode())


def _now() -> datetime:
    return datetime.now(UTC)


def _folder(tmp_path: Path) -> AuthorityFolder:
    (tmp_path / "tmp").mkdir()
    return make_folder(tmp_path / "authority", ("registrar", "publisher"))


async def _add_worker(day: Day, folder: AuthorityFolder, environ: dict[str, str]) -> dict[str, str]:
    """Return what the person is handed: shown once, by right."""
    words = ("users", "add", WORKER, "--realm", "VN", "--role", "supervisor", "--show", "--json")
    out, err = await _run(folder, environ, *words)
    day.hear("users add", err)
    person = {name: str(value) for name, value in json.loads(out).items()}
    for name in ("password", "otpauth"):
        day.secret("worker's first " + name, person[name])
    return person


async def _commands(day: Day, folder: AuthorityFolder, environ: dict[str, str]) -> None:
    """Run what an operator runs, and hear all of it."""
    for words in (
        ("status", "--json"),
        ("export", "run", "--json"),
        ("keys", "list", "--json"),
        ("audit", "verify", "--json"),
    ):
        day.hear(" ".join(words), b"".join(await _run(folder, environ, *words)))


async def _run(
    folder: AuthorityFolder, environ: dict[str, str], *words: str
) -> tuple[bytes, bytes]:
    """Return what a command wrote to standard output, and to standard error."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bluezone_node", "authority", *words),
        *("--dir", str(folder.path)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **environ},
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out, err


def _search(day: Day, tmp_path: Path) -> None:
    """Find no secret, in any of its spellings, where none belongs."""
    names = "\n".join(str(path) for path in tmp_path.rglob("*")).encode()
    day.hear("names of files", names)
    for path in (tmp_path / "tmp").rglob("*"):
        if path.is_file():
            day.hear(f"temporary {path.name}", path.read_bytes())
    for path in (tmp_path / "authority").glob("registry.db*"):
        kept = path.read_bytes()
        # Who was tested never lies beside which keys; and codes are kept as digests. Of health
        # workers the name is kept, and nothing else of theirs.
        for kind, value in day.secrets.items():
            if not kind.startswith("worker "):
                assert value not in kept, f"{kind} is in {path.name}"
    assert len(day.said) > 25
    for where, said in day.said.items():
        for kind, value in day.secrets.items():
            for spelling in _spellings(value):
                assert spelling not in said, f"{kind} is in what {where} said"


def _spellings(value: bytes) -> set[bytes]:
    text = value.decode("utf-8", "replace")
    return {
        value,
        value.hex().encode(),
        value.hex().upper().encode(),
        base64.b64encode(value).rstrip(b"="),
        base64.urlsafe_b64encode(value).rstrip(b"="),
        quote(value).encode(),
        json.dumps(text).strip('"').encode(),
        repr(value)[2:-1].encode(),
    }


async def test_nothing_leaks_from_files(tmp_path: Path) -> None:
    """On SQLite, whose files another program locks."""
    folder = _folder(tmp_path)
    environ = {"TMPDIR": str(tmp_path / "tmp")}
    async with _day(folder, **environ) as day:
        await _live(day)
        await _work_at_the_desk(day, await _add_worker(day, folder, environ))
        with _locked(folder):
            await _while_the_database_fails(day)
        await _commands(day, folder, environ)
    _search(day, tmp_path)


@pytest.mark.postgres
async def test_nothing_leaks_from_postgres(tmp_path: Path, postgres_server: Server) -> None:
    """On PostgreSQL, which throws the server out in the middle."""
    folder = _folder(tmp_path)
    with postgres_server.database() as url:
        name = url.partition("@/")[2].partition("?")[0]
        environ = {
            "TMPDIR": str(tmp_path / "tmp"),
            "BLUEZONE_DATABASE": url.replace("//tests@", f"//tests:{quote(PASSWORD)}@"),
        }
        async with _day(folder, **environ) as day:
            await _live(day)
            await _work_at_the_desk(day, await _add_worker(day, folder, environ))
            with _deserted(postgres_server, name):
                await _while_the_database_fails(day)
            await _commands(day, folder, environ)
    _search(day, tmp_path)


@pytest.mark.parametrize("spell", [bytes, bytes.hex, base64.b64encode, base64.urlsafe_b64encode])
async def test_the_search_finds_what_leaks(tmp_path: Path, spell: Any) -> None:
    """A key in the middle of a log, however it is written down."""
    key = bytes(range(240, 256))
    found = spell(key)
    async with httpx2.AsyncClient() as http:
        day = Day(Running("http://127.0.0.1:1", None), http, "an API key")  # type: ignore[arg-type]
        day.secret("key", key)
        day.said = {str(number): b"nothing" for number in range(30)}
        _search(day, tmp_path)
        day.hear("log", b"stored " + (found.encode() if isinstance(found, str) else found) + b".")
        with pytest.raises(AssertionError, match="key"):
            _search(day, tmp_path)
