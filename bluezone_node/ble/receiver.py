"""From what a radio received to sightings: decode, and count whatever is not one.

Every radio of ours hands its packets to one of these, so that they agree on what is foreign,
what is refused, and under which name.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime

from bluezone_node.ble.frame import Frame, decode, decode_parts, usable_rssi
from bluezone_node.errors import BadFrame
from bluezone_node.ports import HeardFrame
from bluezone_node.proximity.model import Sighting
from bluezone_node.venues.sighting import VenueSighting
from bluezone_node.venues.tags import AirTag

_NOT_OURS = "not_ours"


class Receiver:
    """Counts since it was made."""

    def __init__(self) -> None:
        self.heard = 0
        """Identifiers of people."""
        self.tags = 0
        """Tags of places."""
        self.foreign = 0
        """Well-formed advertisements of others."""
        self.refused: Counter[str] = Counter()
        """Malformed or unusable frames, by reason."""

    def frame(self, payload: bytes, packets: int = 1) -> Frame | AirTag | None:
        """Return what is in a *payload* received *packets* times, or count why there is none."""
        try:
            return decode(payload)
        except BadFrame as bad:
            self._count(bad.reason, packets)
            return None

    def take(self, at: datetime, rssi: int, payload: bytes) -> HeardFrame | None:
        """Return the sighting made of one packet, or count why it is none."""
        frame = self.frame(payload)
        return None if frame is None else self.sighting(at, rssi, frame)

    def take_parts(
        self,
        at: datetime,
        rssi: int,
        services: Collection[str],
        service_data: Mapping[str, bytes],
        manufacturer_data: Mapping[int, bytes],
    ) -> HeardFrame | None:
        """Do as `take` with an advertisement that was cut into its parts (`frame.decode_parts`)."""
        try:
            frame = decode_parts(services, service_data, manufacturer_data)
        except BadFrame as bad:
            self._count(bad.reason)
            return None
        return self.sighting(at, rssi, frame)

    def sighting(self, at: datetime, rssi: int, frame: Frame | AirTag) -> HeardFrame | None:
        """Return the sighting of a *frame* already decoded, or count why it is none."""
        try:
            strength = usable_rssi(rssi)
        except BadFrame as bad:
            self._count(bad.reason)
            return None
        if isinstance(frame, AirTag):
            self.tags += 1
            return VenueSighting(at, frame, strength)
        self.heard += 1
        return Sighting(at, frame.identifier, frame.metadata, strength, frame.protocol)

    def _count(self, reason: str, packets: int = 1) -> None:
        if reason == _NOT_OURS:
            self.foreign += packets
        else:
            self.refused[reason] += packets
