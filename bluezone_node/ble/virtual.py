"""The radio of a simulated air, and the clock and the pace that come with it.

    radio, clock = await open_air("air:/run/air.sock#an")     # a node
    clock = await connect_clock("air:/run/air.sock")          # whoever needs only the time
    control = await connect_control("air:/run/air.sock")      # whoever directs it
    await control.skip_to(evening, 20_000, then=60)

See `airwire` for what is said on the socket.
"""

import asyncio
import contextlib
import itertools
import logging
import os
import struct
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path

from bluezone_node.ble.address import non_resolvable
from bluezone_node.ble.airwire import (
    VERSION,
    Advertise,
    Announce,
    Done,
    Heard,
    Hello,
    OneOnAir,
    Refuse,
    SetPace,
    Welcome,
    address_of,
    packed,
    read_answer,
)
from bluezone_node.ble.duty import Duty
from bluezone_node.ble.frame import Frame, encode
from bluezone_node.ble.inbox import Inbox
from bluezone_node.ble.receiver import Receiver
from bluezone_node.ble.timeline import PacedClock, Timeline
from bluezone_node.errors import BadInput, RadioUnavailable, Refused
from bluezone_node.intervals import from_unix
from bluezone_node.ports import Entropy, HeardFrame, RadioCondition
from bluezone_node.proximity.model import Beacon
from bluezone_node.venues.tags import AirTag

log = logging.getLogger(__name__)

PATIENCE = 10.0
"""Wall seconds in which a healthy air answers, even on a busy Raspberry Pi."""


class _Link:
    """One connection: requests and their answers, announcements, and what was heard."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        welcome: Welcome,
    ) -> None:
        self.clock = PacedClock(Timeline(welcome.timeline), release=self.close)
        self.duty = Duty(*welcome.duty) if welcome.duty else None
        self.gone = False
        self.on_heard: Callable[[Heard], None] | None = None
        self.on_gone: Callable[[], None] | None = None
        self._reader = reader
        self._writer = writer
        self._seq = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._reading = asyncio.create_task(self._read())

    async def request(self, make: Callable[[int], Advertise | SetPace]) -> None:
        """Send the message that *make* returns for a sequence number; wait until it is done.

        Raises:
            RadioUnavailable: the air is gone.
            Refused: the air refused it.
        """
        if self.gone:
            raise _air_gone()
        seq = next(self._seq)
        answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[seq] = answered
        try:
            self._writer.write(packed(make(seq)))
            async with asyncio.timeout(PATIENCE):
                await answered
        except TimeoutError:
            raise RadioUnavailable("the air does not answer") from None
        finally:
            self._waiting.pop(seq, None)

    async def close(self) -> None:
        self._reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reading
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def _read(self) -> None:
        try:
            while True:
                answer = await read_answer(self._reader)
                if isinstance(answer, Heard):
                    if self.on_heard is not None:
                        self.on_heard(answer)
                elif isinstance(answer, Announce):
                    self.clock.announce(Timeline(answer.timeline))
                else:
                    self._settle(answer)
        except (EOFError, OSError):
            log.warning("the air is gone; simulated time goes on at its last pace")
        except BadInput as bad:
            log.error("the air is left: %s", bad)
        finally:
            self._lost()

    def _settle(self, answer: Done | Refuse | Welcome) -> None:
        if isinstance(answer, Refuse) and answer.seq is None:
            raise BadInput(str(answer.message), reason=answer.reason)
        waiting = None if isinstance(answer, Welcome) else self._waiting.get(answer.seq or 0)
        if waiting is None or waiting.done():
            return
        if isinstance(answer, Refuse):
            waiting.set_exception(Refused(answer.message, reason=answer.reason, hint=answer.hint))
        else:
            waiting.set_result(None)

    def _lost(self) -> None:
        self.gone = True
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(_air_gone())
        if self.on_gone is not None:
            self.on_gone()


class VirtualRadio:
    """A device of a scenario. Satisfies ``ports.Radio``."""

    def __init__(self, link: _Link, name: str, entropy: Entropy = os.urandom) -> None:
        self._link = link
        self._name = name
        self._entropy = entropy
        self._receiver = Receiver()
        self._inbox = Inbox()
        self._opened = link.clock.monotonic()
        self._stopped: float | None = None
        self._closed = False
        self._advertising = self._announcing = False
        self._rotations = 0
        link.on_heard = self._take
        link.on_gone = self._stop
        if link.gone:
            self._stop()

    @property
    def name(self) -> str:
        return self._name

    async def advertise(self, beacon: Beacon | None, tag: AirTag | None = None) -> None:
        if self._closed:
            raise RadioUnavailable("the radio was closed")
        on_air = tuple(
            OneOnAir(non_resolvable(self._entropy), encode(sent))
            for sent in (beacon, tag)
            if sent is not None
        )
        await self._link.request(lambda seq: Advertise(seq, on_air))
        self._advertising = beacon is not None
        self._announcing = tag is not None
        self._rotations += bool(on_air)

    def hear(self) -> AsyncIterator[HeardFrame]:
        return self._inbox.hear()

    def condition(self) -> RadioCondition:
        alive = self._stopped is None
        duty = self._link.duty or Duty()
        until = self._link.clock.monotonic() if self._stopped is None else self._stopped
        return RadioCondition(
            listening=alive,
            advertising=alive and self._advertising,
            listened_seconds=duty.seconds(self._opened, until),
            heard=self._receiver.heard,
            foreign=self._receiver.foreign,
            refused=dict(self._receiver.refused),
            rotations=self._rotations,
            detail=f"simulated air, listening {duty.share:.0%} of the time",
            tags=self._receiver.tags,
            announcing=alive and self._announcing,
        )

    async def check(self) -> None:
        if self._stopped is not None and not self._closed:
            raise _air_gone()

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._inbox.close()
            await self._link.close()

    def _take(self, heard: Heard) -> None:
        """Make sightings of what arrived, in order of time over all senders."""
        packets: list[tuple[float, int, int]] = []
        frames: list[Frame | AirTag] = []
        for batch in heard.batches:
            frame = self._receiver.frame(batch.payload, len(batch.rssi))
            if frame is not None:
                count = len(batch.rssi)
                times = struct.unpack(f"<{count}d", batch.at)
                levels = struct.unpack(f"{count}b", batch.rssi)
                packets += zip(times, [len(frames)] * count, levels, strict=True)
                frames.append(frame)
        packets.sort()
        for at, index, rssi in packets:
            sighting = self._receiver.sighting(from_unix(at), rssi, frames[index])
            if sighting is not None:
                self._inbox.put(sighting)

    def _stop(self) -> None:
        self._stopped = self._link.clock.monotonic()
        self._inbox.fail(_air_gone())


class AirControl:
    """Directs an air: follows its time and sets its pace."""

    def __init__(self, link: _Link) -> None:
        self._link = link

    @property
    def clock(self) -> PacedClock:
        return self._link.clock

    async def set_pace(self, pace: float, at: datetime | None = None) -> None:
        """Let simulated time run at *pace* from the simulated instant *at*, or from now on.

        *Now* is a quarter of a second ahead, so that every process knows.  Changes of pace that
        were planned for later are dropped.

        Raises:
            Refused: reason ``too_soon``: *at* is past, or less than 200 ms of the wall ahead.
            RadioUnavailable: the air is gone.
        """
        begin = None if at is None else at.timestamp()
        await self._link.request(lambda seq: SetPace(seq, pace, begin))

    async def skip_to(self, at: datetime, pace: float, then: float) -> None:
        """Let simulated time run at *pace* until the instant *at*, and at *then* from there.

        In one request: between two of them a slow machine would let time fly past the instant.
        One that is past is not gone back to: *then* holds from now on.

        Raises:
            RadioUnavailable: the air is gone.
        """
        until = at.timestamp(), then
        await self._link.request(lambda seq: SetPace(seq, pace, then=until))

    async def close(self) -> None:
        await self._link.close()


async def open_air(spec: str) -> tuple[VirtualRadio, PacedClock]:
    """Connect as the device of ``air:ADDRESS#DEVICE``; the clock lives as long as the radio.

    Raises:
        RadioUnavailable: no air is there, or it refused; the message says why.
    """
    address, _, device = spec.rpartition("#")
    if not address or not device:
        raise RadioUnavailable(
            "which device of the air this node is, is missing", hint="use air:ADDRESS#DEVICE"
        )
    link = await _connect(address, device)
    return VirtualRadio(link, spec), link.clock


async def connect_clock(spec: str) -> PacedClock:
    """Follow the time of the air at ``air:ADDRESS`` (a ``#DEVICE`` is ignored).

    Raises:
        RadioUnavailable: no air is there.
    """
    return (await _connect(spec.partition("#")[0], None)).clock


async def connect_control(spec: str) -> AirControl:
    """Connect to the air at ``air:ADDRESS`` to direct it.

    Raises:
        RadioUnavailable: no air is there.
    """
    return AirControl(await _connect(spec.partition("#")[0], None))


async def _connect(spec: str, device: str | None) -> _Link:
    address = address_of(spec)
    try:
        async with asyncio.timeout(PATIENCE):
            if isinstance(address, Path):
                reader, writer = await asyncio.open_unix_connection(str(address))
            else:
                reader, writer = await asyncio.open_connection(*address)
    except (OSError, TimeoutError) as error:
        raise RadioUnavailable(
            f"no air answers at {spec}: {getattr(error, 'strerror', None) or error}",
            hint="start one: bluezone-node air serve SCENARIO",
        ) from None
    try:
        async with asyncio.timeout(PATIENCE):
            writer.write(packed(Hello(VERSION, device)))
            answer = await read_answer(reader)
    except (EOFError, OSError, TimeoutError, BadInput):
        writer.close()
        raise RadioUnavailable(f"what answers at {spec} is not an air") from None
    if isinstance(answer, Welcome):
        return _Link(reader, writer, answer)
    writer.close()
    if isinstance(answer, Refuse):
        raise RadioUnavailable(answer.message, hint=answer.hint)
    raise RadioUnavailable(f"what answers at {spec} is not an air")


def _air_gone() -> RadioUnavailable:
    return RadioUnavailable("the air is gone", hint="start it again: bluezone-node air serve")
