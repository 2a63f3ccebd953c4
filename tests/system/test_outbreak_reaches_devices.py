"""From an officer's order to the alert on a visitor's own device, over real HTTP and by a stick."""

import random
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bluezone_node.client import HttpExports
from bluezone_node.clock import SimClock
from bluezone_node.config import PlacesSettings
from bluezone_node.crypto.cose import public_bytes
from bluezone_node.errors import BadInput
from bluezone_node.files import FolderExports
from bluezone_node.node.checkin import CheckIn
from bluezone_node.node.notices import SOURCE, Notices
from bluezone_node.node.sync import Sync
from bluezone_node.node.warning import judge_visits
from bluezone_node.ports import KeySource
from bluezone_node.store.authority import registry_tables
from bluezone_node.store.authority.database import Database
from bluezone_node.venues.card import SignedCard
from bluezone_node.venues.text import to_url
from bluezone_node.wiring.sync import check_places
from tests.authorities import served
from tests.outbreaks import HOUR, LAN, NOW, Outbreaks, order
from tests.sources import Told, at_once
from tests.stores import MemoryNodeStore, OnMemory
from tests.venues.places import ROOT

HOST = "q.example.vn"
PINNED = public_bytes(ROOT)


@pytest.fixture
def outbreaks(tmp_path: Path) -> Iterator[Outbreaks]:
    engine = Database(registry_tables.LAYOUT, tmp_path / "registry.db").open()
    yield Outbreaks(engine, tmp_path / "places")
    engine.dispose()


@pytest.fixture
async def url(outbreaks: Outbreaks) -> AsyncIterator[str]:
    """The address of what lies on the shelf, as the authority serves it."""

    async def answer(request: Request) -> Response:
        content = outbreaks.files().get(request.path_params["name"])
        return Response(status_code=404) if content is None else Response(content)

    async with served(Starlette(routes=[Route("/exports/places/{name}", answer)])) as address:
        yield f"{address}/exports/places"


class Device:
    """Somebody with a device that checks in by posters."""

    def __init__(self) -> None:
        self.clock = SimClock(NOW)
        self.store = MemoryNodeStore()
        self.told = Told()
        self.on_store = OnMemory(self.store)
        self.checkin = CheckIn(self.clock, self.on_store, root=PINNED, hosts=[HOST], private=False)

    async def sync(self, exports: KeySource, *, keeps_index: bool = True) -> str:
        """Sync once; return what is wrong."""
        service = Sync(
            [Notices(exports, PINNED, self.on_store, at_once, keeps_index)],
            clock=self.clock,
            on_store=self.on_store,
            entropy=random.Random(1).randbytes,
            judges=[judge_visits(PINNED, self.on_store, at_once)],
            notifier=self.told,
            every=60,
        )
        await service.once()
        return self.store.source_state(SOURCE).problem

    async def was_at(self, card: SignedCard, hours_ago: float, minutes: int = 30) -> None:
        came = NOW - hours_ago * HOUR
        until = came + timedelta(minutes=minutes)
        await self.checkin.scan(to_url(card.cose, HOST), at=came, until=until)


async def test_an_outbreak_reaches_whoever_was_there(outbreaks: Outbreaks, url: str) -> None:
    """Ordered, bundled, fetched, opened, told; corrected, withdrawn, and a card that is revoked."""
    market, other = outbreaks.place(), outbreaks.place("Chợ Tân Định")
    (card,), (elsewhere,) = outbreaks.cards(market), outbreaks.cards(other)
    outbreaks.bundles.run()
    there, next_door = Device(), Device()
    async with HttpExports(SOURCE, url) as exports:
        for device, where in ((there, card), (next_door, elsewhere)):
            assert await device.sync(exports) == ""
            await device.was_at(where, 2.5)
        number = outbreaks.notices.issue(order(market), LAN).notice.number
        outbreaks.bundles.run()
        for device in (there, next_door):
            assert await device.sync(exports) == ""
        assert next_door.told.alerts == []
        (alert,) = there.told.alerts
        assert alert.presence is not None
        assert alert.presence.place == "Chợ Bến Thành"
        # What lies there in this test is signed by nobody.
        assert there.store.place_file("days.cose") is None
        outbreaks.notices.retract(number, LAN)
        outbreaks.bundles.run()
        assert await there.sync(exports) == ""
    assert there.store.alerts() == []


async def test_what_the_network_brought_goes_on_by_a_stick(outbreaks: Outbreaks, url: str) -> None:
    """One chain and one ledger, whichever way a bundle comes; an old stick takes nothing back."""
    market = outbreaks.place()
    (card,) = outbreaks.cards(market)
    outbreaks.bundles.run()
    device = Device()
    async with HttpExports(SOURCE, url) as exports:
        await device.sync(exports)
        await device.was_at(card, 2.5)
        old = outbreaks.files()
        outbreaks.notices.issue(order(market), LAN)
        outbreaks.bundles.run()
        stick = FolderExports(SOURCE, outbreaks.folder)
        assert await device.sync(stick, keeps_index=False) == ""
        assert len(device.told.alerts) == 1
        assert len(device.store.export_records(SOURCE)) == 2
        assert await device.sync(exports) == ""
    for name in set(outbreaks.files()) - set(old):
        (outbreaks.folder / name).unlink()
    for name, content in old.items():
        (outbreaks.folder / name).write_bytes(content)
    assert await device.sync(stick, keeps_index=False) == ""
    assert len(device.store.alerts()) == 1


async def test_a_place_that_is_closed_takes_nobody_in(outbreaks: Outbreaks, url: str) -> None:
    """Its cards stand in the next bundle among those withdrawn; devices refuse the poster."""
    market = outbreaks.place()
    (card,) = outbreaks.cards(market)
    outbreaks.close(market)
    outbreaks.bundles.run()
    device = Device()
    async with HttpExports(SOURCE, url) as exports:
        await device.sync(exports)
    with pytest.raises(BadInput) as refused:
        await device.checkin.scan(to_url(card.cose, HOST))
    assert refused.value.reason == "card_revoked"


async def test_the_doctor_looks_at_what_is_on_offer(outbreaks: Outbreaks, url: str) -> None:
    """How many bundles, and whether the list of keys is the pinned root's."""
    outbreaks.bundles.run()
    pinned, wrong = (b64encode(key).decode() for key in (PINNED, bytes(32)))
    assert await check_places(PlacesSettings(pinned, url)) == 1
    with pytest.raises(BadInput) as refused:
        await check_places(PlacesSettings(wrong, url))
    assert refused.value.reason == "trust_forged"
