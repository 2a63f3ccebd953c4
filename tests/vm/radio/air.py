"""What lies between the antennas, and the log of all that was on it: the ground truth.

The log holds one JSON object a line, ``t`` in seconds of CLOCK_MONOTONIC:

``pdu``          one advertisement: node, pdu, addr, kind, data, heard ({receiver: dBm})
``adv_start``    a set was enabled: what was asked for; ``adv_stop``
``scan_start``   a receiver was switched on, and how; ``scan_stop``
``fault``, ``loss``, ``mark``   what the scenario did

Times of all processes of the machine are comparable with it.
"""

import asyncio
import json
import random
import time
from dataclasses import dataclass, field
from typing import Any, TextIO

from tests.vm.radio.advertising import AdvertisingSet
from tests.vm.radio.controller import Controller
from tests.vm.radio.pdu import Pdu, address_kind, address_text

SENSITIVITY = -94
"""dBm; weaker is not heard. Usual for Bluetooth LE chips."""


@dataclass(slots=True)
class Air:
    log: TextIO | None = None
    noise: float = 2.0
    """Standard deviation of a received level, dB."""
    default_loss: float = 60.0
    """dB between two that nobody has placed."""
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    controllers: dict[str, Controller] = field(default_factory=dict)
    _loss: dict[tuple[str, str], float] = field(default_factory=dict)

    def place(self, one: str, other: str, loss: float) -> None:
        """Put *loss* dB between two nodes, both ways."""
        self._loss[one, other] = self._loss[other, one] = loss
        self.note("loss", a=one, b=other, db=loss)

    def note(self, event: str, **facts: Any) -> None:
        if self.log is not None:
            line = {"t": round(time.monotonic(), 4), "ev": event, **facts}
            self.log.write(json.dumps(line) + "\n")

    def transmit(self, name: str, pdu: Pdu, *, logged: bool = True) -> dict[str, int]:
        """Carry *pdu* to every receiver that listens; return who heard it, and how strong."""
        now = time.monotonic()
        heard: dict[str, int] = {}
        for receiver in self.controllers.values():
            if receiver.name == name or not receiver.listens(now):
                continue
            loss = self._loss.get((name, receiver.name), self.default_loss)
            rssi = round(pdu.tx_power - loss + self.chance.gauss(0, self.noise))
            if rssi >= SENSITIVITY:
                heard[receiver.name] = rssi
                receiver.receive(pdu, rssi)
        if logged:
            self.note(
                "pdu",
                node=name,
                pdu=pdu.kind.name,
                addr=address_text(pdu.address),
                kind=address_kind(pdu.address, pdu.random),
                data=pdu.data.hex(),
                heard=heard,
            )
        return heard

    def begin(self, chip: Controller, advertising: AdvertisingSet) -> None:
        """Send the set's PDU now and at its intervals, until its ``cancel`` is called."""
        loop = asyncio.get_running_loop()
        timers: dict[str, asyncio.TimerHandle] = {}

        def send(due: float) -> None:
            # The next one first: a receiver's host may end the set while it is told of this one.
            following = max(due + advertising.until_next(self.chance), loop.time())
            timers["next"] = loop.call_at(following, send, following)
            advertising.events += 1
            self.transmit(chip.name, chip.pdu(advertising))

        def cancel() -> None:
            for timer in timers.values():
                timer.cancel()

        advertising.cancel = cancel
        if advertising.lasts:
            timers["end"] = loop.call_later(advertising.lasts, chip.time_out, advertising)
        send(loop.time())
