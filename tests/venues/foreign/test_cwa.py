"""Germany's posters and warnings, by the rules of the Corona-Warn-App."""

import json
from base64 import b32encode, b64decode
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from bluezone_node.venues.foreign import ForeignKind, ForeignPlace, read_foreign
from tests.venues.foreign import codes
from tests.venues.foreign.codes import base64url, cwa_payload, message

START, END = 1_637_000_000, 1_637_010_000


def read(text: str) -> ForeignPlace:
    """Return the place, which is Germany's in any case."""
    place = read_foreign(text)
    assert place is not None
    assert place.kind is ForeignKind.CWA
    return place


@pytest.fixture
def published(vectors: Path) -> dict[str, Any]:
    """The published examples."""
    found = json.loads((vectors / "presence_interop_vectors.json").read_text())
    published: dict[str, Any] = found["cwa"]
    return published


def test_the_published_location(published: dict[str, Any]) -> None:
    """Its id is the published one; its seed of four bytes is none that the app takes."""
    payload = b64decode(published["payload_b64"])
    place = read(codes.cwa(payload))
    assert place.name == "My Birthday Party"
    assert place.address == "at my place"
    location_id = b64decode(published["location_id_b64"])
    assert bytes.fromhex(place.id) == location_id
    assert place.listed_as == sha256(location_id).hexdigest()
    assert (place.valid, place.reason) == (False, "cwa_seed")


@pytest.mark.parametrize(
    "text",
    [
        "https://e.coronawarn.app?v=1#{}",
        "https://e.coronawarn.app/?v=1#{}",
        "HTTPS://E.CoronaWarn.APP?V=1#{}",
        "https://other.example/vendor/7#more/CWA1/{}",
        "https://other.example/vendor/7#/CWA1/{}",
    ],
)
def test_the_ways_to_carry_it(text: str) -> None:
    """Any case of the link, and a third party's around it."""
    payload = cwa_payload()
    place = read(text.format(base64url(payload)))
    assert place.valid
    assert place.id == sha256(b"CWA-GUID" + payload).hexdigest()
    assert (place.name, place.address) == ("Bäckerei Schmidt", "Hauptstr. 1, Köln")
    assert place.window is None


def test_another_version_is_named_as_that() -> None:
    """It is Germany's all the same."""
    place = read(codes.cwa(cwa_payload()).replace("v=1", "v=2"))
    assert (place.valid, place.reason) == (False, "cwa_version")


def test_base32_in_either_case() -> None:
    """It is told from base64 by what comes out."""
    payload = cwa_payload()
    text = "HTTPS://E.CORONAWARN.APP/?V=1#" + b32encode(payload).decode()
    for code in (text, text.rstrip("="), text.lower()):
        assert read(code).id == sha256(b"CWA-GUID" + payload).hexdigest()
    assert read("https://e.coronawarn.app?v=1#AAAAAAAA1").reason == "base64_malformed"


@pytest.mark.parametrize(
    ("times", "window"),
    [
        ({}, None),
        ({"f5": 0, "f6": 0}, None),
        ({"f5": START, "f6": END}, (START, END)),
        ({"f5": START, "f6": START}, (START, START)),
        ({"f6": END}, (0, END)),
    ],
)
def test_times_that_the_app_takes(times: dict[str, int], window: tuple[int, int] | None) -> None:
    """None, in order, equal, or an end alone."""
    place = read(codes.cwa(cwa_payload(**times)))
    assert place.valid
    expected = window and tuple(datetime.fromtimestamp(each, UTC) for each in window)
    assert place.window == expected


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (cwa_payload(f5=START), "cwa_window"),
        (cwa_payload(f5=END, f6=START), "cwa_window"),
        (cwa_payload(f5=1, f6=2**64 - 1), "window_malformed"),
        (cwa_payload(f2=""), "text_malformed"),
        (cwa_payload(f3=""), "text_malformed"),
        (cwa_payload(f2="A \n B"), "text_malformed"),
        (cwa_payload(f3="A \r B"), "text_malformed"),
        (cwa_payload(f2="x" * 256), "text_malformed"),
        (cwa_payload(f3="x" * 256), "text_malformed"),
        (cwa_payload(f2=5), "protobuf_malformed"),
        (cwa_payload(f5="x"), "protobuf_malformed"),
        (cwa_payload(seed=bytes(15)), "cwa_seed"),
        (cwa_payload(seed=bytes(17)), "cwa_seed"),
        (cwa_payload(seed=b""), "cwa_seed"),
        (message(f1=1), "text_malformed"),
        (cwa_payload() + b"\x12\x00", "protobuf_malformed"),
        (cwa_payload() + b"\x0b", "protobuf_malformed"),
        (cwa_payload() + b"\x00\x00", "protobuf_malformed"),
        (cwa_payload() + b"\xff" * 11, "protobuf_malformed"),
        (cwa_payload() + b"\x28" + b"\xff" * 9 + b"\x02", "protobuf_malformed"),
        (cwa_payload() + b"\x2a\x05x", "protobuf_malformed"),
        (cwa_payload()[:-3], "protobuf_malformed"),
        (b"\x08\x01\x12\x02\x12\x01", "protobuf_malformed"),
        (b"\x08\x01\x12\x03\x12\x01\xff", "protobuf_malformed"),
        (b"\x08\x01" + b"".join(message(**{f"f{n}": 0}) for n in range(10, 90)),
         "protobuf_malformed"),
    ],
)  # fmt: skip
def test_what_the_app_would_not_take(payload: bytes, reason: str) -> None:
    """It is Germany's, is not valid, and says why."""
    place = read(codes.cwa(payload))
    assert (place.valid, place.reason) == (False, reason)


def test_what_is_not_asked_for_is_skipped() -> None:
    """Later versions of the app may add fields of every kind."""
    more = message(f9=5, f10="x") + b"\x5d" + bytes(4) + b"\x61" + bytes(8)
    assert read(codes.cwa(cwa_payload() + more)).valid
    assert read(codes.cwa(cwa_payload(f2="x" * 255))).valid
