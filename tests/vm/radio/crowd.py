"""Neighbours with no host behind them: each sends its own identifier, and rotates on its own.

Fifty host stacks would not fit into the machine; fifty of these cost nothing.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.vm.radio.advertising import LONGEST_DELAY
from tests.vm.radio.air import Air
from tests.vm.radio.pdu import ADDRESS_BYTES, Kind, Pdu

GAEN_PREFIX = bytes.fromhex("03036ffd17166ffd")
PHONE_FLAGS = bytes.fromhex("02011a")
"""What an iPhone puts before it."""
IDENTIFIER_BYTES = 20

OTHERS_DATA = bytes.fromhex("0201060aff4c001005031c0a0b0c")
"""A headphone's, of the kind that fills every room: foreign to us."""

TX_POWER = 4


@dataclass(slots=True)
class Crowd:
    """*size* neighbours called NAME, who share one place on the air."""

    air: Air
    name: str
    size: int
    interval: float = 0.27
    """Seconds between two advertisements of one neighbour (GAEN: 200 to 270 ms)."""
    rotation: float = 0.0
    """Mean seconds until one takes a new address and identifier; 0: never."""
    foreign: bool = False
    """Whether they are none of ours."""
    logged: bool = True
    """Whether their advertisements go into the air log; an hour of fifty is 700 000 lines."""
    on: bool = True
    rotations: int = 0
    _timers: dict[int, asyncio.TimerHandle] = field(default_factory=dict)

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        for index in range(self.size):
            chance = random.Random(f"{self.name} {index}")
            self._renew(index, chance, loop.time() + chance.uniform(0, self.interval))

    def stop(self) -> None:
        self.on = False
        for timer in self._timers.values():
            timer.cancel()

    def _renew(self, index: int, chance: random.Random, at: float) -> None:
        """Give neighbour *index* a new address and identifier, to be heard from *at* on."""
        loop = asyncio.get_running_loop()
        pdu = fresh(chance, foreign=self.foreign)
        lasts = chance.uniform(0.5, 1.5) * self.rotation
        until = at + lasts if self.rotation else float("inf")
        self._timers[index] = loop.call_at(at, self._sender(index, chance, pdu, at, until))

    def _sender(
        self, index: int, chance: random.Random, pdu: Pdu, due: float, until: float
    ) -> Callable[[], None]:
        loop = asyncio.get_running_loop()

        def send() -> None:
            nonlocal due
            due = max(due + self.interval + chance.uniform(0, LONGEST_DELAY), loop.time())
            self.air.transmit(self.name, pdu, logged=self.logged)
            if due >= until:
                self.rotations += 1
                self._renew(index, chance, due)
            else:
                self._timers[index] = loop.call_at(due, send)

        return send


def fresh(chance: random.Random, *, foreign: bool = False) -> Pdu:
    """Return an advertisement under a new non-resolvable address."""
    address = bytearray(chance.randbytes(ADDRESS_BYTES))
    address[5] &= 0x3F
    data = OTHERS_DATA if foreign else GAEN_PREFIX + chance.randbytes(IDENTIFIER_BYTES)
    return Pdu(Kind.ADV_NONCONN_IND, bytes(address), True, data, TX_POWER)
