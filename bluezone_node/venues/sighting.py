"""A tag of some place, heard once: what a radio hands over beside the identifiers of people."""

from dataclasses import dataclass, field
from datetime import datetime

from bluezone_node.venues.tags import AirTag


@dataclass(frozen=True, slots=True)
class VenueSighting:
    """One packet of a place's node."""

    at: datetime
    """When, UTC."""
    tag: AirTag = field(repr=False)
    rssi: int
    """Received signal strength, dBm, −126..20."""
