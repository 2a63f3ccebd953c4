"""Chaff: whoever watches the line must not be able to tell it from a real request."""

import random
import time
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import pytest

from bluezone_node.authority.distribution.exporter import ROOT
from bluezone_node.crypto.certificate import keys_hmac
from bluezone_node.web.app import build_app, publisher_routes
from bluezone_node.web.chaff import FIRST_SAMPLE, LONGEST_SECONDS, REMEMBERED, Chaff
from tests.authorities import Office, keys_of_days, seeded, served, uploaded
from tests.likeness import difference

EACH = 80
"""Requests of either kind. Two samples of this size from one distribution differ by more than
0.35 (Kolmogorov and Smirnov's statistic) once in 10 000 runs."""
DIFFERENT = 0.35
WARM_UP = 20
ROUNDS = 4
PATH = "/v1/publish"
CHAFF = {"X-Chaff": "1"}


@dataclass(frozen=True)
class Seen:
    """What an eavesdropper sees of an answer: its bytes on the wire, and how long it took."""

    length: int
    seconds: float


@pytest.fixture
def office() -> Office:
    return Office()


@pytest.fixture
async def http(office: Office, tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    (tmp_path / ROOT).mkdir()
    routes = publisher_routes(office.publisher, seeded(4), tmp_path / ROOT)
    async with (
        served(build_app(routes)) as url,
        httpx2.AsyncClient(base_url=url) as client,
    ):
        yield client


def publication(office: Office, number: int) -> dict[str, Any]:
    """Return the *number*th honest request, padded as a node's."""
    office.pass_time(seconds=1)  # a province issues two codes a second at most
    keys, secret = keys_of_days(1, 2, 3, seed=number), b"s" * 16
    return {
        "temporaryExposureKeys": [
            {
                "key": sent.text,
                "rollingStartNumber": sent.rolling_start,
                "rollingPeriod": sent.rolling_period,
            }
            for sent in map(uploaded, keys)
        ],
        "healthAuthorityID": "vn.moh",
        "verificationPayload": office.certify(keys_hmac(keys, secret)),
        "hmacKey": b64encode(secret).decode(),
        "padding": "A" * 4000,
    }


async def look(http: httpx2.AsyncClient, document: object, headers: dict[str, str]) -> Seen:
    began = time.perf_counter()
    answer = await http.post(PATH, json=document, headers=headers)
    seconds = time.perf_counter() - began
    assert answer.status_code == 200
    head = sum(len(name) + len(value) + 4 for name, value in answer.headers.raw)
    return Seen(head + len(answer.content), seconds)


async def test_chaff_cannot_be_told_from_a_real_request(
    office: Office, http: httpx2.AsyncClient
) -> None:
    """By length or by time, over the real publisher; what answers at once can, by this test."""
    numbers = count()
    for _ in range(WARM_UP):
        await look(http, publication(office, next(numbers)), {})
    turns = [True, False] * EACH
    found = []
    while True:
        real, chaff, instant = [], [], []
        random.Random(1).shuffle(turns)
        for honest in turns:
            document = publication(office, next(numbers))
            seen = await look(http, document, {} if honest else CHAFF)
            (real if honest else chaff).append(seen)
        for _ in range(EACH):
            began = time.perf_counter()
            await http.get("/problems/not_found")
            instant.append(time.perf_counter() - began)
        assert difference([s.length for s in real], [s.length for s in chaff]) < DIFFERENT
        times = [seen.seconds for seen in real]
        like_chaff = difference(times, [seen.seconds for seen in chaff])
        like_instant = difference(times, instant)
        # A machine whose load changes meanwhile can make two samples of one kind differ.
        if like_chaff < DIFFERENT < like_instant:
            break
        found.append((like_chaff, like_instant))
        assert len(found) < ROUNDS, found


async def test_chaff_is_read_and_has_no_effect(office: Office, http: httpx2.AsyncClient) -> None:
    """Whatever it is made of; with the headers of a real answer, and nothing but padding."""
    real = await http.post(PATH, json=publication(office, 1))
    stored = office.exposures.counts()
    for content in (b"", b"\x00not json", b"{}", b" " * 64_000):
        answer = await http.post(PATH, content=content, headers=CHAFF)
        assert answer.status_code == 200
        assert set(answer.json()) == {"padding"}
        assert list(answer.headers) == list(real.headers)
    assert office.exposures.counts() == stored
    assert (await http.post(PATH, content=b" " * 64_001, headers=CHAFF)).status_code == 413


async def test_rubbish_does_not_teach_chaff(office: Office, http: httpx2.AsyncClient) -> None:
    """Refusals are short and quick; answers to chaff stay those of successes."""
    document = publication(office, 1)
    own = [len((await http.post(PATH, json=document)).content) for _ in range(5)]
    for _ in range(2 * REMEMBERED):
        assert (await http.post(PATH, content=b"[]")).status_code == 415
    lengths = [len((await http.post(PATH, headers=CHAFF)).content) for _ in range(20)]
    spread = 1024 * 4 // 3 + 4
    assert all(max(own) - spread <= length <= min(own) + spread for length in lengths)


async def test_the_slow_are_not_waited_for_as_long() -> None:
    """A real answer that took long makes chaff wait a second at most, and is soon forgotten."""
    chaff = Chaff(seeded(1))
    chaff.note(10, 60.0)
    assert list(chaff._samples) == [(10, LONGEST_SECONDS)]
    for _ in range(REMEMBERED):
        chaff.note(10, 0.0)
    began = time.perf_counter()
    await chaff.answer(began)
    assert time.perf_counter() - began < LONGEST_SECONDS


async def test_the_first_chaff_is_as_long_as_an_answer() -> None:
    """Before any real request has come, there is a guess."""
    answer = await Chaff(seeded(1)).answer(time.perf_counter() - 1)
    assert FIRST_SAMPLE[0] + 1366 <= len(answer) <= FIRST_SAMPLE[0] + 2732
