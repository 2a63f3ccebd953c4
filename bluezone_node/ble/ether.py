"""What happens on a simulated air: who sends when, and which packets arrive how strong.

No I/O and no clock: `Ether` is told how far time went, and answers with every packet that was
received meanwhile.  Work is done for whole stretches of time at once, in arrays, and only for
devices that could possibly hear each other: a dozen devices in one room take a third of a
processor at a hundred times real time, serving them included, and devices that are apart take
next to nothing at any pace (``bench/air.py`` measures).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from zlib import crc32

import numpy as np
import numpy.typing as npt

from bluezone_node.ble.duty import Duty
from bluezone_node.ble.movement import Movement
from bluezone_node.ble.propagation import Floats, body_factor, collision_probability
from bluezone_node.ble.scenario import Device, Noise, Scenario

ADV_DELAY = 0.010
"""Seconds; each advertising event comes 0–10 ms late, at random, so that two advertisers of one
interval do not collide forever (Bluetooth Core Specification, Vol 6 Part B §4.4.2.2)."""

TURN_SECONDS = 60.0
"""How long a person faces one way.  An assumption: no recording tells; a scan is as long."""


@dataclass(frozen=True, slots=True)
class OnAir:
    """One thing that a device sends: address and payload are one value and cannot part."""

    address: bytes = field(repr=False)
    payload: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Transmission:
    """A stretch in which a device had one thing on the air."""

    device: str
    on_air: OnAir
    start: float
    """Unix seconds of simulated time."""
    end: float
    pdus: int
    """Advertising events while anybody was near enough to be able to hear."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Packets of one payload that one receiver heard, ascending in time."""

    payload: bytes = field(repr=False)
    at: Floats = field(repr=False)
    """Unix seconds of simulated time."""
    rssi: npt.NDArray[np.int8] = field(repr=False)


@dataclass(slots=True)
class _Sending:
    """One thing on the air."""

    on_air: OnAir
    since: float
    pdus: int = 0
    next_event: float | None = None
    """When it goes out next; None where that is not decided yet."""


@dataclass(slots=True)
class _Station:
    """One device or source of noise."""

    name: str
    tx_power: float
    body: bool
    duty: Duty
    listening: bool = False
    sending: list[_Sending] = field(default_factory=list)


class Ether:
    """The state of the air of one scenario."""

    def __init__(self, scenario: Scenario, ended: Callable[[Transmission], None] | None = None):
        """*ended* is told of every stretch in which something was on the air, once it is over."""
        self._seed = scenario.seed
        self._place = scenario.air.propagation()
        self._interval = scenario.air.advertising_interval_ms / 1000.0
        self._now = scenario.start.timestamp()
        self._ended = ended
        self._random = np.random.default_rng([scenario.seed, 1])
        things: list[Device | Noise] = [*scenario.devices, *scenario.noise]
        self._stations = [_station(thing, scenario.seed) for thing in things]
        self._devices = {device.name: i for i, device in enumerate(scenario.devices)}
        names = [station.name for station in self._stations]
        self._tx_power = np.array([station.tx_power for station in self._stations])
        self._bodies = np.array([station.body for station in self._stations])
        self._shadows = np.array(
            [[self._place.shadow(scenario.seed, a, b) for b in names] for a in names]
        )
        self._reach = np.array([self._place.reach(float(tx)) for tx in self._tx_power])
        self._movement = Movement([thing.path for thing in things], self._now)
        self._leg = self._movement.leg(self._now)
        self._audience: list[tuple[int, npt.NDArray[np.intp]]] = []
        self._headings: tuple[int, Floats] = (-1, np.zeros(len(names)))
        self._heard: dict[str, list[Batch]] = {}
        for index, noise in enumerate(scenario.noise, len(scenario.devices)):
            payload = bytes.fromhex(noise.payload)
            on_air = OnAir(_steady_address(noise.name), payload)
            self._stations[index].sending = [_Sending(on_air, self._now)]
        self._gather()

    @property
    def now(self) -> float:
        """Simulated Unix seconds up to which everything is decided."""
        return self._now

    def knows(self, device: str) -> bool:
        return device in self._devices

    def duty(self, device: str) -> Duty:
        return self._stations[self._devices[device]].duty

    def listen(self, device: str, listening: bool, at: float) -> None:
        """Switch the receiver of *device* on or off."""
        self._run(at)
        self._stations[self._devices[device]].listening = listening
        self._gather()

    def put(self, device: str, on_air: Sequence[OnAir], at: float) -> None:
        """Replace all that *device* has on the air, at once and as a whole."""
        self._run(at)
        station = self._stations[self._devices[device]]
        self._end(station)
        station.sending = [_Sending(each, self._now) for each in on_air]
        self._gather()

    def advance(self, until: float) -> dict[str, list[Batch]]:
        """Let time go on and return what each listening device received since the last call."""
        self._run(until)
        heard, self._heard = self._heard, {}
        return heard

    def deafen(self) -> None:
        """Switch every receiver off: time may then go on without work."""
        for station in self._stations:
            station.listening = False
        self._gather()

    def close(self) -> None:
        """Take everything off the air."""
        for station in self._stations:
            self._end(station)
            station.sending = []
        self._gather()

    def _end(self, station: _Station) -> None:
        if self._ended is not None:
            for each in station.sending:
                self._ended(
                    Transmission(station.name, each.on_air, each.since, self._now, each.pdus)
                )

    def _gather(self) -> None:
        """Work out who may hear whom in this leg, as things are now."""
        listening = np.array([station.listening for station in self._stations])
        near = self._leg.nearest <= self._reach[:, None]
        np.fill_diagonal(near, val=False)
        self._audience = []
        for sender, station in enumerate(self._stations):
            receivers = np.flatnonzero(near[sender] & listening)
            if station.sending and receivers.size:
                self._audience.append((sender, receivers))
            else:
                for each in station.sending:
                    each.next_event = None

    def _run(self, until: float) -> None:
        while self._now < until:
            if self._now >= self._leg.end:
                self._leg = self._movement.leg(self._now)
                self._gather()
            end = min(until, self._leg.end)
            if self._audience:
                turn = (self._now // TURN_SECONDS + 1.0) * TURN_SECONDS
                end = min(end, turn)
                self._stretch(self._now, end)
            self._now = end

    def _stretch(self, start: float, end: float) -> None:
        """Send and receive within [*start*, *end*): nobody turns, starts or stops, all walk
        straight."""
        position = self._leg.position(start)
        headings = self._facing(start)
        survives = self._survival(position)
        for sender, receivers in self._audience:
            for sending in self._stations[sender].sending:
                events = self._events(sending, start, end)
                if events.size:
                    payload = sending.on_air.payload
                    self._receive(
                        sender, payload, receivers, events, start, position, headings, survives
                    )

    def _events(self, sending: _Sending, start: float, end: float) -> Floats:
        """Return the advertising events of *sending* in [*start*, *end*)."""
        first = sending.next_event
        if first is None:
            first = start + self._interval * float(self._random.random())
        if first >= end:
            sending.next_event = first
            return np.empty(0)
        most = int((end - first) / self._interval) + 1
        gaps = self._interval + ADV_DELAY * self._random.random(most)
        times = np.concatenate(([first], first + np.cumsum(gaps)))
        sent = int(np.searchsorted(times, end))
        sending.next_event = float(times[sent])
        sending.pdus += sent
        return times[:sent]

    def _receive(
        self,
        sender: int,
        payload: bytes,
        receivers: npt.NDArray[np.intp],
        events: Floats,
        start: float,
        position: Floats,
        headings: Floats,
        survives: Floats,
    ) -> None:
        apart = (position[receivers] - position[sender])[:, None, :]
        drift = (self._leg.velocity[receivers] - self._leg.velocity[sender])[:, None, :]
        if drift.any():
            apart = apart + drift * (events - start)[None, :, None]
        east, north = apart[..., 0], apart[..., 1]
        mean = (
            self._tx_power[sender]
            - self._place.mean_loss(np.hypot(east, north))
            - self._shadows[sender, receivers][:, None]
        )
        if self._bodies[sender] or self._bodies[receivers].any():
            bearing = np.arctan2(north, east)
            in_the_way = self._bodies[sender] * body_factor(headings[sender], bearing)
            in_the_way = in_the_way + self._bodies[receivers][:, None] * body_factor(
                headings[receivers][:, None], bearing + np.pi
            )
            mean = mean - self._place.body_loss * in_the_way
        shape = (receivers.size, events.size)
        level = mean + self._place.fading_sd * self._random.standard_normal(shape)
        received = (level >= self._place.sensitivity) & (
            self._random.random(shape) < survives[receivers, None]
        )
        rssi = np.clip(np.rint(level), -126, 20).astype(np.int8)
        for row, receiver in enumerate(receivers):
            station = self._stations[receiver]
            arrived = received[row]
            if station.duty.share < 1.0:
                arrived = arrived & station.duty.listening(events)
            if arrived.any():
                batch = Batch(payload, events[arrived], rssi[row, arrived])
                self._heard.setdefault(station.name, []).append(batch)

    def _survival(self, position: Floats) -> Floats:
        """Return for each receiver the chance that a packet is neither hit nor lost."""
        apart = position[:, None, :] - position[None, :, :]
        level = self._tx_power[:, None] - self._place.mean_loss(np.hypot(*np.moveaxis(apart, 2, 0)))
        audible = level >= self._place.sensitivity
        np.fill_diagonal(audible, val=False)
        sending = np.array([len(station.sending) for station in self._stations])
        others = np.maximum((audible * sending[:, None]).sum(axis=0) - 1, 0)
        rate = others / (self._interval + ADV_DELAY / 2.0)
        return (1.0 - self._place.packet_loss) * (1.0 - collision_probability(rate))

    def _facing(self, at: float) -> Floats:
        """Return the way each body faces, radians: drawn for each of its turns, by seed."""
        turn = int(at // TURN_SECONDS)
        if self._headings[0] != turn:
            drawn = [
                np.random.default_rng([self._seed, crc32(s.name.encode()), turn]).random()
                if s.body
                else 0.0
                for s in self._stations
            ]
            self._headings = (turn, 2.0 * np.pi * np.array(drawn))
        return self._headings[1]


def _station(thing: Device | Noise, seed: int) -> _Station:
    if isinstance(thing, Device):
        return _Station(thing.name, thing.tx_power, thing.body, thing.duty(seed))
    return _Station(thing.name, thing.tx_power, body=False, duty=Duty())


def _steady_address(name: str) -> bytes:
    """Return a random *static* address (top bits 11): things that are not ours do not rotate."""
    return b"\xc0\x00" + crc32(name.encode()).to_bytes(4, "big")
