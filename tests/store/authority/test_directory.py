"""Where a publisher finds a registrar's keys: it follows them, and does not hammer."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bluezone_node.authority.certificate import write_jwks
from bluezone_node.clock import SimClock
from bluezone_node.errors import Unreachable
from bluezone_node.store.authority.directory import FileKeys, HttpKeys
from tests.authorities import NOW, key_made_of, served

PUBLIC = {name: key_made_of(name).public_key() for name in ("one", "two")}


class Registrar:
    """A registrar's /jwks that counts who asks, and may be out of order."""

    def __init__(self) -> None:
        self.names = ["one"]
        self.asked = 0
        self.broken = False
        self.clock = SimClock(NOW)
        self.keys: HttpKeys

    def jwks(self, _request: Request) -> Response:
        self.asked += 1
        if self.broken:
            return Response(status_code=503)
        return Response(write_jwks({name: PUBLIC[name] for name in self.names}))

    async def knows(self, key_id: str) -> bool:
        return await asyncio.to_thread(self.keys.key, key_id) is not None


@pytest.fixture
async def registrar() -> AsyncIterator[Registrar]:
    made = Registrar()
    async with served(Starlette(routes=[Route("/jwks", made.jwks)])) as url:
        made.keys = HttpKeys(f"{url}/jwks", made.clock)
        yield made


async def test_garbage_does_not_hammer_the_registrar(registrar: Registrar) -> None:
    """A hundred made-up key names in a minute are one question."""
    for n in range(100):
        assert not await registrar.knows(f"garbage-{n}")
    assert registrar.asked == 1
    assert await registrar.knows("one")
    registrar.clock.advance(60)
    assert not await registrar.knows("garbage")
    assert registrar.asked == 2


async def test_a_new_key_is_found_by_its_name(registrar: Registrar) -> None:
    """At once where nobody asked in the last minute, and within the minute anyway."""
    assert await registrar.knows("one")
    registrar.names.append("two")
    assert not await registrar.knows("two")
    registrar.clock.advance(60)
    assert await registrar.knows("two")


async def test_a_key_is_asked_for_again_when_it_is_old(registrar: Registrar) -> None:
    """Every five minutes: one that is gone is not believed for ever."""
    assert await registrar.knows("one")
    registrar.names = ["two"]
    registrar.clock.advance(299)
    assert await registrar.knows("one")
    registrar.clock.advance(1)
    assert not await registrar.knows("one")
    assert await registrar.knows("two")
    assert registrar.asked == 2


async def test_a_registrar_out_of_order_stops_nobody_for_a_day(registrar: Registrar) -> None:
    """Its keys are believed on; it is asked once a minute; after a day the report must wait."""
    assert await registrar.knows("one")
    registrar.broken = True
    registrar.clock.advance(400)
    assert await registrar.knows("one")
    assert await registrar.knows("one")
    assert registrar.asked == 2
    with pytest.raises(Unreachable):
        await registrar.knows("two")
    assert registrar.asked == 2
    registrar.clock.advance(86_400)
    for _ in range(3):
        with pytest.raises(Unreachable):
            await registrar.knows("one")
    assert registrar.asked == 3
    registrar.broken = False
    registrar.clock.advance(60)
    assert await registrar.knows("one")


async def test_many_reports_at_once_ask_once(registrar: Registrar) -> None:
    """And all of them are answered: none is refused because another is still asking."""
    found = await asyncio.gather(*(registrar.knows("one") for _ in range(20)))
    assert all(found)
    assert registrar.asked == 1


def test_a_file_of_keys_is_read_again_when_it_changes(tmp_path: Path) -> None:
    """A new key is known at once, one that is gone after a second; no set changes nothing."""
    path = tmp_path / "registrar.jwks.json"
    path.write_bytes(write_jwks({"one": PUBLIC["one"]}))
    clock = SimClock(NOW)
    keys = FileKeys(path, clock)
    path.write_bytes(b'{"keys": [')
    clock.advance(1)
    assert keys.key("one") is not None
    path.unlink()
    clock.advance(1)
    assert keys.key("one") is not None
    path.write_bytes(write_jwks({"one": PUBLIC["one"], "two": PUBLIC["two"]}))
    assert keys.key("two") is not None
    path.write_bytes(write_jwks({"two": PUBLIC["two"]}))
    clock.advance(1)
    assert keys.key("one") is None
    assert keys.key("two") is not None
