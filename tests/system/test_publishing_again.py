"""One upload that several workers get at the same time: stored once, counted once."""

import asyncio
import json
import os
import sys
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from bluezone_node.authority.certificate import Certificate, sign
from bluezone_node.crypto.certificate import keys_hmac
from bluezone_node.store.authority.database import Database
from bluezone_node.store.authority.exposure_tables import LAYOUT, daily_counts
from bluezone_node.store.authority.exposures import SqlExposures
from bluezone_node.store.authority.folder import AuthorityFolder, make_folder
from bluezone_node.store.authority.postgres import parse_url
from bluezone_node.store.authority.tally import SqlTally
from tests.authorities import keys_of_days
from tests.kept import SQL
from tests.patience import PATIENCE

pytestmark = pytest.mark.slow

TIMES = 24


def document(folder: AuthorityFolder, report_type: str, token: str = "") -> dict[str, Any]:
    now = datetime.now(UTC)
    keys, secret = keys_of_days(1, 2, 3, now=now), b"s" * 16
    key_id, key = folder.registrar_keys().signing(now)
    certificate = sign(
        Certificate(report_type, None, keys_hmac(keys, secret)),
        key,
        key_id=key_id,
        issuer="bluezone-registrar",
        audience="bluezone-publisher",
        now=now,
        lifetime=timedelta(minutes=15),
    )
    return {
        "temporaryExposureKeys": [
            {
                "key": b64encode(key.key).decode(),
                "rollingStartNumber": key.rolling_start,
                "rollingPeriod": key.rolling_period,
            }
            for key in keys
        ],
        "healthAuthorityID": "vn.moh",
        "verificationPayload": certificate,
        "hmacKey": b64encode(secret).decode(),
        "revisionToken": token,
    }


@asynccontextmanager
async def serving(folder: Path, environment: dict[str, str]) -> AsyncIterator[str]:
    """Run two workers behind one socket; yield its address."""
    command = [sys.executable, "-m", "bluezone_node", "authority"]
    process = await asyncio.create_subprocess_exec(
        *(*command, "serve", "--dir", str(folder), "--role", "publisher"),
        *("--workers", "2", "--listen", "127.0.0.1:0", "--json"),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        yield json.loads(await process.stdout.readline())["listening"]
    finally:
        process.terminate()
        await process.wait()


async def at_once(url: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    """Send the same on connections of their own, all at the same time."""

    async def once() -> dict[str, Any]:
        async with httpx2.AsyncClient(base_url=url, timeout=PATIENCE) as http:
            answer = await http.post("/v1/publish", json=body)
            return {"status": answer.status_code, **answer.json()}

    return await asyncio.gather(*(once() for _ in range(TIMES)))


@pytest.mark.parametrize("engine", SQL)
async def test_an_upload_that_races_itself_counts_once(
    request: pytest.FixtureRequest, tmp_path: Path, engine: str
) -> None:
    """As new, and as a revision; every answer is the same but for token and padding."""
    url = request.getfixturevalue("postgres_url") if engine == "postgres" else None
    folder = make_folder(tmp_path / "authority", ("registrar", "publisher"))
    environment = {**os.environ, **({"BLUEZONE_DATABASE": url} if url else {})}
    async with serving(folder.path, environment) as address:
        answers = await at_once(address, document(folder, "likely"))
        assert {(a["status"], a["insertedExposures"]) for a in answers} == {(200, 3)}
        token = answers[0]["revisionToken"]
        answers = await at_once(address, document(folder, "confirmed", token))
        assert {(a["status"], a["insertedExposures"]) for a in answers} == {(200, 3)}
        answers = await at_once(address, document(folder, "likely"))
        assert {(a["status"], a["insertedExposures"]) for a in answers} == {(200, 3)}
    opened = Database(LAYOUT, folder.authority_db, parse_url(url) if url else None).open()
    counts = SqlExposures(opened).counts()
    assert (counts.exposures, counts.revised) == (3, 3)
    today = datetime.now(UTC).date()
    tally = SqlTally(opened, daily_counts).days(today - timedelta(days=1), today)
    counted = {count.event: count.count for count in tally}
    assert (counted["uploads"], counted["keys"], counted["keys_revised"]) == (2, 3, 3)
    opened.dispose()
