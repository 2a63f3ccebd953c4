"""Metrics: what is counted of requests, by routes and reasons, and who may read it."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bluezone_node.errors import AuthorityRefused
from bluezone_node.web.app import build_app, watch_routes
from bluezone_node.web.exchange import Exchange, RequestModel
from bluezone_node.web.metrics import FOLDER_VARIABLE, Meters, counted_together
from bluezone_node.web.observe import Seen
from bluezone_node.web.watch import Finding, Gauge, Watch
from tests.authorities import seeded, served

SECRET = "12345678"
HERE = ("127.0.0.1", "::1")


class Ask(RequestModel, frozen=True):
    """A request that may ask to be refused."""

    refuse: bool = False


def _answer(asked: Ask) -> dict[str, str]:
    if asked.refuse:
        raise AuthorityRefused("No.", reason="code_used")
    return {}


def _broken(_request: Request) -> Response:
    raise RuntimeError(SECRET)


def _look() -> Finding:
    return Finding([Gauge("files", "How many files.", 3.0, {"realm": 'H"N'})], ["late"])


@asynccontextmanager
async def watched(
    allowed: Sequence[str] = HERE, trusted: Sequence[str] = ()
) -> AsyncIterator[httpx2.AsyncClient]:
    meters = Meters()
    routes = [
        Exchange(seeded(1), error_name="code").post("/ask", Ask, _answer),
        Route("/broken/{code}", _broken),
        *watch_routes(Watch({"export": _look}), meters, allowed),
    ]
    async with (
        served(build_app(routes, meters.tell), trusted) as url,
        httpx2.AsyncClient(base_url=url) as client,
    ):
        yield client


def samples(text: str) -> dict[str, float]:
    """Return the value of each line, but for times and buckets."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    parts = [line.rpartition(" ") for line in lines]
    return {
        name: float(value)
        for name, _, value in parts
        if not any(word in name for word in ("_created", "_bucket", "_sum"))
    }


async def test_requests_are_counted_by_route_status_and_reason() -> None:
    """Successes, refusals, chaff, mistakes and strangers; no address that was asked for."""
    async with watched() as http:
        await http.post("/ask", json={})
        await http.post("/ask", json={"refuse": True})
        await http.post("/ask", json={"unknown": SECRET})
        await http.post("/ask", json={}, headers={"X-Chaff": "1"})
        await http.get(f"/broken/{SECRET}")
        await http.get(f"/{SECRET}")
        await http.delete("/ask")
        text = (await http.get("/metrics")).text
    assert SECRET not in text
    assert samples(text) == {
        'bluezone_http_requests_total{route="/ask",status="200"}': 2,
        'bluezone_http_requests_total{route="/ask",status="400"}': 2,
        'bluezone_http_requests_total{route="/ask",status="405"}': 1,
        'bluezone_http_requests_total{route="/broken/{code}",status="500"}': 1,
        'bluezone_http_requests_total{route="none",status="404"}': 1,
        'bluezone_http_outcomes_total{outcome="ok",route="/ask"}': 1,
        'bluezone_http_outcomes_total{outcome="code_used",route="/ask"}': 1,
        'bluezone_http_outcomes_total{outcome="unparsable",route="/ask"}': 1,
        'bluezone_http_outcomes_total{outcome="chaff",route="/ask"}': 1,
        'bluezone_http_request_seconds_count{route="/ask"}': 5,
        'bluezone_http_request_seconds_count{route="/broken/{code}"}': 1,
        'bluezone_http_request_seconds_count{route="none"}': 1,
        'bluezone_up{part="export"}': 0,
        'bluezone_files{realm="H\\"N"}': 3,
    }


@pytest.mark.parametrize(
    ("allowed", "trusted", "headers", "status"),
    [
        (HERE, (), {}, 200),
        (["127.0.0.0/8"], (), {}, 200),
        ([], (), {}, 403),
        (["192.0.2.0/24"], (), {}, 403),
        (HERE, (), {"X-Forwarded-For": "192.0.2.1"}, 403),
        (HERE, (), {"X-Forwarded-For": "127.0.0.1"}, 403),
        (HERE, (), {"Via": "1.1 proxy"}, 403),
        (HERE, ["127.0.0.1"], {"X-Forwarded-For": "192.0.2.1"}, 403),
        (["192.0.2.0/24"], ["127.0.0.1"], {"X-Forwarded-For": "192.0.2.1"}, 200),
        (["192.0.2.0/24"], (), {"X-Forwarded-For": "192.0.2.1"}, 403),
    ],
)
async def test_metrics_are_for_those_named(
    allowed: list[str], trusted: list[str], headers: dict[str, str], status: int
) -> None:
    """A proxy that is not named opens them to nobody, whatever it or its guest writes."""
    async with watched(allowed, trusted) as http:
        assert (await http.get("/metrics", headers=headers)).status_code == status


@pytest.mark.skipif(not Path("/proc/net/if_inet6").exists(), reason="IPv6 is off")
async def test_a_socket_of_both_kinds_knows_this_machine() -> None:
    """Who comes over IPv4 is judged, and a proxy trusted, by the address that settings name."""
    meters = Meters()
    routes = watch_routes(Watch({}), meters, HERE)
    async with (
        served(build_app(routes), ["127.0.0.1"], "[::]:0") as url,
        httpx2.AsyncClient(base_url=url.replace("[::]", "127.0.0.1")) as http,
    ):
        assert (await http.get("/metrics")).status_code == 200
        far = {"X-Forwarded-For": "192.0.2.1"}
        assert (await http.get("/metrics", headers=far)).status_code == 403


PROGRAM = """
from bluezone_node.web.metrics import Meters
from bluezone_node.web.observe import Seen
meters = Meters()
meters.tell(Seen('/ask', 200, 'ok', 0.003))
print(meters.exposition({}).decode() + 'told', flush=True)
input()
"""


@contextmanager
def counting(environ: dict[str, str]) -> Iterator[str]:
    """Run a process that counts one request; yield what it tells, while it lives."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield "".join(iter(process.stdout.readline, "told\n"))
        # As one that the kernel kills: nothing is tidied up.
        process.kill()


def test_workers_count_together(tmp_path: Path) -> None:
    """Each tells the sum of all, also of those that were killed, in whose files it goes on."""
    with counted_together({**os.environ, "RUNTIME_DIRECTORY": str(tmp_path)}) as environ:
        folder = Path(environ[FOLDER_VARIABLE])
        assert folder.parent == tmp_path
        with counting(environ) as first, counting(environ) as second:
            told = [first, second]
        for _ in range(2):
            with counting(environ) as another:
                told.append(another)
        assert len(list(folder.glob("*.db"))) == 2 * len(list(folder.glob("counter_*.db"))) == 4
    for name in ('http_outcomes_total{outcome="ok",', "http_request_seconds_count{"):
        sample = f'bluezone_{name}route="/ask"}}'
        assert [samples(text)[sample] for text in told] == [1, 2, 3, 4]
    assert not list(tmp_path.iterdir())


def test_what_was_not_answered_is_counted_too() -> None:
    """A caller who went away leaves status 0."""
    meters = Meters()
    meters.tell(Seen("none", 0, "", 0.1))
    assert 'status="0"} 1.0' in meters.exposition({}).decode()
