"""An air within one process, for tests of whatever listens: no sockets, no chance, no wall time.

    clock = SimClock(start)
    air = LoopbackAir(clock)
    an, binh = air.radio("an"), air.radio("binh", x=1.0)

While time goes on, each radio hears what every other one in reach has on the air once *every*
seconds, at the mean strength of its distance.  It passes the same contract suite as the others.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from bluezone_node.ble.address import non_resolvable
from bluezone_node.ble.frame import encode
from bluezone_node.ble.propagation import TX_POWER, Propagation
from bluezone_node.ble.receiver import Receiver
from bluezone_node.errors import RadioUnavailable
from bluezone_node.ports import Clock, Entropy, HeardFrame, RadioCondition
from bluezone_node.proximity.model import Beacon
from bluezone_node.venues.tags import AirTag

_PLACE = Propagation()


@dataclass(frozen=True, slots=True)
class OnAir:
    """What one radio put on the air in the place of all that was, and when."""

    at: datetime
    name: str
    sent: tuple[tuple[bytes, bytes], ...]
    """Addresses and their payloads; none where it stopped."""


@dataclass(slots=True)
class LoopbackAir:
    """Carries packets between its radios, once *every* seconds of *clock*."""

    clock: Clock
    every: float = 5.0
    entropy: Entropy = field(default_factory=lambda: random.Random(1).randbytes)
    history: list[OnAir] = field(default_factory=list)
    """Every change of what is on the air, in order."""
    _radios: "dict[str, LoopbackRadio]" = field(default_factory=dict)
    _beat: asyncio.Task[None] | None = None

    def radio(self, name: str, x: float = 0.0, y: float = 0.0) -> "LoopbackRadio":
        """Return a new radio that stands at (*x*, *y*) metres."""
        if name in self._radios:
            raise ValueError("a radio of that name is open")
        self._radios[name] = radio = LoopbackRadio(self, name, x, y)
        return radio

    def start(self) -> None:
        if self._beat is None:
            self._beat = asyncio.get_running_loop().create_task(self._run())

    def leave(self, name: str) -> None:
        self._radios.pop(name, None)
        if not self._radios and self._beat is not None:
            self._beat.cancel()
            self._beat = None

    async def _run(self) -> None:
        while True:
            await self.clock.sleep(self.every)
            for receiver in list(self._radios.values()):
                for sender in list(self._radios.values()):
                    rssi = _strength(sender, receiver)
                    if sender is not receiver and rssi >= _PLACE.sensitivity:
                        for payload in sender.payloads:
                            receiver.overhear(payload, rssi)


class LoopbackRadio:
    """One radio of a `LoopbackAir`. Satisfies ``ports.Radio``."""

    def __init__(self, air: LoopbackAir, name: str, x: float, y: float) -> None:
        self.x, self.y = x, y
        self.payloads: tuple[bytes, ...] = ()
        """What it has on the air."""
        self._air = air
        self._name = name
        self._receiver = Receiver()
        self._queue: asyncio.Queue[HeardFrame | None] = asyncio.Queue()
        self._opened = air.clock.monotonic()
        self._closed = False
        self._failed = False
        self._rotations = 0
        self._advertising = self._announcing = False

    @property
    def name(self) -> str:
        return f"loopback:{self._name}"

    async def advertise(self, beacon: Beacon | None, tag: AirTag | None = None) -> None:
        if self._failed or self._closed:
            raise RadioUnavailable("the loopback radio is gone")
        self.payloads = tuple(encode(sent) for sent in (beacon, tag) if sent is not None)
        self._advertising, self._announcing = beacon is not None, tag is not None
        self._rotations += bool(self.payloads)
        sent = tuple((non_resolvable(self._air.entropy), each) for each in self.payloads)
        self._air.history.append(OnAir(self._air.clock.now(), self._name, sent))

    async def hear(self) -> AsyncIterator[HeardFrame]:
        self._air.start()
        while not self._closed or not self._queue.empty():
            sighting = await self._queue.get()
            if sighting is not None:
                yield sighting
            elif self._failed:
                raise RadioUnavailable("the loopback radio is gone")

    def condition(self) -> RadioCondition:
        alive = not self._closed and not self._failed
        return RadioCondition(
            listening=alive,
            advertising=alive and self._advertising,
            listened_seconds=self._air.clock.monotonic() - self._opened,
            heard=self._receiver.heard,
            foreign=self._receiver.foreign,
            refused=dict(self._receiver.refused),
            rotations=self._rotations,
            detail="in-memory radio",
            tags=self._receiver.tags,
            announcing=alive and self._announcing,
        )

    async def check(self) -> None:
        if self._failed:
            raise RadioUnavailable("the loopback radio is gone")

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._stop()

    def move(self, x: float, y: float = 0.0) -> None:
        """Stand elsewhere from now on."""
        self.x, self.y = x, y

    def overhear(self, payload: bytes, rssi: int) -> None:
        """Receive one packet of any kind, as from a stranger."""
        sighting = self._receiver.take(self._air.clock.now(), rssi, payload)
        if sighting is not None and not self._closed:
            self._queue.put_nowait(sighting)

    def fail(self) -> None:
        """Let the radio be gone: pulled out, or its daemon dead."""
        self._failed = True
        self._stop()

    def _stop(self) -> None:
        self.payloads = ()
        self._air.leave(self._name)
        self._queue.put_nowait(None)


def _strength(sender: LoopbackRadio, receiver: LoopbackRadio) -> int:
    distance = np.hypot(sender.x - receiver.x, sender.y - receiver.y)
    return round(TX_POWER - float(_PLACE.mean_loss(distance)))
