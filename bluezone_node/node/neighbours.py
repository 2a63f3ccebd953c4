"""Who is near just now, by marks that two people can compare on two screens.

Whether a node is heard shows only on another one, and identifiers are never shown.  A *mark* is
two bytes of a hash of the identifier: enough to find one's own among a room of others, and of no
use beyond that; with the identifier it is gone after 10 to 20 minutes.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from hashlib import sha256

from bluezone_node.ports import Clock, HeardFrame, Radio, RadioCondition
from bluezone_node.proximity.model import Beacon, Sighting
from bluezone_node.venues.tags import AirTag

RECENT = 60.0
"""Seconds for which somebody who was heard counts as near: a wearable listens once in a minute."""

MOST_NEIGHBOURS = 200
"""Remembered at once: a full hall.  A flood of identifiers takes no more memory than that, and
the answer to whoever asks stays short."""

_LABEL = b"bluezone-node neighbour mark\0"


def mark(identifier: bytes) -> str:
    """Return the mark of *identifier*, four hexadecimal digits.

    Among 200 others one bears the same by chance in 1 of 330 cases.
    """
    return sha256(_LABEL + identifier).hexdigest()[:4]


@dataclass(frozen=True, slots=True)
class Neighbour:
    mark: str
    rssi: int
    """Strength of the last packet, dBm."""
    seconds_ago: float
    """When that was."""
    packets: int
    """Heard under this mark, for as long as no minute passed without one."""
    level_sum: int
    """Of the levels of all these packets, dBm: from two answers follows the mean of what was heard
    between them, however seldom one asks."""
    level_squares: int
    """Sum of the squares of these levels, dBm²."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    mark: str
    """Of the identifier on the air; empty while none is."""
    at: float
    """Now, in seconds of the node's clock, which only goes forward."""
    near: tuple[Neighbour, ...]
    """Heard in the last minute, strongest first."""


@dataclass(slots=True)
class _Heard:
    rssi: int
    at: float
    packets: int = 0
    level_sum: int = 0
    level_squares: int = 0


class AttentiveRadio:
    """Any radio, and who was near lately. Satisfies ``ports.Radio`` as the one that it is given."""

    def __init__(self, radio: Radio, clock: Clock) -> None:
        self._radio = radio
        self._clock = clock
        self._mark = ""
        self._heard: dict[str, _Heard] = {}

    def neighbours(self) -> Neighbours:
        now = self._clock.monotonic()
        self._drop_before(now - RECENT)
        near = [
            Neighbour(
                shown,
                heard.rssi,
                now - heard.at,
                heard.packets,
                heard.level_sum,
                heard.level_squares,
            )
            for shown, heard in self._heard.items()
        ]
        near.sort(key=lambda neighbour: -neighbour.rssi)
        return Neighbours(self._mark if self.condition().advertising else "", now, tuple(near))

    @property
    def name(self) -> str:
        return self._radio.name

    async def advertise(self, beacon: Beacon | None, tag: AirTag | None = None) -> None:
        self._mark = "" if beacon is None else mark(beacon.rpi)
        await self._radio.advertise(beacon, tag)

    async def hear(self) -> AsyncIterator[HeardFrame]:
        async for heard in self._radio.hear():
            if isinstance(heard, Sighting):
                self._note(heard)
            yield heard

    def condition(self) -> RadioCondition:
        return self._radio.condition()

    async def check(self) -> None:
        await self._radio.check()

    async def close(self) -> None:
        await self._radio.close()

    def _note(self, sighting: Sighting) -> None:
        now = self._clock.monotonic()
        shown = mark(sighting.identifier)
        before = self._heard.get(shown)
        if before is None and len(self._heard) >= MOST_NEIGHBOURS:
            self._drop_before(now - RECENT)
            if len(self._heard) >= MOST_NEIGHBOURS:
                return
        if before is None or before.at < now - RECENT:
            before = self._heard[shown] = _Heard(sighting.rssi, now)
        before.rssi, before.at = sighting.rssi, now
        before.packets += 1
        before.level_sum += sighting.rssi
        before.level_squares += sighting.rssi**2

    def _drop_before(self, earliest: float) -> None:
        self._heard = {shown: heard for shown, heard in self._heard.items() if heard.at >= earliest}
