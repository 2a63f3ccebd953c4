"""Which key signs, and which are published: by nothing but the instants in the ring."""

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.authority.keyring import KEEP_CERTIFICATE_KEY, KeyRing, KeyState, RingKey
from bluezone_node.authority.settings import RegistrarSettings
from bluezone_node.errors import AuthorityRefused
from tests.authorities import NOW

KEEP = timedelta(hours=1)
DAY = timedelta(days=1)
FIRST = RingKey("first", NOW, NOW)
RING = KeyRing((FIRST,), KEEP)


def key(name: str, made: float, overlap: float = 7) -> RingKey:
    """Return a key made so many days from NOW that signs *overlap* days later."""
    return RingKey(name, NOW + made * DAY, NOW + (made + overlap) * DAY)


def states(ring: KeyRing, days: float, more: timedelta = timedelta(0)) -> dict[str, str]:
    now = NOW + days * DAY + more
    return {key.key_id: ring.state(key, now).value for key in ring.keys}


def test_two_rotations_go_through_every_state() -> None:
    """At each boundary, and a microsecond before it."""
    moment = timedelta(microseconds=1)
    ring = RING.rotated(key("second", 10), NOW + 10 * DAY)
    assert states(ring, 10) == {"first": "signing", "second": "next"}
    assert states(ring, 17, -moment) == {"first": "signing", "second": "next"}
    assert states(ring, 17) == {"first": "retiring", "second": "signing"}
    assert states(ring, 17, KEEP - moment) == {"first": "retiring", "second": "signing"}
    assert states(ring, 17, KEEP) == {"first": "gone", "second": "signing"}
    ring = ring.rotated(key("third", 20, 3), NOW + 20 * DAY)
    assert states(ring, 20) == {"second": "signing", "third": "next"}
    assert states(ring, 23) == {"second": "retiring", "third": "signing"}
    assert states(ring, 24) == {"second": "gone", "third": "signing"}
    assert [key.key_id for key in ring.tidied(NOW + 24 * DAY).keys] == ["third"]


@pytest.mark.parametrize(
    ("days", "says"),
    [(5, "second signs from 2026-03-17 09:30"), (7, "first is published until 2026-03-17 10:30")],
)
def test_a_rotation_under_way_is_not_overtaken(days: float, says: str) -> None:
    """It is said which step is still to come; a force that knows better may."""
    ring = RING.rotated(key("second", 0), NOW)
    now = NOW + days * DAY
    with pytest.raises(AuthorityRefused, match=says) as refused:
        ring.rotated(key("third", days), now)
    assert refused.value.reason == "rotation_under_way"
    assert "--force" in refused.value.hint
    assert ring.rotated(key("third", days), now, force=True).signing(now) == ring.signing(now)


def test_force_takes_the_place_of_a_key_that_has_signed_nothing() -> None:
    """A stolen key is replaced at once, whatever was planned."""
    ring = RING.rotated(key("second", 0), NOW)
    ring = ring.rotated(key("third", 1, 0), NOW + DAY, force=True)
    assert states(ring, 1) == {"first": "retiring", "third": "signing"}
    ring = ring.rotated(key("fourth", 1, 0), NOW + DAY, force=True)
    assert states(ring, 1) == {"first": "retiring", "third": "retiring", "fourth": "signing"}


def test_a_clock_that_is_set_back_finds_a_key() -> None:
    """Before the time of all of them, the first signs, and all are published."""
    ring = KeyRing((key("a", 1), key("b", 2)), KEEP)
    assert states(ring, -100) == {"a": "signing", "b": "next"}
    assert KeyRing((key("b", 2),), KEEP).signing(NOW).key_id == "b"


def test_the_longest_certificate_outlives_no_key() -> None:
    """A key is kept for as long as any setting lets a certificate live, and the clocks' skew."""
    longest = (KEEP_CERTIFICATE_KEY - timedelta(seconds=5)) // timedelta(minutes=1)
    msgspec.convert({"certificate_minutes": longest}, RegistrarSettings)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"certificate_minutes": longest + 1}, RegistrarSettings)


@given(
    steps=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 90), st.booleans()), max_size=8),
    wait=st.integers(-500, 500),
)
def test_whatever_is_done_one_key_signs_and_is_published(
    steps: list[tuple[int, int, bool]], wait: int
) -> None:
    """After any rotations, at any time, forward or back; and no key signs that was not published
    from the moment it was made."""
    ring, now = RING, NOW
    hour = timedelta(hours=1)
    for n, (pause, overlap, force) in enumerate(steps):
        now += pause * hour
        new = RingKey(f"key{n}", now, now + overlap * hour)
        try:
            ring = ring.rotated(new, now, force=force)
        except AuthorityRefused:
            continue
        assert new in ring.published(now)
        assert ring.signing(new.signs_from) == new
    for at in (now, now + wait * hour):
        assert ring.signing(at) in ring.published(at)
        assert [ring.state(key, at) for key in ring.keys].count(KeyState.SIGNING) == 1
        assert ring.tidied(at).signing(at) == ring.signing(at)
