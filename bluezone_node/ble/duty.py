"""When a receiver is on: always, or for a window in every period."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Duty:
    """On during [phase, phase + window) of every period; seconds of Unix time."""

    window: float = 1.0
    period: float = 1.0
    """At least the window; equal: always on."""
    phase: float = 0.0

    @property
    def share(self) -> float:
        return self.window / self.period

    def listening(self, at: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Tell for each instant whether the receiver is on."""
        return (at - self.phase) % self.period < self.window

    def seconds(self, start: float, end: float) -> float:
        """Return how many of the seconds in [start, end) the receiver is on."""
        return self._until(end) - self._until(start)

    def _until(self, at: float) -> float:
        """Return the seconds on between the phase and *at*."""
        whole = math.floor((at - self.phase) / self.period)
        rest = at - self.phase - whole * self.period
        return whole * self.window + min(rest, self.window)
