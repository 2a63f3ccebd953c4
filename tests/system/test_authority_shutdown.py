"""The authority told to stop: what was begun is finished, and nothing new is taken."""

import asyncio
import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from bluezone_node.authority.ports.exposures import Changes, Exposure
from bluezone_node.crypto.signing import load_public_key
from bluezone_node.export.container import SignatureState, open_verified
from bluezone_node.store.authority.database import open_sqlite
from bluezone_node.store.authority.exposure_tables import LAYOUT
from bluezone_node.store.authority.exposures import SqlExposures
from bluezone_node.store.authority.folder import AuthorityFolder, make_folder
from tests.authority_process import running
from tests.patience import PATIENCE

pytestmark = pytest.mark.slow

KEYS = 60_000
PATIENT = f"from bluezone_node.web import server; server.GRACE_SECONDS = {PATIENCE:.0f}"
"""Before the two seconds of grace are over, a slow machine may not have let us look."""


@pytest.fixture
def folder(tmp_path: Path) -> AuthorityFolder:
    return make_folder(tmp_path / "authority", ("registrar", "publisher"))


async def test_a_request_under_way_is_answered(folder: AuthorityFolder) -> None:
    """While another writer keeps it waiting; new connections are refused meanwhile."""
    (api_key,) = folder.api_keys()
    body = b'{"testType":"likely"}'
    async with running(folder, first=PATIENT) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        with closing(sqlite3.connect(folder.registry_db, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            writer.write(
                b"POST /api/issue HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
                b"X-API-Key: %s\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n"
                % (api_key.encode(), len(body))
            )
            # The server asks for the body: so it is at it.
            assert b" 100 " in await reader.readuntil(b"\r\n\r\n")
            writer.write(body)
            server.stop()
            await server.refusing()
            other.execute("ROLLBACK")
        head, _, answer = (await reader.read()).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        assert len(json.loads(answer)["code"]) == 8
        await server.stopped()
        writer.close()


async def test_a_request_that_does_not_come_is_not_waited_for(folder: AuthorityFolder) -> None:
    """Half a header, and half a body, are cut when the grace is over; no traceback is left."""
    async with running(folder) as server:
        lines = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(3)]
        lines[0][1].write(b"POST /v1/pub")
        for _, writer in lines[1:]:
            writer.write(
                b"POST /v1/publish HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
                b"Content-Length: 100\r\n\r\n{"
            )
        lines[2][1].write(b'"padding":"')
        async with httpx2.AsyncClient(base_url=server.url) as http:
            assert (await http.get("/healthz")).status_code == 200
        server.stop()
        told = [await reader.read() for reader, _ in lines]
        await server.stopped()
        assert told[0] == b""
        for answer in told[1:]:
            assert answer.startswith(b"HTTP/1.1 503")
            assert b'"reason":"unavailable"' in answer
        for _, writer in lines:
            writer.close()


async def test_an_export_under_way_is_not_cut_in_half(folder: AuthorityFolder) -> None:
    """Every file that lies there is whole and signed; what is missing comes with the next start."""
    fill(folder)
    async with running(folder) as server:
        # It begins with the export: some of it is written, or being written.
        async with asyncio.timeout(PATIENCE):
            while not any(folder.exports.iterdir()):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.005)
        server.stop()
        await server.stopped()
    assert not [path for path in folder.exports.iterdir() if path.name.startswith(".")]
    check(folder)
    async with running(folder) as server, httpx2.AsyncClient(base_url=server.url) as http:
        async with asyncio.timeout(PATIENCE):
            while (await http.get("/readyz")).status_code != 200:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        server.stop()
        await server.stopped()
    assert check(folder) == KEYS


def fill(folder: AuthorityFolder) -> None:
    """Put keys into a window that is due."""
    created = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=9)
    start = int(created.timestamp()) // 600 - 288
    engine = open_sqlite(folder.authority_db, LAYOUT)
    store = SqlExposures(engine)
    for first in range(0, KEYS, 10_000):
        added = [
            Exposure(
                key=number.to_bytes(16),
                rolling_start=start,
                rolling_period=144,
                transmission_risk=2,
                report_type="confirmed",
                days_since_onset=1,
                created=created,
                owner=bytes(32),
            )
            for number in range(first, first + 10_000)
        ]
        store.publish([], lambda _stored, _end, added=added: Changes(added=added))
    engine.dispose()


def check(folder: AuthorityFolder) -> int:
    """Return how many keys the files hold, all of which are whole and in the index."""
    index = folder.exports / "index.txt"
    if not index.exists():
        return 0
    key = load_public_key(folder.export_public_key.read_bytes())
    keys = 0
    for line in index.read_text().split():
        data = (folder.exports / Path(line).name).read_bytes()
        export = open_verified(data, [key])
        assert export.signature is SignatureState.VERIFIED
        keys += export.key_count
    return keys
