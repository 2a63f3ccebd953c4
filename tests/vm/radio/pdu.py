"""What goes over the air in one advertising event, as a sniffer sees it."""

from dataclasses import dataclass
from enum import IntEnum

ADDRESS_BYTES = 6


class Kind(IntEnum):
    """PDU types, numbered as in a legacy advertising report."""

    ADV_IND = 0
    ADV_DIRECT_IND = 1
    ADV_SCAN_IND = 2
    ADV_NONCONN_IND = 3
    SCAN_RSP = 4
    ADV_EXT_IND = 7


SCANNABLE = (Kind.ADV_IND, Kind.ADV_SCAN_IND)


@dataclass(frozen=True, slots=True)
class Pdu:
    kind: Kind
    address: bytes
    """6 bytes, least significant first, as the host gives it."""
    random: bool
    data: bytes
    tx_power: int
    """dBm."""
    response: bytes = b""
    """What an active scanner is told when it asks."""


def address_text(address: bytes) -> str:
    """Return *address* as people write it, most significant byte first."""
    return ":".join(f"{byte:02X}" for byte in reversed(address))


def address_bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))[::-1]


def address_kind(address: bytes, random: bool) -> str:
    """Return ``public``, ``non-resolvable``, ``resolvable`` or ``static``.

    The two most significant bits of a random address tell (Vol 6 Part B §1.3.2).
    """
    if not random:
        return "public"
    return {0: "non-resolvable", 1: "resolvable", 3: "static"}.get(address[5] >> 6, "reserved")
