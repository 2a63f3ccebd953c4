"""The in-memory air that other tests stand on: what it adds to the contract of a radio."""

from datetime import UTC, datetime

import pytest

from bluezone_node.clock import SimClock
from bluezone_node.errors import RadioUnavailable
from bluezone_node.proximity.model import Beacon
from tests.radios import LoopbackAir

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
BEACON = Beacon(bytes(16), bytes(4))


async def test_strength_falls_with_distance_until_nothing_is_heard() -> None:
    """Moving away weakens; a kilometre away nobody is heard."""
    clock = SimClock(START)
    air = LoopbackAir(clock)
    an, binh = air.radio("an"), air.radio("binh", x=1)
    await an.advertise(BEACON)
    heard = aiter(binh.hear())
    near = await anext(heard)
    binh.move(8)
    far = await anext(heard)
    assert near.rssi == -50
    assert far.rssi == -66
    count = binh.condition().heard
    binh.move(1000)
    await clock.sleep(60)
    assert binh.condition().heard == count
    await an.close()
    await binh.close()


async def test_a_beacon_is_heard_once_every_beat() -> None:
    """Each radio hears each other one once every *every* seconds."""
    clock = SimClock(START)
    air = LoopbackAir(clock, every=10)
    an, binh = air.radio("an"), air.radio("binh")
    await an.advertise(BEACON)
    air.start()
    await clock.sleep(605)
    assert binh.condition().heard == 60
    assert an.condition().heard == 0
    await an.close()
    await binh.close()


async def test_what_a_stranger_sends_is_counted() -> None:
    """Packets put in by hand go through the same decoder."""
    radio = LoopbackAir(SimClock(START)).radio("an")
    radio.overhear(b"\x02\x01\x1a", -60)
    radio.overhear(b"\x09", -60)
    assert radio.condition().foreign == 1
    assert radio.condition().refused == {"truncated": 1}
    await radio.close()


async def test_one_name_is_one_radio() -> None:
    """A name is free again once its radio is closed."""
    air = LoopbackAir(SimClock(START))
    an = air.radio("an")
    with pytest.raises(ValueError, match="open"):
        air.radio("an")
    await an.close()
    again = air.radio("an")
    again.fail()
    with pytest.raises(RadioUnavailable):
        await again.advertise(BEACON)
