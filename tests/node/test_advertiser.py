"""What a node puts on the air, and for how long."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from bluezone_node.ble.frame import Frame, decode
from bluezone_node.clock import SimClock
from bluezone_node.crypto.identifiers import all_identifiers
from bluezone_node.crypto.metadata import Metadata
from bluezone_node.intervals import interval_at
from bluezone_node.node.advertiser import Advertiser
from bluezone_node.node.keyring import retire_key
from tests.radios import LoopbackAir, OnAir
from tests.stores import MemoryNodeStore, OnMemory

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


class Stage:
    """An advertiser on a loopback air."""

    def __init__(self) -> None:
        self.clock = SimClock(START)
        self.air = LoopbackAir(self.clock)
        self.store = MemoryNodeStore()
        self.advertiser = Advertiser(
            self.air.radio("an"),
            self.clock,
            OnMemory(self.store),
            random.Random(7).randbytes,
            Metadata(12),
        )

    async def run(self, hours: float) -> list[OnAir]:
        task = asyncio.create_task(self.advertiser.run())
        await self.clock.sleep(hours * 3600)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return self.air.history


async def test_an_identifier_stays_ten_to_twenty_minutes_or_to_midnight() -> None:
    """Rotation is random within the specification's bounds, and never later than the key's end."""
    history = await Stage().run(48)
    midnights = {START.replace(hour=0) + timedelta(days=day) for day in range(4)}
    stays = [
        (after.at - before.at).total_seconds()
        for before, after in pairwise(history)
        if after.at not in midnights
    ]

    assert len(stays) > 100
    assert all(600 <= stay <= 1200 for stay in stays)
    assert max(stays) - min(stays) > 300
    assert midnights & {change.at for change in history}


async def test_what_is_on_the_air_is_the_identifier_of_that_interval_and_key() -> None:
    """A receiver that later learns the keys recognises every frame."""
    stage = Stage()
    history = await stage.run(30)
    known = {
        identifier: key.rolling_start + position
        for key in stage.store.own_keys()
        for position, identifier in enumerate(all_identifiers(key))
    }

    for change in history:
        ((_, payload),) = change.sent
        frame = decode(payload)
        assert isinstance(frame, Frame)
        assert known[frame.identifier] == interval_at(change.at)


async def test_address_and_identifier_change_together_or_not_at_all() -> None:
    """No address carries two identifiers and no identifier two addresses, over two days."""
    pairs = {pair for change in await Stage().run(48) for pair in change.sent}

    assert len({address for address, _ in pairs}) == len(pairs)
    assert len({payload for _, payload in pairs}) == len(pairs)


async def test_a_renewal_within_an_interval_keeps_what_is_on_the_air() -> None:
    """The same identifier is not sent again under another address: that would link the two."""
    stage = Stage()
    task = asyncio.create_task(stage.advertiser.run())
    await stage.clock.sleep(1)
    stage.advertiser.renew()
    await stage.clock.sleep(1)
    task.cancel()

    assert len(stage.air.history) == 1


async def test_a_retired_key_leaves_the_air_when_asked() -> None:
    """After a report the identifier changes at once, to one of the new key."""
    stage = Stage()
    task = asyncio.create_task(stage.advertiser.run())
    await stage.clock.sleep(1)
    retire_key(stage.store, interval_at(stage.clock.now()), random.Random(9).randbytes)
    stage.advertiser.renew()
    await stage.clock.sleep(1)
    task.cancel()
    ((before, old),), ((after, new),) = (change.sent for change in stage.air.history)

    assert old != new
    assert before != after
