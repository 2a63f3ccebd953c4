"""How much too weak a receiver reads: fitted to a known sender at two known distances.

Only an offset is fitted.  The slope stays free space's: two boards a step apart show one tenth
of the span that a slope needs, and a reflection off one wall would tilt it (two Raspberry Pi 3
show 4.8 dB between 1 m and 2 m, which would be an exponent of 1.6).  The second distance is there
to notice what is wrong with the first, and to halve what the room does to one place.

What one pair tells is the sum of two things, how far the sender's radiated power is from what it
tells, and how far this receiver reads from the truth.  They cannot be told apart; all of it is put
down to the receiver.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import log10, sqrt

from bluezone_node.errors import CalibrationRefused
from bluezone_node.proximity.profile import Profile

NEAR = 1.0
FAR = 2.0
"""The two distances, metres: within a room, and beyond the antennas' near field (12 cm)."""

LEAST_PACKETS = 30
"""At each distance. A Raspberry Pi 3 scatters by 7.6 dB from packet to packet, one in five reading
12 dB too strong: the mean of thirty is known to 1.4 dB."""

WIDEST_SPREAD = 14.0
"""dB from packet to packet. A Raspberry Pi 3 at rest shows 6 to 12 in five minutes (NIST's
recordings); more is a receiver that guesses, or people walking through."""

LARGEST_DRIFT = 3.0
"""dB that the halves of one distance may differ by, beyond what their packets' scatter explains:
a factor of 1.4 in distance."""

LEAST_DROP = 2.0
LARGEST_DROP = 12.0
"""dB that 2 m must be weaker than 1 m, and may be. Free space: 6.0; NIST's Raspberry Pis: 4.8.
Less than 2 is not told from not having moved; 12 are four metres in the place of two, or a body
in between (8 to 13 dB)."""

LARGEST_OFFSET = 25.0
"""dB either way. Receivers at one spot differ by 10 to 20; more is a wrong power or distance."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Packets of the peer heard between two looks."""

    at: float
    """Seconds, from any origin: of the later look."""
    packets: int
    level_sum: int
    """Of their levels, dBm."""
    level_squares: int
    """Sum of the squares of their levels, dBm²."""


@dataclass(frozen=True, slots=True)
class Level:
    """How strongly the peer was received at one distance."""

    packets: int
    mean: float
    """dBm: of the levels in dB, never the maximum."""
    spread: float
    """Standard deviation from packet to packet, dB."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What one measurement says about one adapter."""

    made: datetime
    """When, UTC, to the second."""
    radio: str
    """The adapter that received, such as ``bluez:hci0``: it counts for that one only."""
    peer_tx_power: float
    """What the peer tells of its radiated power, dBm."""
    near: Level
    """At 1 m."""
    far: Level
    """At 2 m."""
    offset: float
    """dB to be added to every level that this adapter reads."""
    standard_error: float
    """Of the offset, dB: mostly what the room does to two places, which no number of packets
    averages away."""

    @property
    def peer_radiates(self) -> float:
        """Return what the peer radiates, dBm, if this receiver reads right as it is."""
        return self.peer_tx_power - self.offset


def level_of(batches: Sequence[Batch], metres: float) -> Level:
    """Return how strongly the peer was received, both standing still *metres* apart.

    Raises:
        CalibrationRefused: reason ``too_few_packets``, ``spread_absurd`` or ``moved``.
    """
    packets = sum(batch.packets for batch in batches)
    if packets < LEAST_PACKETS:
        raise CalibrationRefused(
            f"only {packets} packets at {metres:.0f} m: {LEAST_PACKETS} are needed",
            reason="too_few_packets",
            hint="measure longer (--minutes), with node.scan = kiosk, which listens more",
        )
    level = _level(batches)
    if not 0 < level.spread <= WIDEST_SPREAD:
        raise CalibrationRefused(
            f"the levels at {metres:.0f} m spread by {level.spread:.1f} dB: "
            f"more than 0 and at most {WIDEST_SPREAD:.0f} is what a radio at rest shows",
            reason="spread_absurd",
            hint="keep people out of the way; one level only is an adapter that does not measure",
        )
    _refuse_moved(batches, level, metres)
    return level


def calibrate(
    near: Level, far: Level, *, peer_tx_power: float, radio: str, made: datetime, profile: Profile
) -> Calibration:
    """Return the calibration of *radio*, which received *near* at 1 m and *far* at 2 m.

    *profile*: how level and distance go together in line of sight.

    Raises:
        CalibrationRefused: reason ``not_weaker``, ``too_much_weaker`` or ``offset_absurd``.
    """
    drop = near.mean - far.mean
    if drop < LEAST_DROP:
        raise CalibrationRefused(
            f"2 m is {drop:.1f} dB weaker than 1 m: it must be at least {LEAST_DROP:.0f}, "
            "and is 6 in the open",
            reason="not_weaker",
            hint="were the two moved? nobody between them, away from walls and metal; try again",
        )
    if drop > LARGEST_DROP:
        raise CalibrationRefused(
            f"2 m is {drop:.1f} dB weaker than 1 m: it may be at most {LARGEST_DROP:.0f}, "
            "and is 6 in the open",
            reason="too_much_weaker",
            hint="is it 2 m, and nobody in between? leave the antennas as they were; try again",
        )
    places = ((NEAR, near), (FAR, far))
    offsets = [
        peer_tx_power - profile.loss_at_1m - 10 * profile.exponent * log10(metres) - level.mean
        for metres, level in places
    ]
    offset = sum(offsets) / len(offsets)
    if abs(offset) > LARGEST_OFFSET:
        raise CalibrationRefused(
            f"this receiver would read {offset:+.1f} dB from the truth: more than "
            f"{LARGEST_OFFSET:.0f} dB is no receiver's fault alone",
            reason="offset_absurd",
            hint="does the peer really tell that power (--peer-tx-power)? are both antennas on?",
        )
    variances = [profile.link_spread**2 + _mean_error(level) ** 2 for _, level in places]
    standard_error = sqrt(sum(variances)) / len(variances)
    return Calibration(
        made.replace(microsecond=0), radio, peer_tx_power, near, far, offset, standard_error
    )


def _level(batches: Sequence[Batch]) -> Level:
    packets = sum(batch.packets for batch in batches)
    mean = sum(batch.level_sum for batch in batches) / packets
    square = sum(batch.level_squares for batch in batches) / packets
    return Level(packets, mean, sqrt(max(square - mean**2, 0.0)))


def _mean_error(level: Level) -> float:
    return level.spread / sqrt(level.packets)


def _refuse_moved(batches: Sequence[Batch], level: Level, metres: float) -> None:
    middle = (batches[0].at + batches[-1].at) / 2
    halves = [
        [batch for batch in batches if batch.at <= middle],
        [batch for batch in batches if batch.at > middle],
    ]
    if not all(halves):
        return
    first, second = map(_level, halves)
    by_chance = level.spread * sqrt(1 / first.packets + 1 / second.packets)
    drift = second.mean - first.mean
    if abs(drift) > sqrt(LARGEST_DRIFT**2 + (2 * by_chance) ** 2):
        raise CalibrationRefused(
            f"at {metres:.0f} m the second half is {abs(drift):.1f} dB "
            f"{'stronger' if drift > 0 else 'weaker'} than the first",
            reason="moved",
            hint="leave both where they are, and nobody near them, until it says so",
        )
