"""Advertising payloads as bluetoothd makes them, and as it takes them apart.

Written for the played BlueZ alone and not from ``bluezone_node.ble.frame``: where the two
disagree about a byte, a test fails.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dbus_next import Variant

LEGACY_BYTES = 31
EXTENDED_BYTES = 251
"""Most bytes of a payload: Bluetooth 4, and what kernels allow with Bluetooth 5."""

_BASE = "-0000-1000-8000-00805f9b34fb"
_LE_ONLY = b"\x02\x01\x04"
"""What the kernel puts in front on an adapter without BR/EDR."""

_TYPES = {
    "Type": "s",
    "ServiceUUIDs": "as",
    "ServiceData": "a{sv}",
    "ManufacturerData": "a{qv}",
    "Includes": "as",
    "LocalName": "s",
    "Discoverable": "b",
    "MinInterval": "u",
    "MaxInterval": "u",
    "TxPower": "n",
    "Duration": "q",
    "Timeout": "q",
    "SecondaryChannel": "s",
}
_INTERVAL = range(20, 10486)
"""Milliseconds that LEAdvertisement1 allows."""


class Unparsable(Exception):
    """bluetoothd would answer *Failed to parse advertisement.*"""


@dataclass(frozen=True, slots=True)
class Advertisement:
    """What a client asked for, in bytes."""

    payload: bytes
    connectable: bool
    interval: tuple[int, int] | None
    """Least and most milliseconds; None where the client said nothing."""


@dataclass(frozen=True, slots=True)
class Report:
    """What one payload says about its sender."""

    uuids: list[str] = field(default_factory=list)
    service_data: dict[str, bytes] = field(default_factory=dict)
    manufacturer_data: dict[int, bytes] = field(default_factory=dict)
    flags: int = 0
    tx_power: int | None = None
    name: str | None = None


def from_properties(
    properties: Mapping[str, Variant], *, most: int, le_only: bool = False, tx_power: int = 4
) -> Advertisement:
    """Make the payload of an LEAdvertisement1 with *properties*; unknown ones are passed over.

    Raises:
        Unparsable: where bluetoothd would not have it.
    """
    for name, variant in properties.items():
        if name in _TYPES and variant.signature != _TYPES[name]:
            raise Unparsable(f"{name} is of type {variant.signature}, not {_TYPES[name]}")
    values = {name: variant.value for name, variant in properties.items()}
    kind = values.get("Type", "broadcast")
    if kind not in ("broadcast", "peripheral"):
        raise Unparsable("no such Type")
    if kind == "broadcast" and (values.get("Discoverable") or 0x01 in values.get("Data", {})):
        raise Unparsable("a broadcast has no flags")
    flags = _LE_ONLY if le_only else b""
    payload = _uuid_lists(values.get("ServiceUUIDs", []))
    for company, data in values.get("ManufacturerData", {}).items():
        payload += _structure(0xFF, struct.pack("<H", company) + _octets(data))
    for text, data in values.get("ServiceData", {}).items():
        uuid = _uuid_bytes(text)
        payload += _structure({2: 0x16, 4: 0x20, 16: 0x21}[len(uuid)], uuid + _octets(data))
    if "LocalName" in values:
        payload += _structure(0x09, values["LocalName"].encode())
    if "tx-power" in values.get("Includes", []) and len(flags + payload) + 3 <= most:
        payload += _structure(0x0A, struct.pack("b", tx_power))
    if len(payload) > most:
        raise Unparsable("too long")
    # The Flags are the kernel's: bluetoothd does not count them, and what they push out is cut.
    return Advertisement((flags + payload)[:most], kind == "peripheral", _interval(values))


def report(payload: bytes) -> Report:
    """Take *payload* apart; what is cut short is passed over, as bluetoothd does."""
    found = Report()
    flags, tx_power, name = 0, None, None
    for kind, data in _structures(payload):
        if kind in (0x02, 0x03):
            found.uuids.extend(_uuid_text(data[at : at + 2]) for at in range(0, len(data) - 1, 2))
        elif kind in (0x06, 0x07):
            found.uuids.extend(_uuid_text(data[at : at + 16]) for at in range(0, len(data), 16))
        elif kind == 0x16 and len(data) >= 2:
            found.service_data[_uuid_text(data[:2])] = data[2:]
        elif kind == 0x21 and len(data) >= 16:
            found.service_data[_uuid_text(data[:16])] = data[16:]
        elif kind == 0xFF and len(data) >= 2:
            found.manufacturer_data[struct.unpack("<H", data[:2])[0]] = data[2:]
        elif kind == 0x01 and data:
            flags = data[0]
        elif kind == 0x0A and data:
            (tx_power,) = struct.unpack("b", data[:1])
        elif kind in (0x08, 0x09):
            name = data.decode(errors="replace")
    return Report(found.uuids, found.service_data, found.manufacturer_data, flags, tx_power, name)


def matches(payload: bytes, pattern: tuple[int, int, bytes], *, payload_after_uuid: bool) -> bool:
    """Tell whether an or-pattern (offset, AD type, content) fits some structure of *payload*.

    *payload_after_uuid*: as bluetoothd of 5.69 and later looks at it (BlueZ issues 652, 901,
    1176): service data is compared behind its UUID, and lists of UUIDs never.
    """
    offset, wanted, content = pattern
    for kind, data in _structures(payload):
        if kind != wanted or (payload_after_uuid and kind in (0x02, 0x03)):
            continue
        subject = data[2:] if payload_after_uuid and kind == 0x16 else data
        if subject[offset : offset + len(content)] == content:
            return True
    return False


def _structures(payload: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 1 < len(payload) and payload[at]:
        end = at + 1 + payload[at]
        if end > len(payload):
            return
        yield payload[at + 1], payload[at + 2 : end]
        at = end


def _structure(kind: int, data: bytes) -> bytes:
    if len(data) > 254:
        raise Unparsable("too long")
    return bytes([len(data) + 1, kind]) + data


def _uuid_lists(texts: list[str]) -> bytes:
    lists = b""
    uuids = [_uuid_bytes(text) for text in texts]
    for size, kind in ((2, 0x03), (4, 0x05), (16, 0x07)):
        if of_size := b"".join(uuid for uuid in uuids if len(uuid) == size):
            lists += _structure(kind, of_size)
    return lists


def _uuid_bytes(text: str) -> bytes:
    """Return the shortest form of a UUID, least significant byte first."""
    plain = text.lower().removeprefix("0x")
    if len(plain) == 36 and plain.endswith(_BASE):
        plain = plain[:8].removeprefix("0000")
    try:
        uuid = bytes.fromhex(plain.replace("-", ""))
    except ValueError:
        raise Unparsable("not a UUID") from None
    if len(uuid) not in (2, 4, 16):
        raise Unparsable("not a UUID")
    return uuid[::-1]


def _uuid_text(little: bytes) -> str:
    digits = little[::-1].hex()
    if len(digits) == 4:
        return f"0000{digits}{_BASE}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _octets(variant: Any) -> bytes:
    if not isinstance(variant, Variant) or variant.signature != "ay":
        raise Unparsable("data is an array of bytes")
    return bytes(variant.value)


def _interval(values: Mapping[str, Any]) -> tuple[int, int] | None:
    if "MinInterval" not in values and "MaxInterval" not in values:
        return None
    least, most = values.get("MinInterval", 0), values.get("MaxInterval", 0)
    for bound in (least, most):
        if bound and bound not in _INTERVAL:
            raise Unparsable("an interval out of range")
    if least > most:
        raise Unparsable("MinInterval must be less than MaxInterval")
    return least, most
