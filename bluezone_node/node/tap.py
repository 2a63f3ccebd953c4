"""Which device is held against the kiosk now.

A wearable has no screen and no reader: held against the kiosk it is by far the loudest thing on
the air.  Nothing of it is kept, and no identifier leaves the process: whoever asks is told a mark,
made under a key that lives as long as the process, and new with each identifier, every 10 to 20
minutes.
"""

import hmac
from collections import deque
from dataclasses import dataclass
from enum import Enum
from statistics import median_low

from bluezone_node.ports import Clock, Entropy, HeardFrame
from bluezone_node.proximity.model import Sighting

TAP_DBM = -42
"""Median level from which a device counts as held: that of two Raspberry Pis 40 cm apart
(−49.7 − 18.3·log10 m, NIST's recordings). Who stands in front of the kiosk at a metre is 8 dB
weaker, and a body between takes 12 more."""

CLEARLY = 10
"""dB above everybody else: twice the distance between first and second would be 6."""

WINDOW = 6.0
"""Seconds that count as now: a kiosk that listens in bursts has one packet every two seconds."""
LEAST_PACKETS = 2
"""A Raspberry Pi reads one packet in five 12 dB too strong; the weaker of two is so once in 25."""

MOST_DEVICES = 200
"""Followed at once: a full hall. A flood takes no more memory than that."""
MOST_PACKETS = 64
"""Of one device: more than ten a second are not needed to tell its level."""

_MARK_BYTES = 8


class NoTap(Enum):
    """Why nobody is held against the kiosk; the value is said to a person."""

    NOBODY = "no device is near enough"
    TWO = "two devices are near"


@dataclass(frozen=True, slots=True)
class Tap:
    """Who is held against the kiosk."""

    tap: str
    """Mark of the device; empty: none."""
    why: str
    """Why there is none."""


class TapWatch:
    """Remembers the levels of the last seconds, and nothing else."""

    def __init__(self, clock: Clock, entropy: Entropy) -> None:
        self._clock = clock
        self._key = entropy(32)
        self._levels: dict[bytes, deque[tuple[float, int]]] = {}

    def hear(self, frame: HeardFrame) -> None:
        """Take note of an identifier; tags of places are not held against anything."""
        if not isinstance(frame, Sighting):
            return
        levels = self._levels.get(frame.identifier)
        if levels is None:
            if len(self._levels) >= MOST_DEVICES:
                self._forget()
                if len(self._levels) >= MOST_DEVICES:
                    return
            levels = self._levels[frame.identifier] = deque(maxlen=MOST_PACKETS)
        levels.append((self._clock.monotonic(), frame.rssi))

    def tap(self) -> Tap:
        """Return which device is held against the kiosk now."""
        self._forget()
        loudness = sorted(
            (
                (median_low(level for _, level in levels), identifier)
                for identifier, levels in self._levels.items()
                if len(levels) >= LEAST_PACKETS
            ),
            reverse=True,
        )
        if not loudness or loudness[0][0] < TAP_DBM:
            return Tap("", NoTap.NOBODY.value)
        if len(loudness) > 1 and loudness[0][0] - loudness[1][0] < CLEARLY:
            return Tap("", NoTap.TWO.value)
        mark = hmac.digest(self._key, loudness[0][1], "sha256")[:_MARK_BYTES]
        return Tap(mark.hex(), "")

    def _forget(self) -> None:
        earliest = self._clock.monotonic() - WINDOW
        for identifier, levels in list(self._levels.items()):
            while levels and levels[0][0] < earliest:
                levels.popleft()
            if not levels:
                del self._levels[identifier]
