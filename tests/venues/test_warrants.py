"""Warrants: two people, one place, a day at most."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.crypto.cose import decode_map, encode, public_bytes, sign
from bluezone_node.errors import BadInput
from bluezone_node.venues.trust import Role, TrustedKey, TrustList
from bluezone_node.venues.warrant import (
    Warrant,
    draft_of,
    join,
    read_request,
    read_warrant,
    words_of,
    write_warrant,
)

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
VENUE = b"v" * 16
ASKING = Ed25519PrivateKey.from_private_bytes(b"a" * 32)
APPROVING = Ed25519PrivateKey.from_private_bytes(b"b" * 32)
BOTH = Ed25519PrivateKey.from_private_bytes(b"c" * 32)
ELSEWHERE = Ed25519PrivateKey.from_private_bytes(b"d" * 32)
WARRANT = Warrant(
    b"w" * 16,
    VENUE,
    NOW - timedelta(days=3),
    NOW - timedelta(days=2),
    "F0-118",
    "Luật Phòng, chống bệnh truyền nhiễm 2007",
    NOW - timedelta(hours=1),
    NOW + timedelta(hours=47),
)


def trusted(key: Ed25519PrivateKey, role: Role, province: str = "VN-HN") -> TrustedKey:
    day = timedelta(days=9)
    return TrustedKey(public_bytes(key), role, province, NOW - day, NOW + day)


TRUST = TrustList(
    1,
    NOW,
    (
        trusted(ASKING, Role.WARRANT_REQUEST),
        trusted(APPROVING, Role.WARRANT_APPROVE),
        trusted(BOTH, Role.WARRANT_REQUEST),
        trusted(BOTH, Role.WARRANT_APPROVE),
        trusted(ELSEWHERE, Role.WARRANT_APPROVE, "VN-DN"),
    ),
)


def file_of(*keys: Ed25519PrivateKey, warrant: Warrant = WARRANT) -> bytes:
    return join(write_warrant(warrant, key) for key in keys)


def reason_of(data: bytes, now: datetime = NOW, venue: bytes = VENUE) -> str:
    with pytest.raises(BadInput) as refused:
        read_warrant(data, TRUST, now, venue)
    return refused.value.reason


def test_a_requester_and_an_approver_open_a_register() -> None:
    """In either order, and only for the place that the warrant names."""
    assert read_warrant(file_of(ASKING, APPROVING), TRUST, NOW, VENUE) == WARRANT
    assert read_warrant(file_of(APPROVING, ASKING), TRUST, NOW, VENUE) == WARRANT
    assert reason_of(file_of(ASKING, APPROVING), venue=b"x" * 16) == "warrant_elsewhere"


@pytest.mark.parametrize(
    "keys",
    [(ASKING, ASKING), (APPROVING, APPROVING), (BOTH, BOTH), (ASKING, ELSEWHERE)],
    ids=["only requested", "only approved", "one person twice", "two provinces"],
)
def test_one_person_alone_opens_nothing(keys: tuple[Ed25519PrivateKey, ...]) -> None:
    """Two different people of one province have to sign, each in their role."""
    assert reason_of(file_of(*keys)) == "warrant_signatures"


@pytest.mark.parametrize("keys", [(BOTH, APPROVING), (ASKING, BOTH), (BOTH, ASKING)])
def test_who_may_do_both_does_one_of_them(keys: tuple[Ed25519PrivateKey, ...]) -> None:
    """Beside somebody else, in whichever role is left."""
    assert read_warrant(file_of(*keys), TRUST, NOW, VENUE) == WARRANT


def test_both_must_have_signed_the_same_words() -> None:
    """An approval of one window does not carry another."""
    other = replace(WARRANT, start=WARRANT.start - timedelta(hours=1))
    other = replace(other, end=WARRANT.end - timedelta(hours=1))
    data = join([write_warrant(WARRANT, ASKING), write_warrant(other, APPROVING)])
    assert reason_of(data) == "warrant_signatures"


def test_a_warrant_is_for_its_time() -> None:
    """Neither before it was issued nor after it has expired."""
    data = file_of(ASKING, APPROVING)
    assert read_warrant(data, TRUST, WARRANT.issued, VENUE) == WARRANT
    assert reason_of(data, now=WARRANT.expires) == "warrant_expired"
    assert reason_of(data, now=WARRANT.issued - timedelta(seconds=1)) == "warrant_not_yet"


def test_nobody_can_write_a_longer_one() -> None:
    """More than a day of visits, or more than three days of life, is not signed."""
    with pytest.raises(BadInput, match="24 hours"):
        write_warrant(replace(WARRANT, end=WARRANT.start + timedelta(hours=25)), ASKING)
    with pytest.raises(BadInput, match="72 hours"):
        write_warrant(replace(WARRANT, expires=WARRANT.issued + timedelta(hours=73)), ASKING)


FIELDS = decode_map(draft_of(WARRANT))
START, ISSUED = FIELDS[4], FIELDS[8]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({}, ""),
        ({1: "VNP1X"}, "warrant_malformed"),
        ({2: b"w" * 15}, "warrant_malformed"),
        ({3: b"v" * 17}, "warrant_malformed"),
        ({3: b"x" * 16}, "warrant_elsewhere"),
        ({4: -1}, "warrant_malformed"),
        ({4: True}, "warrant_malformed"),
        ({5: START}, "warrant_window"),
        ({5: START + 86_400}, ""),
        ({5: START + 86_401}, "warrant_window"),
        ({6: ""}, "text_malformed"),
        ({6: "c" * 48}, ""),
        ({6: "c" * 49}, "text_malformed"),
        ({7: "b" * 200}, ""),
        ({7: "b" * 201}, "text_malformed"),
        ({7: "a\nb"}, "text_malformed"),
        ({9: ISSUED}, "warrant_life"),
        ({9: ISSUED + 72 * 3600}, ""),
        ({9: ISSUED + 72 * 3600 + 1}, "warrant_life"),
        ({8: 2**32 - 1, 9: 2**32}, "warrant_malformed"),
        ({10: 0}, "warrant_malformed"),
    ],
)
def test_a_warrant_is_taken_up_to_its_bounds(changed: dict[int, object], reason: str) -> None:
    """Also where both officers signed what another program wrote."""
    data = join(sign(encode(FIELDS | changed), key) for key in (ASKING, APPROVING))
    if reason:
        assert reason_of(data) == reason
    else:
        assert read_warrant(data, TRUST, NOW, VENUE).venue_id == VENUE


def test_a_warrant_opens_registers_of_its_province_only() -> None:
    """The place's is the one of the key that signed its card."""
    assert read_warrant(FILE, TRUST, NOW, VENUE, "VN-HN") == WARRANT
    with pytest.raises(BadInput) as refused:
        read_warrant(FILE, TRUST, NOW, VENUE, "VN-DN")
    assert refused.value.reason == "warrant_elsewhere"


def test_a_request_is_read_by_whoever_is_to_approve_it() -> None:
    """Of somebody who may request, and as they signed it; the draft says the same words."""
    request = write_warrant(WARRANT, ASKING)
    assert read_request(request, TRUST, NOW) == WARRANT
    assert words_of(request) == words_of(draft_of(WARRANT)) == WARRANT
    for other in (write_warrant(WARRANT, APPROVING), request[:-1] + bytes([request[-1] ^ 1])):
        with pytest.raises(BadInput) as refused:
            read_request(other, TRUST, NOW)
        assert refused.value.reason == "warrant_signatures"


FILE = file_of(ASKING, APPROVING)


@given(position=st.integers(0, len(FILE) * 8 - 1))
def test_no_bit_of_a_warrant_can_be_changed(position: int) -> None:
    """A warrant with one bit flipped opens nothing."""
    changed = bytearray(FILE)
    changed[position // 8] ^= 1 << position % 8
    with pytest.raises(BadInput):
        read_warrant(bytes(changed), TRUST, NOW, VENUE)


@given(data=st.binary(max_size=300))
def test_anything_else_is_refused_in_words(data: bytes) -> None:
    """Whatever the bytes are, they are refused, and nothing else happens."""
    with pytest.raises(BadInput):
        read_warrant(data, TRUST, NOW, VENUE)
