"""The air log: what was on the air, from the side of somebody who could see all of it.

One JSON line for every stretch in which a device sent one thing.  It is how a test, or a doubter
with a shell, proves that no address ever carried two identifiers and no identifier two addresses.
It holds what nodes never log: keep it for simulations.
"""

from datetime import datetime
from typing import TextIO

import msgspec

from bluezone_node.ble.ether import Transmission
from bluezone_node.intervals import from_unix


class AirLogLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    device: str
    address: str
    """Six bytes in hexadecimal, most significant first."""
    payload: str
    """The whole advertising payload in hexadecimal."""
    start: datetime
    end: datetime
    """On the air in [start, end) of simulated time."""
    pdus: int
    """Advertising events while anybody was near enough to be able to hear."""


class AirLog:
    """Writes lines as stretches end."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def ended(self, transmission: Transmission) -> None:
        line = AirLogLine(
            transmission.device,
            transmission.on_air.address.hex(),
            transmission.on_air.payload.hex(),
            from_unix(transmission.start),
            from_unix(transmission.end),
            transmission.pdus,
        )
        self._file.write(msgspec.json.encode(line).decode() + "\n")
        self._file.flush()
