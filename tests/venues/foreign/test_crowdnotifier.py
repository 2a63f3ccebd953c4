"""Switzerland's posters: both layouts, and what is derived from the bytes as printed."""

from datetime import UTC, datetime
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bluezone_node.venues.foreign import ForeignKind, ForeignPlace, crowdnotifier, read_foreign
from tests.venues.foreign import codes
from tests.venues.foreign.codes import crowdnotifier_payload, message

START, END = 1_637_000_000, 1_637_010_000


def read(text: str) -> ForeignPlace:
    """Return the place, which is Switzerland's in any case."""
    place = read_foreign(text)
    assert place is not None
    assert place.kind is ForeignKind.CROWDNOTIFIER
    return place


@pytest.mark.parametrize(
    ("payload", "start", "identity"),
    [
        (
            b"Parse this as bytes",
            12,
            "166c3a8cf1f168f0664f17dec7ca1af5377188762568582014a40764768539e0",
        ),
        (
            b"Another Identity Test",
            886_432,
            "334c02682989c3489978dffffe9f377d67000f93e384c88ead006eb12ca2cce8",
        ),
    ],
)
def test_the_published_identities(payload: bytes, start: int, identity: str) -> None:
    """As in the vectors of the published library: that of an hour follows from our id."""
    secret = HKDF(SHA256(), 96, b"", b"CrowdNotifier_v3").derive(payload)[32:64]
    hour = (3600).to_bytes(4) + start.to_bytes(8)
    time_key = sha256(b"CN-TIMEKEY" + hour + secret).digest()
    made = sha256(b"CN-ID" + crowdnotifier.pre_identity(payload) + hour + time_key)
    assert made.hexdigest() == identity


@pytest.mark.parametrize(
    ("times", "window"),
    [
        ({}, None),
        ({"f5": START, "f6": END}, (START, END)),
        ({"f4": START, "f5": END}, (START, END)),
        ({"f6": END}, (0, END)),
    ],
)
def test_both_layouts_of_the_times(times: dict[str, int], window: tuple[int, int] | None) -> None:
    """Fields 5 and 6 as specified, 4 and 5 as the libraries write them."""
    payload = crowdnotifier_payload(**times)
    for version in (3, 4):
        place = read(codes.crowdnotifier(payload, version))
        assert place.valid
        assert (place.name, place.address) == ("Gasthof Bären", "Bern")
        expected = window and tuple(datetime.fromtimestamp(each, UTC) for each in window)
        assert place.window == expected
        nonce = HKDF(SHA256(), 96, b"", b"CrowdNotifier_v3").derive(payload)[:32]
        assert place.id == sha256(b"CN-PREID" + payload + nonce).hexdigest()


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (crowdnotifier_payload(f4=START, f5=END, f6=END), "crowdnotifier_malformed"),
        (crowdnotifier_payload(f4=START, f6=END), "crowdnotifier_malformed"),
        (crowdnotifier_payload(f5=START), "crowdnotifier_malformed"),
        (crowdnotifier_payload(f5=END, f6=START), "crowdnotifier_malformed"),
        (crowdnotifier_payload(f4=END, f5=START), "crowdnotifier_malformed"),
        (crowdnotifier_payload(seed=bytes(16)), "crowdnotifier_malformed"),
        (
            message(f2=message(f2="a", f3="b"), f3=message(f2=bytes(95), f3=bytes(32))),
            "crowdnotifier_malformed",
        ),
        (crowdnotifier_payload(f5=1, f6=10**15), "window_malformed"),
        (crowdnotifier_payload(f2=""), "text_malformed"),
        (crowdnotifier_payload()[:-1], "protobuf_malformed"),
    ],
)
def test_what_the_app_would_not_take(payload: bytes, reason: str) -> None:
    """It is Switzerland's, is not valid, and says why."""
    place = read(codes.crowdnotifier(payload))
    assert (place.valid, place.reason) == (False, reason)


def test_other_versions_are_told_as_that() -> None:
    """Version 2 was another protocol, and 5 is not known."""
    for version in (2, 5):
        place = read(codes.crowdnotifier(crowdnotifier_payload(), version))
        assert place.reason == "crowdnotifier_version"
    assert read("https://qr.notify-me.ch/?v=3#").reason == "base64_malformed"
