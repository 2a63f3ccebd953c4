"""Warrants: two people, one place, a day at most."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.crypto.cose import public_bytes
from bluezone_node.errors import BadInput
from bluezone_node.venues.trust import Role, TrustedKey, TrustList
from bluezone_node.venues.warrant import Warrant, join, read_warrant, write_warrant

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
    assert reason_of(data, now=WARRANT.expires) == "warrant_expired"
    assert reason_of(data, now=WARRANT.issued - timedelta(seconds=1)) == "warrant_not_yet"


def test_nobody_can_write_a_longer_one() -> None:
    """More than a day of visits, or more than three days of life, is not signed."""
    with pytest.raises(BadInput, match="24 hours"):
        write_warrant(replace(WARRANT, end=WARRANT.start + timedelta(hours=25)), ASKING)
    with pytest.raises(BadInput, match="72 hours"):
        write_warrant(replace(WARRANT, expires=WARRANT.issued + timedelta(hours=73)), ASKING)


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
