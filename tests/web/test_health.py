"""``/healthz`` and ``/readyz``: alive, and in order, without a word that is nobody's business."""

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx2
import pytest

from bluezone_node.web import watch
from bluezone_node.web.app import build_app, watch_routes
from bluezone_node.web.metrics import Meters
from bluezone_node.web.watch import Finding, Look, Watch
from tests.authorities import served
from tests.patience import PATIENCE


@asynccontextmanager
async def watched(looks: Mapping[str, Look]) -> AsyncIterator[httpx2.AsyncClient]:
    routes = watch_routes(Watch(looks), Meters(), [])
    async with (
        served(build_app(routes)) as url,
        httpx2.AsyncClient(base_url=url) as client,
    ):
        yield client


def _broken() -> Finding:
    raise RuntimeError("password=12345678")


async def test_all_in_order() -> None:
    """Ready says which parts were looked at; neither answer is kept by a cache."""
    async with watched({"database": Finding, "keys": Finding}) as http:
        ready, alive = await http.get("/readyz"), await http.get("/healthz")
    assert (ready.status_code, ready.json()) == (200, {"parts": ["database", "keys"]})
    assert (alive.status_code, alive.text) == (200, "ok\n")
    assert ready.headers["cache-control"] == alive.headers["cache-control"] == "no-store"


async def test_what_is_out_of_order_is_named() -> None:
    """Part and kind, as a problem; not the words of an error. The process is alive all the same."""
    looks = {"database": _broken, "keys": Finding, "export": lambda: Finding(wrong=["late"])}
    async with watched(looks) as http:
        ready, alive = await http.get("/readyz"), await http.get("/healthz")
    assert (ready.status_code, alive.status_code) == (503, 200)
    assert ready.json()["parts"] == ["database", "export"]
    assert ready.json()["detail"] == "Out of order: database: RuntimeError; export: late."
    assert "12345678" not in ready.text


async def test_a_part_that_hangs_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many ask; the others are told of, and it is asked again when it answered."""
    monkeypatch.setattr(watch, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(watch, "FRESH_SECONDS", 0.0)
    asked, go_on = [], threading.Event()

    def hanging() -> Finding:
        asked.append(1)
        go_on.wait(PATIENCE)
        return Finding()

    watching = Watch({"database": hanging, "keys": Finding})
    many = await asyncio.gather(*(watching.findings() for _ in range(20)))
    assert all(found["database"].wrong == ["no_answer"] for found in many)
    assert len(asked) == 1
    async with asyncio.timeout(PATIENCE):
        while (await watching.findings())["keys"].wrong:
            pass
    assert len(asked) == 1
    go_on.set()
    monkeypatch.setattr(watch, "PATIENCE_SECONDS", PATIENCE)
    assert not (await watching.findings())["database"].wrong


async def test_an_answer_serves_for_a_moment() -> None:
    """Whoever asks a thousand times costs the database one question."""
    asked = []

    def look() -> Finding:
        asked.append(1)
        return Finding()

    watching = Watch({"database": look})
    for _ in range(5):
        await watching.findings()
    assert len(asked) == 1
