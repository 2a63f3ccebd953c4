"""The simulated air as a server: separate processes hear each other through its socket.

It decides, many times a second, what every connected device received since the last time, and
hands it over; it also is where simulated time comes from (see `airwire`).  Nothing received is
ever left out: a client that reads too slowly to be served is disconnected, aloud.
"""

import asyncio
import contextlib
import errno
import logging
import socket
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from bluezone_node.ble.address import is_non_resolvable
from bluezone_node.ble.airwire import (
    VERSION,
    Advertise,
    Announce,
    Answer,
    Done,
    Heard,
    HeardBatch,
    Hello,
    Refuse,
    SetPace,
    Welcome,
    packed,
    read_request,
)
from bluezone_node.ble.ether import Batch, Ether, OnAir, Transmission
from bluezone_node.ble.scenario import Scenario
from bluezone_node.ble.timeline import Segment, Timeline
from bluezone_node.errors import BadInput, RadioUnavailable, Refused

log = logging.getLogger(__name__)

TICK_SIMULATED = 1.0
SHORTEST_TICK, LONGEST_TICK = 0.005, 0.050
"""Seconds between two deliveries: one of simulated time, so that packets of a minute arrive
before the minute is closed, yet never so often that waking up costs more than the work."""

ANNOUNCE_AHEAD = 0.25
LEAST_AHEAD = 0.20
"""Seconds of the wall between announcing a pace and its beginning: every process has read the
announcement by then, and all agree on the time at every moment."""

LONGEST_STRETCH = 60.0
"""Simulated seconds worked out and sent at a time, however fast time runs."""

BREATH = 0.02
"""Wall seconds of work after which requests are looked at again."""

BEHIND = 1.0
"""Wall seconds by which deliveries may be late before it is said aloud."""

MOST_UNREAD = 32 * 1024 * 1024
"""Bytes waiting for one client before it is given up."""


class _Client:
    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self.device: str | None = None

    def send(self, answer: Answer) -> None:
        if self._writer.is_closing():
            return
        self._writer.write(packed(answer))
        if self._writer.transport.get_write_buffer_size() > MOST_UNREAD:
            log.warning("a client reads too slowly and is disconnected")
            self.abort()

    def abort(self) -> None:
        """Hang up at once: whoever reads from this client sees its end."""
        self._writer.transport.abort()

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


class Air:
    """One scenario under way."""

    def __init__(
        self, scenario: Scenario, ended: Callable[[Transmission], None] | None = None
    ) -> None:
        """Simulated time begins now; *ended* is told of everything that was on the air."""
        self._scenario = scenario
        self._ether = Ether(scenario, ended)
        self._changes: deque[tuple[float, Callable[[float], None]]] = deque()
        """What clients asked for and when, in order, until the ether comes to it."""
        self._clients: set[_Client] = set()
        self._served: dict[_Client, asyncio.Task[None]] = {}
        self._behind = False
        start = scenario.start.timestamp()
        (_, first), *later = scenario.paces()
        self._timeline = Timeline((Segment(time.monotonic(), start, first),))
        for at, pace in later:
            self._timeline = self._timeline.with_pace(self._timeline.wall_at(start + at), pace)

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            pace = self._timeline.since(time.monotonic()).segments[0].pace
            await asyncio.sleep(min(max(TICK_SIMULATED / pace, SHORTEST_TICK), LONGEST_TICK))
            await self._catch_up()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end; a client's mistakes end its own connection only."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine of asyncio always has one
        client = _Client(writer)
        self._served[client] = task
        try:
            if await self._welcome(client, reader):
                while True:
                    self._answer(client, await read_request(reader))
        except BadInput as bad:
            log.warning("a client is disconnected: %s", bad)
            client.send(Refuse(bad.reason, str(bad)))
        except (EOFError, OSError):
            log.debug("a client left")
        finally:
            self._leave(client)
            await client.close()
            del self._served[client]

    async def close(self) -> None:
        """Disconnect everyone and take everything off the air."""
        for client in self._served:
            client.abort()
        await asyncio.gather(*self._served.values())
        self._ether.deafen()
        self._deliver(self._time())
        self._ether.close()

    def _time(self) -> float:
        return self._timeline.at(time.monotonic())

    def _change(self, change: Callable[[float], None]) -> None:
        """Let *change* happen now: it is called with that instant when the ether gets there."""
        self._changes.append((self._time(), change))

    async def _welcome(self, client: _Client, reader: asyncio.StreamReader) -> bool:
        hello = await read_request(reader)
        if not isinstance(hello, Hello):
            raise BadInput("the first message is not a hello", reason="air_protocol")
        refusal = self._why_not(hello)
        if refusal is not None:
            client.send(refusal)
            return False
        self._clients.add(client)
        client.device = hello.device
        duty = None
        if hello.device is not None:
            self._change(partial(self._ether.listen, hello.device, True))
            kept = self._ether.duty(hello.device)
            duty = (kept.window, kept.period, kept.phase)
        client.send(Welcome(VERSION, self._timeline.segments, duty))
        return True

    def _why_not(self, hello: Hello) -> Refuse | None:
        if hello.version != VERSION:
            return Refuse(
                "version",
                f"the air speaks version {VERSION} of its protocol, not {hello.version}",
                "run the air and the nodes from the same release",
            )
        if hello.device is None:
            return None
        if not self._ether.knows(hello.device):
            there = ", ".join(device.name for device in self._scenario.devices)
            return Refuse(
                "unknown_device",
                f"the scenario has no device {hello.device!r}",
                f"its devices are: {there}",
            )
        if any(client.device == hello.device for client in self._clients):
            return Refuse(
                "device_taken",
                f"device {hello.device!r} is already connected",
                "each node needs a device of its own: air:ADDRESS#DEVICE",
            )
        return None

    def _leave(self, client: _Client) -> None:
        if client in self._clients:
            self._clients.discard(client)
            if client.device is not None:
                self._change(partial(self._ether.put, client.device, ()))
                self._change(partial(self._ether.listen, client.device, False))

    def _answer(self, client: _Client, request: Hello | Advertise | SetPace) -> None:
        try:
            if isinstance(request, Advertise):
                self._advertise(client, request)
            elif isinstance(request, SetPace):
                self._set_pace(request)
            else:
                raise BadInput("hello comes once", reason="air_protocol")
        except Refused as refused:
            if isinstance(request, Hello):
                raise
            client.send(Refuse(refused.reason, str(refused), refused.hint, request.seq))
        else:
            client.send(Done(request.seq))

    def _advertise(self, client: _Client, request: Advertise) -> None:
        if client.device is None:
            raise Refused("only a device can advertise", reason="no_device")
        on_air = [OnAir(each.address, each.payload) for each in request.on_air]
        if not all(is_non_resolvable(each.address) for each in on_air):
            raise Refused("the address is not a non-resolvable one", reason="address")
        if len({each.address for each in on_air}) < len(on_air):
            raise Refused("two things are sent from one address", reason="address")
        self._change(partial(self._ether.put, client.device, on_air))

    def _set_pace(self, request: SetPace) -> None:
        now = time.monotonic()
        begin = now + ANNOUNCE_AHEAD
        if request.at is not None:
            begin = self._timeline.wall_at(request.at)
            if begin < now + LEAST_AHEAD:
                raise Refused(
                    "the pace cannot change that soon: not every process could know in time",
                    reason="too_soon",
                    hint="ask earlier, or without an instant",
                )
        timeline = self._timeline.since(now).with_pace(begin, request.pace)
        if request.then is not None:
            until, pace = request.then
            timeline = timeline.with_pace(max(begin, timeline.wall_at(until)), pace)
        self._timeline = timeline
        for client in self._clients:
            client.send(Announce(self._timeline.segments))

    async def _catch_up(self) -> None:
        """Deliver everything up to now, answering clients meanwhile."""
        breath = time.monotonic()
        until = self._timeline.at(breath)
        while self._ether.now < until:
            self._deliver(min(until, self._ether.now + LONGEST_STRETCH))
            if time.monotonic() - breath > BREATH:
                await asyncio.sleep(0)
                breath = time.monotonic()
        late = time.monotonic() - self._timeline.wall_at(self._ether.now)
        if (late > BEHIND) is not self._behind:
            self._behind = late > BEHIND
            if self._behind:
                log.warning("deliveries are late: this machine is too slow for this pace")
            else:
                log.warning("deliveries are in time again")

    def _deliver(self, until: float) -> None:
        while self._changes and self._changes[0][0] <= until:
            at, change = self._changes.popleft()
            change(at)
        heard = self._ether.advance(until)
        for client in self._clients:
            if client.device in heard:
                client.send(_heard(heard[client.device]))


def _heard(batches: list[Batch]) -> Heard:
    return Heard(
        [
            HeardBatch(batch.payload, batch.at.astype("<f8").tobytes(), batch.rssi.tobytes())
            for batch in batches
        ]
    )


@asynccontextmanager
async def open_air(
    scenario: Scenario,
    address: Path | tuple[str, int],
    ended: Callable[[Transmission], None] | None = None,
) -> AsyncIterator[str]:
    """Serve *scenario* at *address* while the context lasts; yield ``air:…`` to reach it by.

    Raises:
        RadioUnavailable: another air is there, or the address cannot be used.
    """
    bound = await asyncio.to_thread(_bind, address)
    air = Air(scenario, ended)
    start = asyncio.start_unix_server if isinstance(address, Path) else asyncio.start_server
    server = await start(air.serve, sock=bound)
    running = asyncio.create_task(air.run())
    try:
        yield _spec(bound)
    finally:
        running.cancel()
        server.close()
        await air.close()
        await server.wait_closed()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        if isinstance(address, Path):
            await asyncio.to_thread(address.unlink, missing_ok=True)


def _spec(bound: socket.socket) -> str:
    name = bound.getsockname()
    return f"air:{Path(name).absolute()}" if isinstance(name, str) else f"air:{name[0]}:{name[1]}"


def _bind(address: Path | tuple[str, int]) -> socket.socket:
    """Return a socket bound to *address*; what a killed air left behind is taken over."""
    if isinstance(address, Path):
        if address.is_socket():
            _take_over(address)
        bound = socket.socket(socket.AF_UNIX)
        target: str | tuple[str, int] = str(address)
    else:
        bound = socket.socket(socket.AF_INET)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        target = address
    bound.setblocking(False)
    try:
        bound.bind(target)
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRINUSE:
            raise RadioUnavailable(
                f"something else is at {_shown(address)} already",
                hint="choose another address with --listen",
            ) from None
        raise RadioUnavailable(
            f"no air can be opened at {_shown(address)}: {error.strerror or error}",
            hint="choose another address with --listen",
        ) from None
    if isinstance(address, Path):
        address.chmod(0o600)
    return bound


def _take_over(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)  # its server was killed: nobody listens there
        else:
            raise RadioUnavailable(
                f"another air is running at {path}",
                hint="stop it, or choose another address with --listen",
            )


def _shown(address: Path | tuple[str, int]) -> str:
    return str(address) if isinstance(address, Path) else f"{address[0]}:{address[1]}"
