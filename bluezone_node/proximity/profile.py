"""A profile: how signal strength and distance go together in one kind of surroundings.

Constants are data: profiles are JSON files in ``profiles``, dated, with their source and with the
recordings that they were fitted on, read by `bluezone_node.presets`.
"""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Profile:
    """The constants of the estimator in `distance`; metres, dB and natural logarithms."""

    name: str
    title: str
    source: str
    date: date
    """When the constants were fitted or published."""
    fitted_on: str
    """The recordings behind them: they must be tested on others."""
    note: str
    """What a reader should know: what it is for, and what it is not."""
    loss_at_1m: float
    """Attenuation at one metre, dB, where the sender tells its power as our nodes do."""
    exponent: float
    """Path loss exponent: ten times it is lost with every factor of ten in distance."""
    link_spread: float
    """Standard deviation from link to link at one distance, dB: bodies, pockets, devices, the
    room, and how far the level of these devices may be from `loss_at_1m`.  It stays as long as
    the link does, and no number of packets averages it away."""
    fading: float
    """Standard deviation from minute to minute within a link, dB."""
    packet_spread: float
    """Standard deviation from packet to packet within a minute, dB."""
    typical_distance: float
    """Median distance of those who hear one another, metres."""
    distance_spread: float
    """Standard deviation of the logarithm of that distance."""
    drift: float
    """Standard deviation of the logarithm of the distance after a minute of moving about."""
