"""Which bytes are a beacon, and what is said of the rest."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.ble.frame import (
    BLUEZONE_SERVICE,
    GAEN_SERVICE,
    LEGACY_PAYLOAD_BYTES,
    VENUE_SERVICE,
    Frame,
    decode,
    decode_parts,
    decode_service_data,
    encode,
    service_data_of,
    usable_rssi,
    venue_data_of,
)
from bluezone_node.errors import BadFrame
from bluezone_node.proximity.model import Beacon, IdentifierProtocol
from bluezone_node.venues.tags import AirTag

RPI = bytes(range(0xA0, 0xB0))
AEM = bytes.fromhex("40080000")
BEACON = Beacon(RPI, AEM)
GAEN = Frame(IdentifierProtocol.GAEN, RPI, AEM)

FLAGS = bytes.fromhex("02011a")
UUIDS = bytes.fromhex("03036ffd")
SERVICE_DATA = bytes.fromhex("17166ffd") + RPI + AEM

BLUEZONE_ID = bytes(range(12))
BLUEZONE_UUIDS = bytes.fromhex("0303564e")
BLUEZONE_DATA = bytes.fromhex("0fffb522") + BLUEZONE_ID
BLUEZONE = Frame(IdentifierProtocol.BLUEZONE, BLUEZONE_ID, None)

TAG = AirTag(bytes(range(0x50, 0x5C)), bytes(range(0xE0, 0xEA)))
VENUE_UUIDS = bytes.fromhex("0303514e")
VENUE_DATA = bytes.fromhex("1a16514e10") + TAG.tag + TAG.slot_key

REASONS = {"not_ours", "truncated", "no_identifier", "oversized", "ambiguous", "version"}

IBEACON = bytes.fromhex("02011a1aff4c000215c7afef7b17884f4aa87d691d53bf21c400140014c5")

beacons = st.builds(Beacon, st.binary(min_size=16, max_size=16), st.binary(min_size=4, max_size=4))
tags = st.builds(AirTag, st.binary(min_size=12, max_size=12), st.binary(min_size=10, max_size=10))
others = st.builds(
    lambda kind, data: bytes([len(data) + 1, kind]) + data,
    st.sampled_from([0x01, 0x08, 0x09, 0x0A, 0x19, 0x20, 0x21]),
    st.binary(max_size=12),
)


def outcome(payload: bytes) -> Frame | AirTag | str:
    """Return the frame, or the reason why there is none."""
    try:
        return decode(payload)
    except BadFrame as bad:
        return bad.reason


def test_the_frame_of_an_iphone_and_of_an_android_are_the_same_beacon() -> None:
    """iPhones send flags first, Androids none; both are heard."""
    assert decode(FLAGS + UUIDS + SERVICE_DATA) == GAEN
    assert decode(UUIDS + SERVICE_DATA) == GAEN
    assert decode(SERVICE_DATA) == GAEN


def test_ours_is_byte_for_byte_that_of_an_android() -> None:
    """A node does not stand out among phones, and fits a legacy PDU."""
    assert encode(BEACON) == UUIDS + SERVICE_DATA
    assert len(encode(BEACON)) == 28 <= LEGACY_PAYLOAD_BYTES


@given(beacons)
def test_what_is_encoded_is_decoded(beacon: Beacon) -> None:
    """Encoding loses nothing."""
    assert decode(encode(beacon)) == Frame(IdentifierProtocol.GAEN, beacon.rpi, beacon.aem)


def test_a_tag_fills_a_legacy_pdu_to_the_last_byte() -> None:
    """UUID list, service data, version: 31 bytes, as docs/protocol-places.md has them."""
    assert encode(TAG) == VENUE_UUIDS + VENUE_DATA
    assert len(encode(TAG)) == LEGACY_PAYLOAD_BYTES == 31


@given(tags)
def test_a_tag_that_is_encoded_is_decoded(tag: AirTag) -> None:
    """Encoding loses nothing, whole or in parts."""
    assert decode(encode(tag)) == tag
    assert decode_parts([VENUE_SERVICE], {VENUE_SERVICE: venue_data_of(tag)}, {}) == tag


@given(tags, st.integers(0, 31 * 8 - 1))
def test_a_flipped_bit_never_leaves_the_tag_as_it_was(tag: AirTag, bit: int) -> None:
    """Each bit of a tag's frame counts, but for the flags that are ignored and the list."""
    flipped = bytearray(encode(tag))
    flipped[bit // 8] ^= 1 << bit % 8
    found = outcome(bytes(flipped))
    assert isinstance(found, AirTag) or found in REASONS
    if bit // 8 >= 9:
        assert isinstance(found, AirTag)
        assert found != tag
    elif 4 <= bit // 8 < 8 or (bit // 8 == 8 and bit % 8 >= 4):
        assert isinstance(found, str)


@given(st.binary(max_size=27).map(lambda tail: VENUE_UUIDS + b"\x1a\x16\x51\x4e" + tail))
def test_near_misses_of_a_tag_raise_nothing_but_the_named_refusal(payload: bytes) -> None:
    """The same for bytes that begin like a tag's frame."""
    found = outcome(payload)
    assert isinstance(found, AirTag) or found in REASONS - {"not_ours"}


@given(st.permutations([FLAGS, UUIDS, SERVICE_DATA]), others, st.integers(0, 3))
def test_the_order_of_structures_does_not_matter(
    parts: list[bytes], other: bytes, place: int
) -> None:
    """AD structures come in any order, with others between them."""
    assert decode(b"".join([*parts[:place], other, *parts[place:]])) == GAEN


@pytest.mark.parametrize("parts", [*itertools.permutations([FLAGS, BLUEZONE_UUIDS, BLUEZONE_DATA])])
def test_a_bluezone_phone_is_recognised(parts: tuple[bytes, ...]) -> None:
    """UUID 4E56 and twelve bytes of company 22B5, in any order."""
    assert decode(b"".join(parts)) == BLUEZONE


def test_both_kinds_of_uuid_list_name_a_bluezone_phone() -> None:
    """The list may be marked incomplete and hold other services."""
    assert decode(bytes.fromhex("05020d18564e") + BLUEZONE_DATA) == BLUEZONE


def test_padding_after_the_last_structure_is_ignored() -> None:
    """Some controllers fill reports up to 31 bytes with zeros."""
    assert decode(UUIDS + SERVICE_DATA + b"\0\0\0") == GAEN


@pytest.mark.parametrize(("size", "metadata"), [(16, None), (17, None), (19, None), (20, AEM)])
def test_cut_metadata_is_no_metadata(size: int, metadata: bytes | None) -> None:
    """With 16 to 19 bytes the identifier stands, the metadata does not."""
    assert decode_service_data((RPI + AEM)[:size]) == Frame(IdentifierProtocol.GAEN, RPI, metadata)


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"", "not_ours"),
        (FLAGS, "not_ours"),
        (IBEACON, "not_ours"),
        (bytes.fromhex("05166ffe0102"), "not_ours"),
        (b"\x02\x16\x6f", "not_ours"),
        (BLUEZONE_DATA, "not_ours"),
        (b"\x05", "truncated"),
        (UUIDS + SERVICE_DATA[:-1], "truncated"),
        (SERVICE_DATA + b"\xff\x09", "truncated"),
        (b"\x12\x16\x6f\xfd" + RPI[:15], "no_identifier"),
        (UUIDS, "no_identifier"),
        (BLUEZONE_UUIDS, "no_identifier"),
        (BLUEZONE_UUIDS + b"\x0e\xff\xb5\x22" + BLUEZONE_ID[:11], "no_identifier"),
        (b"\x18\x16\x6f\xfd" + RPI + AEM + b"\0", "oversized"),
        (SERVICE_DATA + SERVICE_DATA, "ambiguous"),
        (VENUE_UUIDS, "no_identifier"),
        (VENUE_UUIDS + b"\x19\x16\x51\x4e" + VENUE_DATA[4:-1], "no_identifier"),
        (b"\x03\x16\x51\x4e", "no_identifier"),
        (b"\x1b\x16\x51\x4e" + VENUE_DATA[4:] + b"\0", "oversized"),
        (VENUE_UUIDS + VENUE_DATA.replace(b"\x4e\x10", b"\x4e\x20"), "version"),
        (b"\x04\x16\x51\x4e\x20", "version"),
        (VENUE_DATA[:-1], "truncated"),
        (VENUE_DATA + VENUE_DATA, "ambiguous"),
        (SERVICE_DATA + VENUE_DATA, "ambiguous"),
        (BLUEZONE_UUIDS + BLUEZONE_DATA + BLUEZONE_DATA, "ambiguous"),
    ],
)
def test_whatever_is_no_beacon_is_refused_by_name(payload: bytes, expected: str) -> None:
    """Each refusal has one stable reason."""
    assert outcome(payload) == expected


@given(st.one_of(st.binary(max_size=64), st.lists(others).map(b"".join)))
def test_no_bytes_raise_anything_but_the_named_refusal(payload: bytes) -> None:
    """Whatever is on the air, the decoder answers or names why not."""
    assert isinstance(outcome(payload), Frame | AirTag) or outcome(payload) in REASONS


@given(st.binary(max_size=24).map(lambda tail: UUIDS + b"\x17\x16\x6f\xfd" + tail))
def test_near_misses_raise_nothing_else_either(payload: bytes) -> None:
    """The same for bytes that begin like a beacon."""
    assert isinstance(outcome(payload), Frame) or outcome(payload) in REASONS - {"not_ours"}


def test_a_beacon_of_the_wrong_size_is_a_mistake_of_ours() -> None:
    """Encoding refuses to put anything else on the air."""
    with pytest.raises(ValueError, match="16 bytes of identifier"):
        encode(Beacon(RPI[:15], AEM))
    with pytest.raises(ValueError, match="12 bytes and 10"):
        encode(AirTag(TAG.tag, TAG.slot_key[1:]))


@pytest.mark.parametrize("rssi", [-126, -60, 0, 20])
def test_a_measured_strength_is_usable(rssi: int) -> None:
    """The whole range of the Core Specification is."""
    assert usable_rssi(rssi) == rssi


@pytest.mark.parametrize(
    ("rssi", "expected"),
    [(127, "no_rssi"), (-127, "no_rssi"), (-128, "rssi_range"), (21, "rssi_range")],
)
def test_an_unknown_strength_is_refused(rssi: int, expected: str) -> None:
    """*Not available* is no measurement."""
    with pytest.raises(BadFrame) as refused:
        usable_rssi(rssi)
    assert refused.value.reason == expected


def test_identifiers_stay_out_of_repr() -> None:
    """A frame may be printed in a bug report."""
    assert RPI.hex() not in repr(GAEN)
    assert repr(RPI)[2:-1] not in repr(GAEN)
    assert repr(TAG) == "AirTag()"


def parted(payload: bytes) -> Frame | AirTag | str:
    """Return what becomes of *payload* when it comes cut into parts, as BlueZ hands it over."""
    services: list[str] = []
    service_data: dict[str, bytes] = {}
    manufacturer: dict[int, bytes] = {}
    at = 0
    while at < len(payload) and payload[at]:
        kind, data = payload[at + 1], payload[at + 2 : at + 1 + payload[at]]
        number = int.from_bytes(data[:2], "little")
        uuid = f"0000{number:04x}-0000-1000-8000-00805f9b34fb"
        if kind in (0x02, 0x03):
            services.append(uuid)
        elif kind == 0x16:
            service_data[uuid] = data[2:]
        elif kind == 0xFF:
            manufacturer[number] = data[2:]
        at += 1 + payload[at]
    try:
        return decode_parts(services, service_data, manufacturer)
    except BadFrame as bad:
        return bad.reason


@pytest.mark.parametrize(
    "payload",
    [
        FLAGS + UUIDS + SERVICE_DATA,
        UUIDS + SERVICE_DATA,
        SERVICE_DATA,
        UUIDS,
        UUIDS + SERVICE_DATA[:-4].replace(b"\x17", b"\x13", 1),
        BLUEZONE_UUIDS + BLUEZONE_DATA,
        BLUEZONE_UUIDS,
        BLUEZONE_DATA,
        VENUE_UUIDS + VENUE_DATA,
        VENUE_DATA,
        VENUE_UUIDS,
        VENUE_UUIDS + VENUE_DATA.replace(b"\x4e\x10", b"\x4e\x20"),
        SERVICE_DATA + VENUE_DATA,
        IBEACON,
    ],
)
def test_whole_or_in_parts_a_payload_is_the_same(payload: bytes) -> None:
    """The simulated air hands over bytes and BlueZ parts: both make the same of them."""
    assert parted(payload) == outcome(payload)


@given(beacons)
def test_what_goes_out_through_bluez_is_the_same_beacon(beacon: Beacon) -> None:
    """The service data of a beacon is what its payload carries."""
    frame = decode_parts([GAEN_SERVICE], {GAEN_SERVICE: service_data_of(beacon)}, {})
    assert frame == decode(encode(beacon))


def test_the_services_are_the_ones_of_the_payload() -> None:
    """UUIDs in text and in bytes name the same services."""
    assert isinstance(parted(UUIDS + SERVICE_DATA), Frame)
    assert decode_parts([BLUEZONE_SERVICE], {}, {0x22B5: BLUEZONE_ID}) == BLUEZONE
