"""When a real radio listens: all it can, or a little and often.

A kiosk has power; a wearable has a battery, of which the receiver takes most.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

REPORTS_PER_SECOND = 150.0
"""What a node is willing to take from bluetoothd on average: each report costs both of them some
half a millisecond of a 2.5 GHz core, several times that on a Raspberry Pi.  A crowd that sends
more is listened to in shorter turns: its members are still heard many times a minute."""

REPORTS_PER_TURN = 1500
"""After which a turn ends early: in a crowd, turns and pauses alternate within ten seconds, so that
every neighbour is heard several times in each minute."""

LONGEST_PAUSE = 20.0
"""Seconds: a controller that reports everything at once does not make the node deaf for longer."""


class Way(Enum):
    """How to have more than one sample of a neighbour in ten seconds (see ``bluez_scanner``)."""

    BURSTS = "in bursts"
    SHORT_BURSTS = "in short bursts"
    """Beside the turns in which a chip of Bluetooth 4 sends two things."""
    MONITORED = "with a monitor"


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Turns of listening, and pauses between."""

    listen: float
    """Seconds of one turn."""
    pause: float
    """Seconds between groups of turns; 0: none."""
    turns: int = 1
    """Turns without a pause between. Where the controller reports each neighbour once a turn, more
    turns are more samples."""

    @property
    def share(self) -> float:
        """Share of the time in which the receiver is on."""
        on = self.listen * self.turns
        return on / (on + self.pause)

    def pause_after(self, reports: int, seconds: float) -> float:
        """Return how long to pause when *seconds* of listening brought *reports*."""
        needed = reports / REPORTS_PER_SECOND - seconds
        return max(self.pause, min(needed, LONGEST_PAUSE))


KIOSK: Mapping[Way, Rhythm] = {
    # A controller that drops duplicates reports a neighbour once a scan. Measured on BlueZ 5.66
    # and 5.82: 30 samples a minute, where one scan without end brings 5 to 7.
    Way.BURSTS: Rhythm(listen=1.0, pause=1.0),
    # Each two seconds, or up to 2.1, a kernel gives such a chip the other thing to send under a new
    # address, which a strict one refuses while it listens; then it sends nothing until the next
    # turn. Bursts that begin each two seconds, too, hit all turns for half a minute on end. These
    # hit no more than two in a row, of all turns and of those of either thing.
    Way.SHORT_BURSTS: Rhythm(listen=0.7, pause=0.9),
    # Every packet is reported, so nothing is gained by stopping; a new scan now and then is for the
    # scans that bluetoothd loses.
    Way.MONITORED: Rhythm(listen=60.0, pause=0.0),
}
"""All that power allows."""

WEARABLE: Mapping[Way, Rhythm] = {
    Way.BURSTS: Rhythm(listen=1.0, pause=56.0, turns=4),
    Way.SHORT_BURSTS: Rhythm(listen=1.0, pause=56.0, turns=4),
    Way.MONITORED: Rhythm(listen=4.0, pause=56.0),
}
"""Four seconds a minute, as phones do every few minutes: the receiver is on for 7 % of the time,
and who stays for a minute is heard (docs/install-pi.md works out what it costs and misses)."""
