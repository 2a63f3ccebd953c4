"""One way to write each thing: every other writing, and every other signature, is refused."""

import tracemalloc
from base64 import b64encode
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.crypto.cose import (
    are_whole,
    decode,
    decode_map,
    decode_padded_map,
    encode,
    key_id_of,
    public_bytes,
    read_public_key,
    read_signed,
    sign,
)
from bluezone_node.errors import BadInput

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SPKI = KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.binary() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.integers(0, 2**64 - 1) | st.text(), inner, max_size=4)
    ),
    max_leaves=12,
)


def reason_of(data: bytes) -> str:
    """Return why *data* is not decoded."""
    with pytest.raises(BadInput) as refused:
        decode(data)
    return refused.value.reason


@given(plain)
def test_what_was_written_is_read(value: object) -> None:
    """Every value that something of ours may hold comes back, within the depth allowed."""
    data = encode(value)
    if _depth(value) <= 8:
        assert decode(data) == value
    else:
        assert reason_of(data) == "cbor_malformed"


def _depth(value: object) -> int:
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    return 0


@pytest.mark.parametrize(
    "data",
    [
        "",
        "1800",  # 0 in two bytes
        "190001",  # 1 in three
        "5801aa",  # a length in two bytes
        "a202000100",  # keys out of order
        "a201000100",  # a key twice
        "a2 0100 f500",  # 1 and True, which are one key to a dictionary
        "9f00ff",  # an array without an end told before
        "5f4100ff",
        "bf0100ff",
        "0000",  # something after it
        "61ff",  # no UTF-8
        "63eda080",  # a surrogate
        "fb3ff8000000000000",  # 1.5 in eight bytes
        "5bffffffffffffffff",  # longer than the world
        "9bffffffffffffffff",
        "bbffffffffffffffff",
        "1c",
        "ff",
        "81" * 9 + "00",  # too deep
        "81" * 5000 + "00",
        "a1" * 5000,
    ],
)
def test_another_writing_is_refused(data: str) -> None:
    """Whatever is not the one way to write it, or nothing at all, has one reason."""
    assert reason_of(bytes.fromhex(data.replace(" ", ""))) == "cbor_malformed"


def test_no_tag_is_followed() -> None:
    """Dates, big numbers, expressions, references: whatever the library would make of one."""
    for tag in (*range(300), 1004, 43_000, 55_799, 2**32):
        head = encode(tag)
        tagged = bytes([head[0] | 0xC0]) + head[1:]
        for content in ("00", "4101", "6161", "820102", "a0"):
            whole = tagged + bytes.fromhex(content)
            assert reason_of(whole) == reason_of(b"\x81" + whole) == "cbor_malformed"


def test_references_do_not_unfold() -> None:
    """Seven levels of eight references each to the level before would be two million items."""
    data = bytes.fromhex("d81c 88") + bytes.fromhex("00" * 8)
    for level in range(6):
        data = bytes.fromhex("88") + data + bytes.fromhex("d81d") * 7 + bytes([level]) * 7
    assert reason_of(data) == "cbor_malformed"
    # A text of 40 kB and references to it, which are two bytes each.
    names = bytes.fromhex("d90100 992001 799c40") + b"a" * 40_000 + bytes.fromhex("d81900") * 8192
    assert reason_of(names) == "cbor_malformed"


@given(st.binary(max_size=64))
def test_any_bytes_are_a_value_or_are_refused(data: bytes) -> None:
    """No input raises anything but the named reason, and what is read is written the same."""
    for read in (decode, decode_map, decode_padded_map, read_signed):
        try:
            value = read(data)
        except BadInput:
            continue
        if read is decode:
            assert encode(value) == data


@pytest.mark.parametrize(
    "data", [b"\x01", b"\x80", b"\xa1\x61a\x00", b"\xa1\xf5\x00", b"\xa1\x20\x00"]
)
def test_a_map_has_whole_numbers_for_keys(data: bytes) -> None:
    """Anything else is refused; a truth value is no number, and -1 none of a field."""
    assert decode(data) in (1, [], {"a": 0}, {True: 0}, {-1: 0})
    with pytest.raises(BadInput):
        decode_map(data)


def test_a_signature_has_one_form() -> None:
    """The bytes are those of the protocol's page, the same in every run."""
    payload = b"\xa1\x01\x01"
    signed = sign(payload, KEY)
    assert signed == sign(payload, KEY)
    assert signed[:7].hex() == "844da201270448"
    assert signed[7:15] == key_id_of(public_bytes(KEY))
    assert signed[15:17].hex() == "a043"
    taken = read_signed(signed)
    assert (taken.payload, taken.key_id) == (payload, signed[7:15])
    assert taken.verify(public_bytes(KEY))
    assert not taken.verify(bytes(32))
    assert not taken.verify(b"short")
    assert payload.hex() not in repr(taken)


def test_no_bit_of_a_signature_can_be_another() -> None:
    """Each single one is refused, or names another key, or the key did not sign that."""
    whole = sign(encode({1: "a", 2: b"b" * 20}), KEY)
    for bit in range(len(whole) * 8):
        data = bytearray(whole)
        data[bit // 8] ^= 1 << bit % 8
        try:
            taken = read_signed(bytes(data))
        except BadInput:
            continue
        assert taken.key_id != key_id_of(public_bytes(KEY)) or not taken.verify(public_bytes(KEY))


PROTECTED = encode({1: -8, 4: key_id_of(public_bytes(KEY))})


@pytest.mark.parametrize(
    "value",
    [
        [PROTECTED, {}, b"", bytes(63)],
        [PROTECTED, {}, b""],
        [PROTECTED, {}, b"", bytes(64), 0],
        [PROTECTED, {4: b"key"}, b"", bytes(64)],
        [PROTECTED, {}, "", bytes(64)],
        [PROTECTED, {}, None, bytes(64)],
        [PROTECTED, {}, b"", "a" * 64],
        [encode({1: -7, 4: bytes(8)}), {}, b"", bytes(64)],
        [encode({1: -8}), {4: bytes(8)}, b"", bytes(64)],
        [encode({1: -8, 4: bytes(7)}), {}, b"", bytes(64)],
        [encode({1: -8, 2: [9], 4: bytes(8)}), {}, b"", bytes(64)],
        {},
    ],
)
def test_other_signatures_are_refused(value: object) -> None:
    """Another algorithm, header, length or type: nothing is left to be interpreted."""
    with pytest.raises(BadInput) as refused:
        read_signed(encode(value))
    assert refused.value.reason == "cose_malformed"


@pytest.mark.parametrize("length", [0, 23, 24, 255, 256, 65_535, 65_536])
def test_a_payload_of_any_length_is_taken_out(length: int) -> None:
    """Its length has one writing; one written longer is another text for the same."""
    payload = bytes(length)
    whole = sign(payload, KEY)
    assert read_signed(whole).payload == payload
    begins = len(whole) - 66 - length
    for first, size in ((b"\x58", 1), (b"\x59", 2), (b"\x5a", 4), (b"\x5b", 8)):
        if 16 + 1 + size > begins:
            with pytest.raises(BadInput):
                read_signed(whole[:16] + first + length.to_bytes(size) + whole[begins:])


def test_what_a_stranger_sends_is_not_decoded() -> None:
    """Two million empty arrays in the place of a payload are refused unseen, in no memory."""
    whole = sign(b"", KEY)
    tracemalloc.start()
    try:
        with pytest.raises(BadInput):
            read_signed(whole[:16] + b"\x9a\x00\x1e\x84\x80" + b"\x80" * 2_000_000 + whole[17:])
        assert tracemalloc.get_traced_memory()[1] < 12_000_000
    finally:
        tracemalloc.stop()


def test_truth_is_no_number() -> None:
    """A pattern takes True for 1; this does not."""
    assert are_whole(0, 1, 2**63)
    assert not are_whole(1, True)
    assert not are_whole(None)


def test_a_tagged_signature_is_refused() -> None:
    """The tag 18 would be a second way to write the same card."""
    with pytest.raises(BadInput):
        read_signed(b"\xd2" + sign(b"", KEY))


@pytest.mark.parametrize(
    "text",
    [
        PEM,
        PEM.decode(),
        b64encode(SPKI),
        b64encode(SPKI[-32:]) + b"\n",
        SPKI[-32:].hex(),
        SPKI[-32:],
    ],
)
def test_a_public_key_is_read_in_any_usual_form(text: str | bytes) -> None:
    """However it was handed over, it is the same 32 bytes."""
    assert read_public_key(text) == public_bytes(KEY)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "public_key_malformed"),
        ("khóa", "public_key_malformed"),
        ("ab" * 31, "public_key_malformed"),
        (b"a" * 32, "public_key_malformed"),
        ("\ud800", "public_key_malformed"),
        ("x" * 64, "public_key_malformed"),
        (b64encode(SPKI[:-1]), "public_key_malformed"),
        (
            KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
            "public_key_is_private",
        ),
        (
            ec.generate_private_key(ec.SECP256R1())
            .public_key()
            .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            "public_key_not_ed25519",
        ),
    ],
)
def test_an_unusable_public_key_is_refused_by_name(text: str | bytes, reason: str) -> None:
    """Each mistake with a public key has a name of its own."""
    with pytest.raises(BadInput) as refused:
        read_public_key(text)
    assert refused.value.reason == reason


@given(st.one_of(st.binary(), st.text()))
def test_any_text_is_a_public_key_or_is_refused(text: str | bytes) -> None:
    """No input raises anything but the named reason."""
    with suppress(BadInput):
        assert len(read_public_key(text)) == 32
