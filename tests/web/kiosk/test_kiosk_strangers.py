"""Requests that no page of the kiosk makes: answered with a word, and nobody is counted by them."""

import logging
import random
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from starlette.routing import Route

from bluezone_node.clock import SimClock
from bluezone_node.store.node import SqliteNodeStore, open_node_store
from tests.kiosks import ID_CARD, INSURANCE, MORNING, PERSONAL, PHONE, Kiosk, pass_of

pytestmark = pytest.mark.slow

ANSWERS = {200, 303, 400, 401, 403, 404, 405, 413, 415, 422}
"""A fault of the program would be 500."""
FORM = "application/x-www-form-urlencoded"
TYPES = (FORM, "multipart/form-data; boundary=x", "multipart/form-data", "application/json", "x")
FIELDS = ("text", "party", "number", "name", "entry", "pin", "CANARY")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteNodeStore]:
    with open_node_store(tmp_path / "state" / "node.db") as opened:
        yield opened


def bodies(chance: random.Random) -> Iterator[bytes]:
    """Yield what a stranger may send, without end."""
    genuine = (
        ID_CARD,
        INSURANCE,
        PERSONAL,
        PHONE,
        pass_of(),
        "VNP1:" + "A" * 90,
        "=1+1",
        "\0\x1b[2J",
    )
    while True:
        yield chance.randbytes(chance.choice((0, 1, 40, 900)))
        text = bytearray(chance.choice(genuine).encode())
        text[chance.randrange(len(text))] ^= 1 << chance.randrange(8)
        values = [bytes(text), b"-1", b"9" * 400, "١".encode(), b"%00", b"x" * 5000]
        fields = [
            (chance.choice(FIELDS), chance.choice(values)) for _ in range(chance.randrange(5))
        ]
        yield urlencode(fields).encode()
        part = b'--x\r\nContent-Disposition: form-data; name="text"; filename="=1+1"\r\n\r\n'
        yield part + bytes(text) + chance.choice((b"\r\n--x--\r\n", b""))


async def test_whatever_is_asked_is_answered_in_words(
    store: SqliteNodeStore, caplog: pytest.LogCaptureFixture
) -> None:
    """Every address with every method; what is entered is what was answered green, and no more."""
    caplog.set_level(logging.DEBUG)
    kiosk, chance = Kiosk(store, SimClock(MORNING)), random.Random(6)
    made, entered = bodies(chance), 0
    paths = [
        route.path.replace("{entry:int}", chance.choice(("0", "1", "9" * 30))).replace(
            "{name}", "x"
        )
        for route in kiosk.app.routes
        if isinstance(route, Route)
    ]
    assert "/scan" in paths
    async with kiosk.browser() as browser:
        for number in range(25 * len(paths)):
            path = paths[number % len(paths)]
            method = chance.choice(("POST", "POST", "POST", "GET", "PUT", "HEAD"))
            answer = await browser.request(
                method,
                path,
                content=next(made),
                headers={
                    "content-type": chance.choice((FORM, FORM, *TYPES)),
                    "accept": chance.choice(("application/json", "*/*")),
                },
                params=chance.choice(
                    ({}, {"party": "9" * 99}, {"day": "0000-99-99"}, {"x": "CANARY"})
                ),
            )
            assert answer.status_code in ANSWERS, (method, path)
            kiosk.clock.advance(31)
            if answer.headers.get("content-type") == "application/json":
                shown = answer.json() if answer.content else {}  # HEAD
                entered += shown.get("sign") == "in" and shown.get("colour") != "red"
            else:
                entered += 'class="result green"' in answer.text
    kept = kiosk.desk.history(MORNING, kiosk.clock.now())
    assert 0 < len(kept) <= entered
    logged = "\n".join(
        record.getMessage() for record in caplog.records if not record.name.startswith("httpx2")
    )
    assert "failed" not in logged
    for secret in ("CANARY", "001190012345", "912345678", "HS4010120878811"):
        assert secret not in logged
