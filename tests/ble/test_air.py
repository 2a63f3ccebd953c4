"""The air as a server: who is let in, what ends a connection, and time."""

import asyncio
import socket
import stat
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bluezone_node.ble import air
from bluezone_node.ble.airwire import (
    VERSION,
    Advertise,
    Answer,
    Done,
    Hello,
    OneOnAir,
    Refuse,
    Request,
    Welcome,
    packed,
    read_answer,
)
from bluezone_node.ble.ether import Transmission
from bluezone_node.ble.scenario import parse_scenario
from bluezone_node.ble.virtual import connect_clock, connect_control, open_air
from bluezone_node.errors import RadioUnavailable, Refused
from bluezone_node.proximity.model import Beacon
from tests.patience import PATIENCE

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
SCENARIO = """
start = 2026-03-02T08:00:00Z
pace = 100
devices = [
    { name = "an", path = [{ at = "0s", x = 0, y = 0 }] },
    { name = "binh", path = [{ at = "0s", x = 1, y = 0 }] },
    { name = "far", path = [{ at = "0s", x = 9000, y = 0 }] },
]
noise = [{ name = "headphones", path = [{ at = "0s", x = 2, y = 0 }] }]
"""


class RawClient:
    """Speaks the protocol by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def say(self, request: Request) -> Answer:
        self.writer.write(packed(request))
        return await read_answer(self.reader)

    async def ends(self) -> bytes:
        """Return what comes until the air hangs up."""
        return await self.reader.read()


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as everything:
        yield everything


@pytest.fixture
async def spec(stack: AsyncExitStack, tmp_path: Path) -> str:
    """An air on a Unix socket."""
    scenario = parse_scenario(SCENARIO)
    return await stack.enter_async_context(air.open_air(scenario, tmp_path / "air.sock"))


async def until(true: Callable[[], object]) -> None:
    """Wait for what has to come over the air."""
    async with asyncio.timeout(PATIENCE):
        while not true():  # noqa: ASYNC110 - nothing here tells us
            await asyncio.sleep(0.01)


async def raw(stack: AsyncExitStack, spec: str) -> RawClient:
    streams = await asyncio.open_unix_connection(spec.removeprefix("air:"))
    stack.callback(streams[1].close)
    return RawClient(*streams)


async def test_no_address_carries_two_identifiers_and_no_identifier_two_addresses(
    tmp_path: Path,
) -> None:
    """Over hundreds of rotations of two devices, seen from the air, both change as one."""
    ended: list[Transmission] = []
    scenario = parse_scenario(SCENARIO)
    async with air.open_air(scenario, tmp_path / "air.sock", ended.append) as spec:
        radios = [(await open_air(f"{spec}#{name}"))[0] for name in ("an", "binh")]
        for turn in range(300):
            for which, radio in enumerate(radios):
                rpi = bytes([which]) + turn.to_bytes(15, "big")
                await radio.advertise(Beacon(rpi, b"meta"))
        await radios[0].advertise(None)
        for radio in radios:
            await radio.close()
    addresses, payloads = defaultdict(set), defaultdict(set)
    for stretch in ended:
        if stretch.device != "headphones":
            addresses[stretch.on_air.address].add(stretch.on_air.payload)
            payloads[stretch.on_air.payload].add(stretch.on_air.address)
    assert len(addresses) == len(payloads) == 600
    assert {len(seen) for seen in (*addresses.values(), *payloads.values())} == {1}
    assert {address[0] >> 6 for address in addresses} == {0}


async def test_a_device_is_sent_nothing_that_names_another(spec: str) -> None:
    """What a receiver is given is times, strengths and payloads: never a sender's name."""
    an, _ = await open_air(f"{spec}#an")
    await an.advertise(Beacon(bytes(16), bytes(4)))
    reader, writer = await asyncio.open_unix_connection(spec.removeprefix("air:"))
    writer.write(packed(Hello(VERSION, "binh")))
    await read_answer(reader)
    received = await reader.readexactly(2000)
    assert bytes(16) in received
    assert b"headphones" not in received
    assert b"\xa2an" not in received
    writer.close()
    await an.close()


async def test_others_advertisements_are_counted_as_foreign(spec: str) -> None:
    """Noise proves that a receiver works where nobody of ours is."""
    binh, _ = await open_air(f"{spec}#binh")
    await until(lambda: binh.condition().foreign > 100)
    condition = binh.condition()
    assert (condition.heard, condition.refused) == (0, {})
    assert binh.name == f"{spec}#binh"
    await binh.close()


@pytest.mark.parametrize(
    ("device", "complaint"),
    [("nobody", "no device 'nobody'"), ("an", "'an' is already connected")],
)
async def test_a_device_unknown_or_taken_is_refused(spec: str, device: str, complaint: str) -> None:
    """The message says which, and the hint what would do."""
    an, _ = await open_air(f"{spec}#an")
    with pytest.raises(RadioUnavailable, match=complaint) as refused:
        await open_air(f"{spec}#{device}")
    assert refused.value.hint
    await an.close()


async def test_a_device_may_come_back(spec: str) -> None:
    """A node that restarts takes its place again."""
    for _ in range(3):
        an, _ = await open_air(f"{spec}#an")
        await an.advertise(Beacon(bytes(16), bytes(4)))
        await an.close()


async def test_an_air_of_another_version_is_refused(stack: AsyncExitStack, spec: str) -> None:
    """Both sides say what they speak before anything else."""
    client = await raw(stack, spec)
    answer = await client.say(Hello(VERSION + 1, "an"))
    assert isinstance(answer, Refuse)
    assert answer.reason == "version"
    assert await client.ends() == b""


@pytest.mark.parametrize(
    "rubbish",
    [
        b"\xff\xff\xff\xff",
        b"\0\0\0\x01\xc1",
        b"\0\0\0\x00",
        b"GET / HTTP/1.1\r\n\r\n",
        packed(Advertise(1, ())),
        packed(Hello(VERSION, "binh")) * 2,
        packed(Hello(VERSION, "binh"))
        + packed(Advertise(1, (OneOnAir(bytes(5) + b"\1", bytes(32)),))),
        packed(Hello(VERSION, "binh"))
        + packed(Advertise(1, (OneOnAir(bytes(5) + b"\1", b"x"),) * 5)),
        packed(Hello(VERSION, "binh"))
        + b"\0\0\0\x26"
        + b"\x83\xa4type\xa9advertise\xa3seq\x01\xa6on_air\x91\x91\xc4\x06"
        + bytes(6),
    ],
)
async def test_rubbish_ends_that_connection_alone(
    stack: AsyncExitStack, spec: str, rubbish: bytes
) -> None:
    """A client that speaks nonsense is hung up on; the others notice nothing."""
    an, _ = await open_air(f"{spec}#an")
    client = await raw(stack, spec)
    client.writer.write(rubbish)
    await client.ends()
    await an.advertise(Beacon(bytes(16), bytes(4)))
    again, _ = await open_air(f"{spec}#binh")
    await until(lambda: again.condition().heard)
    await an.close()
    await again.close()


async def test_address_and_payload_cannot_be_sent_apart(stack: AsyncExitStack, spec: str) -> None:
    """An address of another kind, or one for two things, is refused and changes nothing."""
    client = await raw(stack, spec)
    assert isinstance(await client.say(Hello(VERSION, "far")), Welcome)
    good = OneOnAir(bytes(5) + b"\1", b"x")
    for seq, on_air in enumerate(
        [
            (OneOnAir(b"\xc0" + bytes(5), b"x"),),
            (OneOnAir(b"\1", b"x"),),
            (good, OneOnAir(b"\xc0" + bytes(5), b"y")),
            (good, OneOnAir(good.address, b"y")),
        ]
    ):
        answer = await client.say(Advertise(seq, on_air))
        assert isinstance(answer, Refuse)
        assert (answer.seq, answer.reason) == (seq, "address")
    assert await client.say(Advertise(9, (good,))) == Done(9)


async def test_who_came_for_the_time_cannot_advertise(stack: AsyncExitStack, spec: str) -> None:
    """Only a device of the scenario is on the air."""
    client = await raw(stack, spec)
    welcome = await client.say(Hello(VERSION))
    assert isinstance(welcome, Welcome)
    assert welcome.duty is None
    answer = await client.say(Advertise(1, (OneOnAir(bytes(5) + b"\1", b"x"),)))
    assert isinstance(answer, Refuse)
    assert answer.reason == "no_device"


async def test_all_agree_on_the_time_when_the_pace_changes(spec: str) -> None:
    """The director, a node and a bystander read the same simulated time throughout."""
    control = await connect_control(spec)
    radio, node = await open_air(f"{spec}#far")
    bystander = await connect_clock(f"{spec}#far")
    clocks = [control.clock, node, bystander]
    sleepers = [asyncio.ensure_future(clock.sleep(86400)) for clock in clocks]
    await control.set_pace(200_000)
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*sleepers)
    assert {clock.timeline.segments[-1] for clock in clocks} == {
        control.clock.timeline.segments[-1]
    }
    assert control.clock.now() >= START + timedelta(days=1)
    await control.close()
    await radio.close()
    await bystander.close()


async def test_a_pace_may_be_set_for_an_instant_to_come(spec: str) -> None:
    """It begins exactly there; an instant too near is refused, as nobody could know in time."""
    control = await connect_control(spec)
    evening = START + timedelta(hours=10)
    await control.set_pace(7, at=evening)
    last = control.clock.timeline.segments[-1]
    assert (last.simulated, last.pace) == (pytest.approx(evening.timestamp()), 7)
    with pytest.raises(Refused) as refused:
        await control.set_pace(3, at=START)
    assert refused.value.reason == "too_soon"
    await control.close()


async def test_time_flies_to_an_instant_and_walks_from_there(spec: str) -> None:
    """However late the request is; what is past is not flown to."""
    control = await connect_control(spec)
    evening = START + timedelta(hours=10)
    await control.skip_to(evening, 1e6, then=7)
    await control.clock.sleep((evening - control.clock.now()).total_seconds())
    first, flying, walking = control.clock.timeline.segments
    assert (first.pace, flying.pace, walking.pace) == (100, 1e6, 7)
    assert walking.simulated == pytest.approx(evening.timestamp(), abs=1e-3)
    await control.skip_to(START, 1e6, then=3)
    assert [each.pace for each in control.clock.timeline.segments][-2:] == [7, 3]
    await control.close()


async def test_a_planned_pace_needs_nobody_to_set_it(tmp_path: Path) -> None:
    """A scenario may say itself when time runs and when it walks."""
    plan = 'pace = [{ at = "0s", pace = 100 }, { at = "1h", pace = 50000 }]'
    scenario = parse_scenario(SCENARIO.replace("pace = 100", plan))
    async with air.open_air(scenario, tmp_path / "air.sock") as spec:
        clock = await connect_clock(spec)
        assert [segment.pace for segment in clock.timeline.segments] == [100, 50_000]
        assert clock.timeline.segments[1].simulated == pytest.approx(START.timestamp() + 3600)
        await clock.close()


async def test_when_the_air_goes_time_goes_on_without_it(tmp_path: Path) -> None:
    """Radios fail, clocks do not: a process can still finish what it was doing."""
    async with AsyncExitStack() as stack:
        spec = await stack.enter_async_context(
            air.open_air(parse_scenario(SCENARIO), tmp_path / "air.sock")
        )
        clock = await connect_clock(spec)
        control = await connect_control(spec)
    before = clock.now()
    await clock.sleep(5)
    assert clock.now() >= before + timedelta(seconds=5)
    with pytest.raises(RadioUnavailable):
        await control.set_pace(1)
    await control.close()
    await clock.close()


async def test_an_air_works_over_tcp_on_this_machine(tmp_path: Path) -> None:
    """``127.0.0.1:0`` takes any free port and says which."""
    async with air.open_air(parse_scenario(SCENARIO), ("127.0.0.1", 0)) as spec:
        assert spec.startswith("air:127.0.0.1:")
        an, _ = await open_air(f"{spec}#an")
        with pytest.raises(RadioUnavailable, match="something else is at"):
            async with air.open_air(
                parse_scenario(SCENARIO), ("127.0.0.1", int(spec.rpartition(":")[2]))
            ):
                pass
        await an.close()


async def test_a_second_air_on_one_socket_is_refused(spec: str) -> None:
    """The first goes on."""
    path = Path(spec.removeprefix("air:"))
    with pytest.raises(RadioUnavailable, match="another air is running"):
        async with air.open_air(parse_scenario(SCENARIO), path):
            pass
    clock = await connect_clock(spec)
    await clock.close()


async def test_a_socket_left_behind_is_taken_over_and_removed_at_the_end(tmp_path: Path) -> None:
    """What a killed air leaves does not stop the next; the file is for its owner alone."""
    path = tmp_path / "air.sock"
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()
    async with air.open_air(parse_scenario(SCENARIO), path) as spec:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        await (await connect_clock(spec)).close()
    assert not path.exists()


async def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    """An air takes nobody's document for a socket."""
    path = tmp_path / "notes.txt"
    path.write_text("mine")
    with pytest.raises(RadioUnavailable, match="something else is at"):
        async with air.open_air(parse_scenario(SCENARIO), path):
            pass
    assert path.read_text() == "mine"


@pytest.mark.parametrize(
    "spec",
    [
        "air:/nowhere/air.sock#an",
        "air:127.0.0.1:1#an",
        "air:example.org:80#an",
        "air:/x.sock",
        "air:#an",
    ],
)
async def test_no_air_is_an_error_that_says_what_to_do(spec: str) -> None:
    """Not there, not on this machine, or no device named."""
    with pytest.raises(RadioUnavailable) as refused:
        await open_air(spec)
    assert refused.value.hint


@pytest.mark.slow
async def test_who_does_not_read_is_disconnected_and_the_air_goes_on(
    stack: AsyncExitStack, spec: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is left out silently: a client that cannot keep up loses its connection."""
    an, _ = await open_air(f"{spec}#an")
    await an.advertise(Beacon(bytes(16), bytes(4)))
    client = await raw(stack, spec)
    await client.say(Hello(VERSION, "binh"))
    client.writer.transport.pause_reading()  # type: ignore[attr-defined]
    control = await connect_control(spec)
    await control.set_pace(1e6)
    binh = None
    while binh is None:
        try:
            binh, _ = await open_air(f"{spec}#binh")
        except RadioUnavailable:
            await control.clock.sleep(1e5)
    assert "a client reads too slowly and is disconnected" in caplog.messages
    for closing in (an, binh, control):
        await closing.close()
