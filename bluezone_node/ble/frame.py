"""The advertisement: what a beacon looks like in bytes, and which bytes are a beacon.

An advertising payload is a list of AD structures, ``length type data``, in any order
(Bluetooth Core Specification, Vol 3 Part C §11).  Three kinds are ours:

* GAEN (Exposure Notification Bluetooth Specification v1.2): service data of UUID FD6F, 16 bytes
  of identifier and 4 of encrypted metadata.
* Bluezone v2, Android: UUID 4E56 in a list of services, and 12 bytes of identifier as
  manufacturer data of company 22B5.
* The tag of a place (docs/protocol-places.md): service data of UUID 4E51, one byte of version, 12
  of tag and 10 of slot key, behind a list that names the service: 31 bytes, all that there are.

Everything else is refused with a ``BadFrame`` whose reason is one of:

``not_ours``       well-formed, from somebody else
``truncated``      an AD structure is longer than what is left of the payload
``no_identifier``  says that it is ours and carries no whole identifier
``oversized``      more service data than the protocol has
``version``        the tag of a place, in a later version of its frame
``ambiguous``      two structures that each could be the identifier
``no_rssi``        received without a signal strength (see `usable_rssi`)
``rssi_range``     received with an impossible one
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from bluezone_node.errors import BadFrame
from bluezone_node.proximity.model import Beacon, IdentifierProtocol
from bluezone_node.venues.tags import AIR_TAG_BYTES, SLOT_KEY_BYTES, AirTag

RPI_BYTES = 16
AEM_BYTES = 4
BLUEZONE_ID_BYTES = 12
LEGACY_PAYLOAD_BYTES = 31
"""The most a legacy advertising PDU carries, and all that GAEN may use."""

_INCOMPLETE_UUID16 = 0x02
_COMPLETE_UUID16 = 0x03
_SERVICE_DATA_UUID16 = 0x16
_MANUFACTURER = 0xFF

_GAEN_UUID = b"\x6f\xfd"
_BLUEZONE_UUID = b"\x56\x4e"
_BLUEZONE_COMPANY = b"\xb5\x22"
_VENUE_UUID = b"\x51\x4e"
_BLUEZONE_COMPANY_NUMBER = int.from_bytes(_BLUEZONE_COMPANY, "little")

GAEN_SERVICE = "0000fd6f-0000-1000-8000-00805f9b34fb"
BLUEZONE_SERVICE = "00004e56-0000-1000-8000-00805f9b34fb"
VENUE_SERVICE = "00004e51-0000-1000-8000-00805f9b34fb"
"""The services, as BlueZ writes their UUIDs.  4E51 is nobody's: before a roll-out it is to be
replaced by a number of the Bluetooth SIG (docs/adr/0025)."""

VENUE_DATA_BYTES = 1 + AIR_TAG_BYTES + SLOT_KEY_BYTES
_VENUE_VERSION = 0x10
"""The upper four bits are the version. The lower ones are flags: none yet, and ignored."""

_PREFIX = b"\x03\x03\x6f\xfd\x17\x16\x6f\xfd"
"""UUID list and head of the service data, without flags: byte for byte Android's frame.

iPhones begin with flags and Androids do not, so a third form would single out Linux nodes in a
crowd.  Android's is the one that BlueZ makes of a ``broadcast`` advertisement, and a
non-connectable one needs no flags."""

_VENUE_PREFIX = b"\x03\x03\x51\x4e\x1a\x16\x51\x4e"
"""The list costs four bytes that the slot key could have used; yet bluetoothd's filters look at
lists only, and without one no scanner would be handed the tag."""

_RSSI_UNKNOWN = 127
_RSSI_WEAKEST, _RSSI_STRONGEST = -126, 20
"""Bluetooth Core Specification, Vol 4 Part E §7.7.65.2: −127..20 dBm and 127 for *not available*;
−127 itself is what BlueZ reports for a device that it no longer hears."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One of ours, taken apart."""

    protocol: IdentifierProtocol
    identifier: bytes = field(repr=False)
    """16 bytes (GAEN) or 12 (Bluezone)."""
    metadata: bytes | None = field(repr=False)
    """4 encrypted bytes; None where absent or cut short."""


def encode(sent: Beacon | AirTag) -> bytes:
    """Return the advertising payload for *sent*: 28 bytes for a beacon, 31 for a tag."""
    if isinstance(sent, Beacon):
        return _PREFIX + service_data_of(sent)
    return _VENUE_PREFIX + venue_data_of(sent)


def decode(payload: bytes) -> Frame | AirTag:
    """Take an advertising *payload* apart.

    Raises:
        BadFrame: with one of the reasons of this module, and nothing else, whatever the bytes.
    """
    service_data: bytes | None = None
    venue_data: bytes | None = None
    manufacturer: bytes | None = None
    said: set[bytes] = set()
    position, end = 0, len(payload)
    while position < end:
        length = payload[position]
        if length == 0:
            break  # the rest is padding: reports of some controllers are filled up to 31 bytes
        data_at, position = position + 2, position + 1 + length
        if position > end:
            raise BadFrame("an AD structure is cut off", reason="truncated")
        kind = payload[data_at - 1]
        if kind == _SERVICE_DATA_UUID16:
            uuid = payload[data_at : data_at + 2]
            if uuid == _GAEN_UUID:
                if service_data is not None:
                    raise BadFrame("service data of FD6F comes twice", reason="ambiguous")
                service_data = payload[data_at + 2 : position]
            elif uuid == _VENUE_UUID:
                if venue_data is not None:
                    raise BadFrame("service data of 4E51 comes twice", reason="ambiguous")
                venue_data = payload[data_at + 2 : position]
        elif kind in (_COMPLETE_UUID16, _INCOMPLETE_UUID16):
            said.update(payload[at : at + 2] for at in range(data_at, position, 2))
        elif kind == _MANUFACTURER and payload[data_at : data_at + 2] == _BLUEZONE_COMPANY:
            if manufacturer is not None:
                raise BadFrame("data of company 22B5 comes twice", reason="ambiguous")
            manufacturer = payload[data_at + 2 : position]
    return _judged(
        gaen=service_data,
        venue=venue_data,
        bluezone=manufacturer if _BLUEZONE_UUID in said else None,
        named=not said.isdisjoint((_GAEN_UUID, _BLUEZONE_UUID, _VENUE_UUID)),
    )


def decode_parts(
    services: Collection[str],
    service_data: Mapping[str, bytes],
    manufacturer_data: Mapping[int, bytes],
) -> Frame | AirTag:
    """Take apart what BlueZ hands over: an advertisement that it has already cut into its parts.

    *services* and the keys of *service_data* are UUIDs in their 128-bit text form, those of
    *manufacturer_data* company numbers.

    Raises:
        BadFrame: with one of the reasons of this module.
    """
    return _judged(
        gaen=service_data.get(GAEN_SERVICE),
        venue=service_data.get(VENUE_SERVICE),
        bluezone=manufacturer_data.get(_BLUEZONE_COMPANY_NUMBER)
        if BLUEZONE_SERVICE in services
        else None,
        named=any(one in services for one in (GAEN_SERVICE, BLUEZONE_SERVICE, VENUE_SERVICE)),
    )


def _judged(
    *, gaen: bytes | None, venue: bytes | None, bluezone: bytes | None, named: bool
) -> Frame | AirTag:
    """Return what the data of our services are; *named*: one of them is in a list."""
    if gaen is not None and venue is not None:
        raise BadFrame("an identifier and a tag of a place in one packet", reason="ambiguous")
    if gaen is not None:
        return decode_service_data(gaen)
    if venue is not None:
        return decode_venue_data(venue)
    if bluezone is not None and len(bluezone) == BLUEZONE_ID_BYTES:
        return Frame(IdentifierProtocol.BLUEZONE, bluezone, None)
    if named:
        raise BadFrame("the service is named, its identifier is missing", reason="no_identifier")
    raise BadFrame("an advertisement of another service", reason="not_ours")


def service_data_of(beacon: Beacon) -> bytes:
    """Return the 20 bytes of GAEN service data for *beacon*, without the UUID."""
    if len(beacon.rpi) != RPI_BYTES or len(beacon.aem) != AEM_BYTES:
        raise ValueError("a beacon has 16 bytes of identifier and 4 of metadata")
    return beacon.rpi + beacon.aem


def decode_service_data(data: bytes) -> Frame:
    """Take GAEN service *data* (without its UUID) apart.

    With 16 to 19 bytes the identifier stands and the metadata is unusable, as on phones.  More
    than 20 is refused: a later version of the protocol would say so in the metadata, and iPhones
    refuse it too.

    Raises:
        BadFrame: reason ``no_identifier`` or ``oversized``.
    """
    if len(data) < RPI_BYTES:
        raise BadFrame("fewer than 16 bytes of service data", reason="no_identifier")
    if len(data) > RPI_BYTES + AEM_BYTES:
        raise BadFrame("more than 20 bytes of service data", reason="oversized")
    metadata = data[RPI_BYTES:] if len(data) == RPI_BYTES + AEM_BYTES else None
    return Frame(IdentifierProtocol.GAEN, data[:RPI_BYTES], metadata)


def venue_data_of(tag: AirTag) -> bytes:
    """Return the 23 bytes of service data for *tag*, without the UUID."""
    if len(tag.tag) != AIR_TAG_BYTES or len(tag.slot_key) != SLOT_KEY_BYTES:
        raise ValueError("a tag on the air has 12 bytes and 10 of slot key")
    return bytes([_VENUE_VERSION]) + tag.tag + tag.slot_key


def decode_venue_data(data: bytes) -> AirTag:
    """Take a place's service *data* (without its UUID) apart.

    Raises:
        BadFrame: reason ``no_identifier``, ``oversized`` or ``version``.
    """
    if data and data[0] & 0xF0 != _VENUE_VERSION:
        raise BadFrame("the tag of a place in another version of its frame", reason="version")
    if len(data) < VENUE_DATA_BYTES:
        raise BadFrame("fewer than 23 bytes of a place's data", reason="no_identifier")
    if len(data) > VENUE_DATA_BYTES:
        raise BadFrame("more than 23 bytes of a place's data", reason="oversized")
    return AirTag(data[1 : 1 + AIR_TAG_BYTES], data[1 + AIR_TAG_BYTES :])


def usable_rssi(rssi: int) -> int:
    """Return *rssi* (dBm) where it is a measurement.

    Raises:
        BadFrame: reason ``no_rssi`` (the controller had none) or ``rssi_range``.
    """
    if _RSSI_WEAKEST <= rssi <= _RSSI_STRONGEST:
        return rssi
    if rssi in (_RSSI_UNKNOWN, -127):
        raise BadFrame("received without a signal strength", reason="no_rssi")
    raise BadFrame("received with an impossible signal strength", reason="rssi_range")
