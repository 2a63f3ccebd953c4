"""Chaff beside real requests on the real service, as two processes that share nothing."""

import random
import time
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest

from bluezone_node.store.authority.folder import make_folder
from tests.authority_process import running
from tests.likeness import difference
from tests.patience import PATIENCE

pytestmark = pytest.mark.slow

EACH = 80
DIFFERENT = 0.35
"""As in ``tests/web/test_chaff.py``."""
WARM_UP = 40
LINES = 8
ROUNDS = 5
PATH = "/api/checkcodestatus"


async def test_chaff_cannot_be_told_from_what_either_worker_answers(tmp_path: Path) -> None:
    """By length or by time, over connections that either worker may have taken."""
    folder = make_folder(tmp_path / "authority", ("registrar", "publisher"))
    (key,) = folder.api_keys()
    document = {"uuid": str(uuid4()), "padding": "A" * 4000}
    draw = random.Random(1)
    async with running(folder, "--workers", "2") as server, AsyncExitStack() as stack:
        # The kernel gives each connection to one of the workers.
        lines = [
            await stack.enter_async_context(
                httpx2.AsyncClient(
                    base_url=server.url, timeout=PATIENCE, headers={"x-api-key": key}
                )
            )
            for _ in range(LINES)
        ]

        async def ask(headers: dict[str, str]) -> tuple[int, float]:
            http = draw.choice(lines)
            began = time.perf_counter()
            answer = await http.post(PATH, json=document, headers=headers)
            seconds = time.perf_counter() - began
            assert answer.status_code == 200
            return len(answer.content), seconds

        order = {"testType": "likely", "uuid": document["uuid"]}
        assert (await lines[0].post("/api/issue", json=order)).status_code == 200
        for _ in range(WARM_UP):
            await ask({})
        turns = [True, False] * EACH
        found = []
        while True:
            real, chaff = [], []
            draw.shuffle(turns)
            for honest in turns:
                (real if honest else chaff).append(await ask({} if honest else {"x-chaff": "1"}))
            lengths, times = (
                difference([seen[i] for seen in real], [seen[i] for seen in chaff]) for i in (0, 1)
            )
            if lengths < DIFFERENT and times < DIFFERENT:
                break
            found.append((lengths, times))
            assert len(found) < ROUNDS, found
        server.stop()
        await server.stopped()
