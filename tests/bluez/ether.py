"""The air between all played adapters: what is sent, how strongly it arrives, and a log of it."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

SENSITIVITY = -94
"""dBm below which a chip receives nothing."""
USUAL = -60
"""dBm at which everybody hears everybody until told otherwise."""
_DELAY = 0.010
"""Seconds: advDelay, 0..10 ms at random before every advertisement
(Bluetooth Core Specification, Vol 6 Part B §4.4.2.2)."""

Hear = Callable[[str, bytes, int, bool], None]
"""Called with address, payload, RSSI and whether the sender can be connected to."""


@dataclass(slots=True)
class Transmission:
    """One payload under one address, repeated for a while."""

    sender: str
    address: str
    payload: bytes
    connectable: bool
    start: float
    """Seconds of CLOCK_MONOTONIC, which all processes of a machine share."""
    end: float | None = None
    """None: still on the air."""
    packets: int = 0


@dataclass(slots=True)
class Ether:
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    log: list[Transmission] = field(default_factory=list)
    receivers: dict[str, Hear] = field(default_factory=dict)
    levels: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    """(sender, receiver) → mean RSSI and its spread, both in dB(m)."""
    _tasks: dict[int, asyncio.Task[None]] = field(default_factory=dict)

    def send(
        self,
        sender: str,
        address: str,
        payload: bytes,
        seconds: Callable[[], float],
        connectable: bool = False,
    ) -> Transmission:
        """Repeat *payload* from now on, the first time at once, with *seconds* in between."""
        sent = Transmission(sender, address, payload, connectable, time.monotonic())
        self.log.append(sent)
        self._tasks[id(sent)] = asyncio.get_running_loop().create_task(self._repeat(sent, seconds))
        return sent

    def stop(self, sent: Transmission) -> None:
        """Take it off the air. Safe to repeat."""
        task = self._tasks.pop(id(sent), None)
        if task is not None:
            task.cancel()
            sent.end = time.monotonic()

    def flash(self, sent: Transmission, payload: bytes) -> None:
        """Let one advertisement with other bytes go out under the address of *sent*."""
        mixed = Transmission(sent.sender, sent.address, payload, sent.connectable, time.monotonic())
        mixed.end = mixed.start
        self.log.append(mixed)
        self.once(mixed)

    def once(self, sent: Transmission) -> None:
        """Let one advertisement go out."""
        sent.packets += 1
        for name, hear in list(self.receivers.items()):
            mean, spread = self.levels.get((sent.sender, name), (USUAL, 0.0))
            rssi = round(self.chance.gauss(mean, spread))
            if name != sent.sender and rssi >= SENSITIVITY:
                hear(sent.address, sent.payload, rssi, sent.connectable)

    def private_address(self) -> str:
        """Draw a non-resolvable private address: two zero bits, then 46 random ones."""
        drawn = bytes([self.chance.getrandbits(6)]) + self.chance.randbytes(5)
        return ":".join(f"{octet:02X}" for octet in drawn)

    async def _repeat(self, sent: Transmission, seconds: Callable[[], float]) -> None:
        while True:
            self.once(sent)
            await asyncio.sleep(seconds() + self.chance.random() * _DELAY)
