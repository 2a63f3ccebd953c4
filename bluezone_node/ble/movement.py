"""Where everything is: straight walks between the points of a scenario."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from bluezone_node.ble.propagation import Floats
from bluezone_node.ble.scenario import Point


@dataclass(frozen=True, slots=True)
class Leg:
    """A stretch of time in which everything moves in a straight line, or stands."""

    start: float
    end: float
    """Unix seconds; the last leg never ends."""
    origin: Floats = field(repr=False)
    """Positions at the start, metres, one row a device."""
    velocity: Floats = field(repr=False)
    """Metres a second."""
    nearest: Floats = field(repr=False)
    """The least distance of every two within the leg."""

    def position(self, at: float) -> Floats:
        return self.origin + self.velocity * (at - self.start)


class Movement:
    """All legs of a scenario, made when asked for."""

    def __init__(self, paths: Sequence[Sequence[Point]], start: float) -> None:
        """*paths* are in seconds since *start*, which is in Unix seconds."""
        self._times = [np.array([float(point.at) for point in path]) for path in paths]
        self._x = [np.array([point.x for point in path]) for path in paths]
        self._y = [np.array([point.y for point in path]) for path in paths]
        self._bends = sorted({0.0, *(float(point.at) for path in paths for point in path)})
        self._begins = [start + bend for bend in self._bends]

    def leg(self, at: float) -> Leg:
        """Return the leg that *at* falls in."""
        index = max(bisect_right(self._begins, at), 1)
        begin = self._begins[index - 1]
        origin = self._positions(self._bends[index - 1])
        if index == len(self._begins):
            return _leg(begin, np.inf, origin, np.zeros_like(origin))
        end = self._begins[index]
        velocity = (self._positions(self._bends[index]) - origin) / (end - begin)
        return _leg(begin, end, origin, velocity)

    def _positions(self, since: float) -> Floats:
        return np.array(
            [
                (np.interp(since, times, x), np.interp(since, times, y))
                for times, x, y in zip(self._times, self._x, self._y, strict=True)
            ]
        )


def _leg(start: float, end: float, origin: Floats, velocity: Floats) -> Leg:
    apart = origin[:, None, :] - origin[None, :, :]
    drift = velocity[:, None, :] - velocity[None, :, :]
    speed = (drift**2).sum(axis=2)
    # Closest approach of two straight walks, kept within the leg.
    length = end - start if np.isfinite(end) else 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        when = np.where(speed > 0, -(apart * drift).sum(axis=2) / speed, 0.0)
    closest = apart + drift * np.clip(when, 0.0, length)[:, :, None]
    return Leg(start, end, origin, velocity, np.hypot(closest[..., 0], closest[..., 1]))
