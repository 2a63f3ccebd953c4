"""What the air does to a packet: loss over distance, bodies, shadows, fading and collisions.

The defaults describe two Raspberry Pi 3 in line of sight and come from one set of recordings
(NIST, "Exposure Notification on RPi", 17 000 packets at 0.5–10 m), so that they belong together:
−RSSI = 49.7 dB + 18.3 log10(metres), 3.1 dB between links, 7.6 dB between packets of a link,
nothing under −91 dBm.  All levels are in dB or dBm, all functions take numbers or arrays.
"""

import math
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

TX_POWER = 12.0
"""dBm that a Raspberry Pi 3 is taken to radiate until calibrated: what that set's beacons say of
themselves in their metadata, which brings Pi to Pi attenuation near GAEN's phone scale."""

LOSS_AT_1M = 49.7 + TX_POWER
EXPONENT = 1.83
SHADOWING_SD = 3.1
FADING_SD = 7.6
SENSITIVITY = -91.0

BREAKPOINT = 46.0
FAR_EXPONENT = 4.0
"""Metres beyond which the ray off the ground cancels the direct one and loss grows with the
fourth power (two-ray model: 4·h·h/λ with both at 1.2 m and λ = 12.5 cm).  Without it a fit that
holds for ten metres would let two devices hear each other over kilometres."""

BODY_LOSS = 12.6
"""Median difference between the best and the worst of eight directions of a phone on a body at
1.8 m (MIT Lincoln Laboratory, BLE-RSSI-Various-Static-Configurations)."""

PACKET_LOSS = 0.02
"""Raspberry Pis in a hall received 1.86–1.92 of 1.9 packets/s at 2–18 m (Danis et al.)."""

RECIPROCITY = 0.46
"""Correlation of the attenuations A→B and B→A (DP-3T measurements, experiment 05)."""

CLOSEST = 0.1
"""Metres; nearer than this a far-field law means nothing."""

PDU_SECONDS = 44 * 8e-6
"""ADV_NONCONN_IND with 28 bytes of payload on LE 1M: preamble 1, access address 4, header 2,
address 6, payload 28 and CRC 3 bytes, at 8 µs each."""

LOUDEST_TAIL = 4.0
"""Standard deviations of luck that still are worth computing: one packet in 30 000 is above."""


@dataclass(frozen=True, slots=True)
class Propagation:
    """The constants of one place."""

    loss_at_1m: float = LOSS_AT_1M
    """dB between two devices at 1 m, both facing."""
    exponent: float = EXPONENT
    """Up to the breakpoint: 2 in free space, 1.0–1.4 measured among people."""
    shadowing_sd: float = SHADOWING_SD
    """dB; drawn once for each pair of devices."""
    fading_sd: float = FADING_SD
    """dB; drawn for each packet."""
    body_loss: float = BODY_LOSS
    """dB lost straight through one body."""
    sensitivity: float = SENSITIVITY
    """dBm under which nothing is received."""
    packet_loss: float = PACKET_LOSS
    """Share of packets lost for other reasons."""

    def mean_loss(self, distance: Floats) -> Floats:
        """Return the dB lost over *distance* metres."""
        near = np.clip(distance, CLOSEST, BREAKPOINT)
        beyond = np.maximum(distance, BREAKPOINT) / BREAKPOINT
        return (
            self.loss_at_1m
            + 10.0 * self.exponent * np.log10(near)
            + 10.0 * FAR_EXPONENT * np.log10(beyond)
        )

    def reach(self, tx_power: float) -> float:
        """Return the metres beyond which not even a lucky packet is received."""
        luck = LOUDEST_TAIL * math.hypot(self.shadowing_sd, self.fading_sd)
        budget = tx_power - self.sensitivity + luck - self.loss_at_1m
        near = 10.0 * self.exponent * math.log10(BREAKPOINT)
        if budget <= near:
            return math.pow(10.0, budget / (10.0 * self.exponent))
        return BREAKPOINT * math.pow(10.0, (budget - near) / (10.0 * FAR_EXPONENT))

    def shadow(self, seed: int, sender: str, receiver: str) -> float:
        """Return the dB by which this link is worse than its distance, always the same."""
        a, b = crc32(sender.encode()), crc32(receiver.encode())
        common = np.random.default_rng([seed, min(a, b), max(a, b)]).normal()
        own = np.random.default_rng([seed, a, b, 1]).normal()
        share = RECIPROCITY
        return float(self.shadowing_sd * (math.sqrt(share) * common + math.sqrt(1.0 - share) * own))


def body_factor(heading: Floats, bearing: Floats) -> Floats:
    """Return how much of a body is in the way, 0 (facing, the device worn in front) to 1."""
    return (1.0 - np.cos(heading - bearing)) / 2.0


def collision_probability(rate: Floats, duration: float = PDU_SECONDS) -> Floats:
    """Return the chance that a packet is hit, with *rate* packets/s of others in reach.

    A receiver listens on one of the three channels and each advertiser sends one PDU on each,
    so a channel carries every advertiser once per interval.  Two PDUs collide when they start
    less than *duration* apart: 1 − exp(−2·rate·duration), as in unslotted ALOHA.  The stronger
    of two is taken to be lost too.
    """
    return -np.expm1(-2.0 * rate * duration)
