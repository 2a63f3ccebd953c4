"""England's and Wales's posters: a signature by a key that is given, in one form, or nothing."""

import json
from pathlib import Path

import pytest

from bluezone_node.crypto import signing
from bluezone_node.venues.foreign import ForeignKind, ForeignPlace, read_foreign
from tests.venues.foreign.codes import (
    NHS_KEY,
    NHS_OTHER,
    as_json,
    base64url,
    nhs,
    nhs_token,
)

KEYS = {"7": NHS_KEY.public_key(), "8": NHS_OTHER.public_key()}
HEADER = {"alg": "ES256", "typ": "JWT", "kid": "7"}
PAYLOAD = {"id": "8CHARSID", "opn": "The Half Moon"}
PUBLISHED = (
    "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6IjMifQ."
    "eyJpZCI6IjRXVDU5TTVZIiwib3BuIjoiR292ZXJubWVudCBPZmZpY2UgT2YgSHVtYW4gUmVzb3VyY2VzIn0."
    "ZIvwm9rxiRTm4o-koafL6Bzre9pakcyae8m6_MSyvAl-CFkUgfm6gcXYn4gg5OScKZ1-XayHBGwEdps0RKXs4g"
)
"""The token of the published test suite (QrCodeParserTest)."""


def read(text: str, keys: dict[str, signing.PublicKey] | None = None) -> ForeignPlace:
    """Return the place, which is an NHS one in any case."""
    place = read_foreign(text, KEYS if keys is None else keys)
    assert place is not None
    assert place.kind is ForeignKind.NHS
    return place


@pytest.fixture
def published(vectors: Path) -> dict[str, signing.PublicKey]:
    """The key of the published test suite."""
    vector = json.loads((vectors / "presence_interop_vectors.json").read_text())["nhs"]
    return {vector["kid"]: signing.load_public_key(vector["pubkey_der_b64"])}


@pytest.mark.parametrize("version", ["1", "2", "99"])
def test_the_published_poster(published: dict[str, signing.PublicKey], version: str) -> None:
    """It is valid, also in versions to come."""
    place = read(f"UKC19TRACING:{version}:{PUBLISHED}", published)
    assert (place.valid, place.id) == (True, "4WT59M5Y")
    assert place.name == "Government Office Of Human Resources"


@pytest.mark.parametrize(
    "head", ["UKC19TRACING:0:", "UKC19TRACING::", "UKC19TRACING:Z:", "UKC19TRACING:",
             "UKC19TRACING:1:2:", "UKC19TRACING:-1:", "UKC19TRACING:1000000000:"],
)  # fmt: skip
def test_published_cases_that_are_refused(
    published: dict[str, signing.PublicKey], head: str
) -> None:
    """Versions that are none, and parts too few or too many."""
    place = read(head + PUBLISHED, published)
    assert (place.valid, place.reason) == (False, "nhs_malformed")


def test_another_prefix_is_nothing(published: dict[str, signing.PublicKey]) -> None:
    """Without its own it is nobody's."""
    assert read_foreign(f"DEC19TRACING:1:{PUBLISHED}", published) is None
    assert read_foreign(f"1:{PUBLISHED}", published) is None
    assert read("UKC19TRACING:1:$§fg§:", published).reason == "nhs_malformed"


def test_an_address_is_told_where_there_is_one() -> None:
    """Older posters have one; newer ones the district of the post code, or nothing."""
    assert read(nhs()).address == "SE24"
    assert read(nhs(payload=PAYLOAD | {"adr": "10 Half Moon Lane\nLondon"})).address
    assert read(nhs(payload=PAYLOAD)).address == ""


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (HEADER | {"alg": "none"}, "nhs_algorithm"),
        (HEADER | {"alg": "None"}, "nhs_algorithm"),
        (HEADER | {"alg": "HS256"}, "nhs_algorithm"),
        (HEADER | {"alg": "ES384"}, "nhs_algorithm"),
        (HEADER | {"alg": ["ES256"]}, "nhs_algorithm"),
        ({"kid": "7"}, "nhs_algorithm"),
        (HEADER | {"crit": ["exp"]}, "nhs_algorithm"),
        ({"alg": "ES256"}, "nhs_unknown_key"),
        (HEADER | {"kid": 7}, "nhs_unknown_key"),
        (HEADER | {"kid": ["7"]}, "nhs_unknown_key"),
        (HEADER | {"kid": "07"}, "nhs_unknown_key"),
        (HEADER | {"kid": "../7"}, "nhs_unknown_key"),
        (HEADER | {"kid": ""}, "nhs_unknown_key"),
        (HEADER | {"kid": "8"}, "nhs_forged"),
    ],
)
def test_nothing_in_a_header_chooses_how_it_is_verified(
    header: dict[str, object], reason: str
) -> None:
    """No algorithm, another, a key by number, by path or by another's name."""
    place = read(nhs(header))
    assert (place.valid, place.reason) == (False, reason)


def test_a_key_in_the_token_counts_for_nothing() -> None:
    """Whoever forges one can put a key beside it."""
    jwk = {"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"}
    assert read(nhs(HEADER | {"jwk": jwk}, key=NHS_OTHER)).reason == "nhs_forged"
    assert read(nhs(HEADER | {"jwk": jwk})).valid


def test_a_header_with_a_name_twice_is_refused() -> None:
    """One reader would take the first key, another the second."""
    for header in (
        b'{"alg":"ES256","kid":"7","kid":"8"}',
        b'{"alg":"none","kid":"7","alg":"ES256"}',
    ):
        place = read(f"UKC19TRACING:1:{nhs_token(header, as_json(PAYLOAD))}")
        assert (place.valid, place.reason) == (False, "json_malformed")


def test_without_keys_it_is_told_and_not_believed() -> None:
    """Its name can be shown; that it is genuine cannot."""
    place = read_foreign(nhs())
    assert place is not None
    assert (place.valid, place.reason) == (False, "nhs_unknown_key")
    assert place.name == "The Half Moon"


def test_one_writing_of_a_signature_counts() -> None:
    """Not DER, not a longer or shorter one, not other bits where base64 has some to spare."""
    signed, _, signature = nhs().rpartition(".")
    der = signing.sign(NHS_KEY, signed.removeprefix("UKC19TRACING:1:").encode())
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    spare = signature[:-1] + alphabet[alphabet.index(signature[-1]) + 1]
    zeros = base64url(bytes(64))
    for other in (base64url(der), signature + "AA", signature[:-4], spare, zeros, signature[::-1]):
        place = read(f"{signed}.{other}")
        assert (place.valid, place.reason) == (False, "nhs_forged")
    assert read(f"{signed}.").reason == "nhs_malformed"
    assert read(signed).reason == "nhs_malformed"


def test_no_bit_of_what_is_signed_can_be_another() -> None:
    """Whatever is changed in the token, it is not valid."""
    whole = nhs()
    start = len("UKC19TRACING:1:")
    for at in range(start, len(whole)):
        for bit in range(8):
            data = bytearray(whole.encode())
            data[at] ^= 1 << bit
            place = read_foreign(data.decode("latin-1"), KEYS)
            assert place is not None
            assert not place.valid


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"id": "8CHARSID"}, "text_malformed"),
        ({"opn": "x"}, "text_malformed"),
        (PAYLOAD | {"id": 5}, "text_malformed"),
        (PAYLOAD | {"opn": "\u2066x"}, "text_malformed"),
        (PAYLOAD | {"pc": 5}, "text_malformed"),
        ([], "json_malformed"),
    ],
)
def test_a_genuine_token_of_something_else(payload: object, reason: str) -> None:
    """A signature does not make a place of it."""
    assert read(nhs(payload=payload)).reason == reason
