"""Attenuation: how much of the sent power was lost on the way, in dB.

The one quantity that can be compared between radios, because the sender's power is taken out of
it.  It is not a distance: a body between two people costs as much as several metres (4 to 8 dB
from link to link, on any of the public recordings), and more packets do not average that away.
"""

from collections.abc import Mapping
from math import sqrt

from bluezone_node.proximity.model import RssiHistogram
from bluezone_node.proximity.rounding import half_up

TX_POWER_BOUNDS = (-50, 20)
"""Transmit powers believed, dBm, both inclusive.

Metadata is not authenticated, so a power nobody radiates would buy any attenuation one likes
(bounds of Google's reference implementation, matchingTxPowerLowerBound and …UpperBound).
"""

RASPBERRY_PI_TX_POWER = 12
"""Power assumed of a sender that does not tell it, dBm.

What NIST's Exposure-Notification-on-RPi puts into its metadata: not a measured power, but two
Raspberry Pi 3 then show 59 dB at 1 m and 63 to 64 dB at 2 m, on the scale of GAEN's phones.
"""


STRONGEST_RSSI = -1
"""dBm. Receivers that cannot measure report 0, and nothing real is heard that strong: the strongest
of 17,000 packets between Raspberry Pis half a metre apart was -17."""


def attenuations(tx_power: float, rssi: RssiHistogram, rx_offset: float = 0.0) -> dict[int, int]:
    """Return attenuation in whole dB → packets, for packets sent at *tx_power* dBm.

    *rx_offset* (dB) is added to the signal strength first: how much too weak this receiver
    reads. Less than nothing cannot be lost, so attenuation is at least 0. Levels above
    `STRONGEST_RSSI` are no measurement and left out: what comes back may be empty.
    """
    counts: dict[int, int] = {}
    for level, count in rssi.counts:
        if level > STRONGEST_RSSI:
            continue
        attenuation = max(half_up(tx_power - (level + rx_offset)), 0)
        counts[attenuation] = counts.get(attenuation, 0) + count
    return counts


def mean_and_spread(counts: Mapping[int, int]) -> tuple[float, float]:
    """Return mean and standard deviation of the attenuation over packets, dB.

    The mean and not the median: a Raspberry Pi reads one packet in five 12 dB too strong, and
    the median jumps between its levels where the mean moves steadily.
    """
    packets = sum(counts.values())
    mean = sum(attenuation * count for attenuation, count in counts.items()) / packets
    square = sum((attenuation - mean) ** 2 * count for attenuation, count in counts.items())
    return mean, sqrt(square / packets)
