"""What every radio promises, whichever way it is made."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bluezone_node.ble import air
from bluezone_node.ble.ether import Transmission
from bluezone_node.ble.frame import encode
from bluezone_node.ble.radio import open_radio
from bluezone_node.ble.scenario import parse_scenario
from bluezone_node.ble.timeline import PacedClock, Segment, Timeline
from bluezone_node.ble.virtual import open_air
from bluezone_node.clock import SimClock
from bluezone_node.errors import RadioUnavailable
from bluezone_node.ports import Clock, HeardFrame, Radio
from bluezone_node.proximity.model import Beacon, Sighting
from bluezone_node.venues.sighting import VenueSighting
from bluezone_node.venues.tags import AirTag
from tests.bluez.stage import playing
from tests.radios import LoopbackAir

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
AN = Beacon(bytes(range(16)), b"an01")
AN_LATER = Beacon(bytes(range(16, 32)), b"an02")
TAG = AirTag(bytes(range(100, 112)), bytes(range(200, 210)))
TAG_LATER = AirTag(bytes(range(112, 124)), bytes(range(210, 220)))


@dataclass
class Pair:
    """Two radios a metre apart, and what an observer of the air can tell."""

    an: Radio
    binh: Radio
    clock: Clock
    on_air: Callable[[], Awaitable[list[tuple[bytes, bytes]]]]
    """End it all and return (address, payload) of everything that An ever had on the air."""
    fail: Callable[[], Awaitable[None]]
    """Let the radio of Bình be gone."""


@asynccontextmanager
async def loopback(_folder: Path) -> AsyncIterator[Pair]:
    clock = SimClock(START)
    loop = LoopbackAir(clock, every=1.0)
    an, binh = loop.radio("an"), loop.radio("binh", x=1.0)

    async def fail() -> None:
        binh.fail()

    async def on_air() -> list[tuple[bytes, bytes]]:
        return [sent for change in loop.history if change.name == "an" for sent in change.sent]

    yield Pair(an, binh, clock, on_air, fail)
    await an.close()
    await binh.close()


SCENARIO = """
start = 2026-03-02T08:00:00Z
pace = 100
seed = 1
devices = [
    { name = "an", path = [{ at = "0s", x = 0, y = 0 }] },
    { name = "binh", path = [{ at = "0s", x = 1, y = 0 }] },
]
"""


@asynccontextmanager
async def virtual(folder: Path) -> AsyncIterator[Pair]:
    ended: list[Transmission] = []
    stack = AsyncExitStack()
    spec = await stack.enter_async_context(
        air.open_air(parse_scenario(SCENARIO), folder / "air.sock", ended.append)
    )
    an, clock = await open_air(f"{spec}#an")
    binh, _ = await open_air(f"{spec}#binh")

    async def on_air() -> list[tuple[bytes, bytes]]:
        await stack.aclose()
        return [(stretch.on_air.address, stretch.on_air.payload) for stretch in ended]

    yield Pair(an, binh, clock, on_air, stack.aclose)
    await an.close()
    await binh.close()
    await stack.aclose()


BLUEZ_PACE = 20.0
"""Times the wall's: the played BlueZ keeps to the wall, so what takes it 25 ms is half a
second here."""


@asynccontextmanager
async def bluez(folder: Path) -> AsyncIterator[Pair]:
    """Two adapters of one machine: bleak has one connection to BlueZ in a process."""
    async with playing(folder) as stage:
        with pytest.MonkeyPatch.context() as environment:
            address = await stage.host("an", experimental=True, hci0="legacy", hci1="legacy")
            environment.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
            began = Segment(time.monotonic(), START.timestamp(), BLUEZ_PACE)
            clock = PacedClock(Timeline((began,)))
            an = (await open_radio("bluez:hci0", clock)).radio
            binh = (await open_radio("bluez:hci1", clock)).radio

            async def on_air() -> list[tuple[bytes, bytes]]:
                return [
                    (bytes.fromhex(sent.address.replace(":", "")), sent.payload)
                    for sent in await stage.sent("an/hci0")
                ]

            async def fail() -> None:
                """Pull the adapter out; whoever runs the radio looks at it every ten seconds."""
                await stage("unplug", adapter="an/hci1")
                with suppress(RadioUnavailable):
                    while True:
                        await binh.check()
                        await clock.sleep(10)

            for adapter in ("an/hci0", "an/hci1"):
                await stage.until(adapter, lambda state: state["scan"] == "active")
            yield Pair(an, binh, clock, on_air, fail)
            await an.close()
            await binh.close()


@pytest.fixture(
    params=[loopback, virtual, pytest.param(bluez, marks=pytest.mark.slow)],
    ids=lambda kind: kind.__name__,
)
async def pair(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Pair]:
    async with request.param(tmp_path) as made:
        yield made


async def first_of(radio: Radio, beacon: Beacon) -> Sighting:
    """Wait until *radio* hears *beacon*."""
    async with aclosing(radio.hear()) as sightings:  # type: ignore[type-var]
        async for sighting in sightings:
            if isinstance(sighting, Sighting) and sighting.identifier == beacon.rpi:
                return sighting
    raise AssertionError("the radio closed")


async def until_heard(radio: Radio, *wanted: Beacon | AirTag) -> None:
    """Wait until *radio* heard all of *wanted*."""
    missing = {each.rpi if isinstance(each, Beacon) else each.tag for each in wanted}
    async with aclosing(radio.hear()) as heard:  # type: ignore[type-var]
        async for each in heard:
            missing.discard(each.identifier if isinstance(each, Sighting) else each.tag.tag)
            if not missing:
                return
    raise AssertionError("the radio closed")


async def test_a_beacon_is_heard_by_the_other(pair: Pair) -> None:
    """What one radio advertises, another hears whole, with a strength and a time."""
    await pair.an.advertise(AN)
    sighting = await first_of(pair.binh, AN)
    assert sighting.metadata == AN.aem
    assert -126 <= sighting.rssi <= 20
    assert START <= sighting.at <= pair.clock.now()
    assert sighting.at.tzinfo is UTC


async def test_sightings_come_in_order_of_time(pair: Pair) -> None:
    """An observer never goes back in time."""
    await pair.an.advertise(AN)
    times = []
    async for sighting in pair.binh.hear():
        times.append(sighting.at)
        if len(times) == 20:
            break
    assert times == sorted(times)


async def test_a_radio_does_not_hear_itself(pair: Pair) -> None:
    """Own beacons are not encounters."""
    await pair.an.advertise(AN)
    await first_of(pair.binh, AN)
    assert pair.an.condition().heard == 0


async def test_rotation_replaces_identifier_and_address(pair: Pair) -> None:
    """A new beacon comes with a new non-resolvable address; the old one is heard no more."""
    await pair.an.advertise(AN)
    await first_of(pair.binh, AN)
    await pair.an.advertise(AN_LATER)
    later = await first_of(pair.binh, AN_LATER)
    async for sighting in pair.binh.hear():
        assert isinstance(sighting, Sighting)
        assert sighting.identifier == AN_LATER.rpi
        if (sighting.at - later.at).total_seconds() > 3:
            break
    assert pair.an.condition().rotations == 2
    (first, payload), (second, other_payload) = await pair.on_air()
    assert (payload, other_payload) == (encode(AN), encode(AN_LATER))
    assert first != second
    assert {first[0] >> 6, second[0] >> 6} == {0}


async def test_the_same_beacon_again_takes_a_fresh_address(pair: Pair) -> None:
    """Advertising twice draws two addresses, even for one identifier."""
    await pair.an.advertise(AN)
    await pair.an.advertise(AN)
    (first, _), (second, _) = await pair.on_air()
    assert first != second


async def test_none_takes_the_beacon_off_the_air(pair: Pair) -> None:
    """After ``advertise(None)`` nothing of it is sent any more."""
    await pair.an.advertise(AN)
    await first_of(pair.binh, AN)
    assert pair.an.condition().advertising
    await pair.an.advertise(None)
    stopped = pair.clock.now()
    assert not pair.an.condition().advertising
    hearing = asyncio.ensure_future(last_of(pair.binh))
    await pair.clock.sleep(10)
    await pair.binh.close()
    last = await hearing
    assert last is None or last.at <= stopped


async def test_a_tag_goes_out_beside_the_identifier(pair: Pair) -> None:
    """Both are heard whole, with a strength and a time."""
    await pair.an.advertise(AN, TAG)
    assert pair.an.condition().advertising
    assert pair.an.condition().announcing
    async with aclosing(pair.binh.hear()) as heard:  # type: ignore[type-var]
        async for each in heard:
            if isinstance(each, VenueSighting):
                assert each.tag == TAG
                assert -126 <= each.rssi <= 20
                assert START <= each.at <= pair.clock.now()
                break
    await first_of(pair.binh, AN)
    condition = pair.binh.condition()
    assert condition.tags > 0
    assert condition.heard > 0
    await pair.an.advertise(None)
    assert not pair.an.condition().announcing
    sent = await pair.on_air()
    assert_no_address_survives(sent, [{AN, TAG}])


async def test_identifier_tag_and_addresses_change_together(pair: Pair) -> None:
    """After a change nothing of what was before is heard, and no address survives."""
    await pair.an.advertise(AN, TAG)
    await until_heard(pair.binh, AN, TAG)
    await pair.an.advertise(AN_LATER, TAG_LATER)
    changed = pair.clock.now()
    await until_heard(pair.binh, AN_LATER, TAG_LATER)
    assert pair.an.condition().rotations == 2
    async for each in pair.binh.hear():
        if each.at > changed:
            now = each.identifier if isinstance(each, Sighting) else each.tag.tag
            assert now in (AN_LATER.rpi, TAG_LATER.tag)
        if (each.at - changed).total_seconds() > 6:
            break
    sent = await pair.on_air()
    assert_no_address_survives(sent, [{AN, TAG}, {AN_LATER, TAG_LATER}])


async def test_the_tag_is_taken_off_and_the_identifier_stays(pair: Pair) -> None:
    """Without a tag the next beacon is alone again."""
    await pair.an.advertise(AN, TAG)
    await pair.an.advertise(AN_LATER)
    changed = pair.clock.now()
    assert pair.an.condition().advertising
    assert not pair.an.condition().announcing
    async for each in pair.binh.hear():
        if each.at > changed:
            assert isinstance(each, Sighting)
            break


def assert_no_address_survives(
    sent: list[tuple[bytes, bytes]], changes: list[set[Beacon | AirTag]]
) -> None:
    """All of *changes* was sent; no address outlived one, and all are non-resolvable.

    Within one, a chip of Bluetooth 4 that sends by turns may let a packet of the tag slip out
    under the identifier's address: its kernel writes the bytes before the address.
    """
    payloads = [{encode(each) for each in change} for change in changes]
    assert {payload for _, payload in sent} == set().union(*payloads)
    for address, _ in sent:
        carried = {payload for other, payload in sent if other == address}
        assert any(carried <= together for together in payloads)
        assert address[0] >> 6 == 0


async def last_of(radio: Radio) -> HeardFrame | None:
    last = None
    async for sighting in radio.hear():
        last = sighting
    return last


async def test_hearing_ends_when_the_radio_closes(pair: Pair) -> None:
    """``hear`` ends quietly after ``close``."""
    hearing = asyncio.ensure_future(last_of(pair.binh))
    await pair.clock.sleep(2)
    await pair.binh.close()
    assert await hearing is None


async def test_closing_twice_is_safe(pair: Pair) -> None:
    """A radio may be closed again, and is then neither listening nor advertising."""
    await pair.an.advertise(AN)
    await pair.an.close()
    await pair.an.close()
    condition = pair.an.condition()
    assert not condition.listening
    assert not condition.advertising


async def test_a_radio_that_is_gone_says_so(pair: Pair) -> None:
    """When the radio disappears, hearing and advertising raise ``RadioUnavailable``."""
    hearing = asyncio.ensure_future(last_of(pair.binh))
    await pair.clock.sleep(2)
    await pair.fail()
    with pytest.raises(RadioUnavailable):
        await hearing
    with pytest.raises(RadioUnavailable):
        await pair.binh.advertise(AN)
    with pytest.raises(RadioUnavailable):
        await pair.binh.check()
    assert not pair.binh.condition().listening


async def test_a_radio_that_works_has_nothing_to_mend(pair: Pair) -> None:
    """A look at a working radio finds no fault and repairs nothing."""
    await pair.an.advertise(AN)
    await pair.an.check()
    condition = pair.an.condition()
    assert condition.fault == ""
    assert not condition.repairs


async def test_listening_time_follows_the_clock(pair: Pair) -> None:
    """The time listened grows as fast as the clock goes, not the wall."""
    # Between two readings a machine may let this process wait.
    earliest = pair.clock.monotonic()
    before = pair.binh.condition().listened_seconds
    began = pair.clock.monotonic()
    await pair.clock.sleep(30)
    ended = pair.clock.monotonic()
    listened = pair.binh.condition().listened_seconds - before
    latest = pair.clock.monotonic()
    assert 0.95 * (ended - began) < listened < 1.05 * (latest - earliest)


async def test_the_name_is_stable(pair: Pair) -> None:
    """A radio is named by its specification."""
    assert pair.an.name == pair.an.name != ""
