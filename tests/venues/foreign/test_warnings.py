"""Other countries' published warnings, found and opened with the code of a place."""

import hmac
import json
from base64 import b64decode
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.errors import BadInput
from bluezone_node.venues.foreign import ForeignKind, ForeignPlace, read_foreign
from bluezone_node.venues.foreign.warnings import cwa_key, windows_about
from tests.venues.foreign import codes
from tests.venues.foreign.codes import NHS_KEY, as_json, message

EIGHT, TEN = datetime(2021, 7, 14, 8, tzinfo=UTC), datetime(2021, 7, 14, 10, tzinfo=UTC)
VECTORS = Path(__file__).parents[4] / "shared" / "vectors" / "presence_interop_vectors.json"


def place_of(text: str) -> ForeignPlace:
    found = read_foreign(text, {"7": NHS_KEY.public_key()})
    assert found is not None
    return found


NZ, NHS = place_of(codes.nz()), place_of(codes.nhs())
GERMAN = place_of(codes.cwa(codes.cwa_payload()))


def events(*hashes: str, start: str = "2021-07-14T20:00:00+12:00") -> bytes:
    """Return New Zealand's file, with one event for each of *hashes*."""
    said = [
        {"eventId": "1", "start": start, "end": "2021-07-14T22:00:00+12:00", "glnHash": each}
        for each in hashes
    ]
    return as_json({"items": said})


def venues(*ids: str) -> bytes:
    """Return the NHS's file, with one venue for each of *ids*."""
    window = {"from": "2021-07-14T08:00:00.000Z", "until": "2021-07-14T10:00:00Z"}
    said = [{"id": each, "riskyWindow": window, "messageType": "M1"} for each in ids]
    return as_json({"venues": said})


def test_new_zealand() -> None:
    """By the hash of its number; the events of other places are passed over."""
    assert windows_about(NZ, events("x", NZ.listed_as, "y")) == [(EIGHT, TEN)]
    assert windows_about(NZ, events("x")) == []
    assert refusal(NZ, events(NZ.listed_as, start="2021-07-14T20:00:00")) == "warnings_malformed"


def test_the_nhs() -> None:
    """By its id, as often as it is listed."""
    assert windows_about(NHS, venues("4WT59M5Y", NHS.id, NHS.id)) == [(EIGHT, TEN)] * 2


@pytest.fixture(scope="module")
def german() -> tuple[ForeignPlace, dict[str, bytes]]:
    """Return the place of the published warning, and the warning."""
    if not VECTORS.exists():
        pytest.skip("the interop vectors are not here")
    vector = json.loads(VECTORS.read_text())["cwa"]["enc"]
    parts = {name: b64decode(text) for name, text in vector.items() if name != "record"}
    location = parts["location_id"]
    hashed = sha256(location).hexdigest()
    return ForeignPlace(ForeignKind.CWA, id=location.hex(), listed_as=hashed), parts


def package(place: ForeignPlace, parts: dict[str, bytes]) -> bytes:
    """Return a package of hour 7 with the warning between two of other places."""
    listed = bytes.fromhex(place.listed_as)
    own, other = (
        message(f1=name, f2=parts["iv"], f3=parts["ct"], f4=parts["mac"])
        for name in (listed, bytes(32))
    )
    return message(f1=7, f2="DE") + b"".join(message(f4=each) for each in (other, own, other))


def test_the_published_german_warning(german: tuple[ForeignPlace, dict[str, bytes]]) -> None:
    """Its keys, its authentication and its times are the published ones."""
    place, parts = german
    assert cwa_key(b"CWA-MAC-KEY", parts["location_id"]) == parts["mac_key"]
    assert cwa_key(b"CWA-ENCRYPTION-KEY", parts["location_id"]) == parts["enc_key"]
    record = json.loads(VECTORS.read_text())["cwa"]["enc"]["record"]
    [(start, end)] = windows_about(place, package(place, parts))
    assert (start.timestamp(), end.timestamp()) == (
        record["start"] * 600,
        (record["start"] + record["period"]) * 600,
    )
    assert windows_about(replace(place, listed_as="00" * 32, id="00" * 32), b"") == []


@pytest.mark.parametrize("name", ["iv", "ct", "mac"])
def test_an_altered_german_warning_is_refused(
    german: tuple[ForeignPlace, dict[str, bytes]], name: str
) -> None:
    """A bit in any of its parts, and a part that is cut short."""
    place, parts = german
    for other in (bytes([parts[name][0] ^ 1]) + parts[name][1:], parts[name][:-1]):
        assert refusal(place, package(place, parts | {name: other})) == "warnings_malformed"


def test_a_warning_that_only_the_key_makes_whole_is_refused() -> None:
    """Whoever has the code can authenticate nonsense; it is nonsense all the same."""
    iv, ciphertext = bytes(16), bytes(range(16))
    mac = hmac.digest(cwa_key(b"CWA-MAC-KEY", bytes.fromhex(GERMAN.id)), iv + ciphertext, "sha256")
    parts = {"iv": iv, "ct": ciphertext, "mac": mac}
    assert refusal(GERMAN, package(GERMAN, parts)) == "warnings_malformed"


@pytest.mark.parametrize(
    "published",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b"\xff",
        b'{"items": [{}], "venues": [{}]}',
        b"\x22\x02\x08",
        b"[" * 9999,
        b" " * (8 << 20) + b"  ",
    ],
    ids=range(9),
)
@pytest.mark.parametrize("place", [NZ, NHS], ids=["nz", "nhs"])
def test_what_is_no_such_file_is_refused(place: ForeignPlace, published: bytes) -> None:
    """Nothing, something broken off, something else, too much."""
    assert refusal(place, published) == "warnings_malformed"


def test_where_there_is_nothing_to_look_for() -> None:
    """A country whose warnings are not read here, and a code that names no place."""
    assert refusal(place_of(codes.nsw()), b"{}") == "warnings_unread"
    assert refusal(place_of("NZCOVIDTRACER:AAAA"), events("")) == "warnings_unread"


@given(st.binary(max_size=200))
def test_any_file_is_read_or_refused(published: bytes) -> None:
    """Germany's place against any bytes."""
    with suppress(BadInput):
        assert windows_about(GERMAN, published) == []


def refusal(place: ForeignPlace, published: bytes) -> str:
    """Return why the file is refused."""
    with pytest.raises(BadInput) as refused:
        windows_about(place, published)
    return refused.value.reason
