"""The small parts of a radio: addresses, duty cycles, the receiver's counts."""

import random
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.ble.address import is_non_resolvable, non_resolvable
from bluezone_node.ble.duty import Duty
from bluezone_node.ble.frame import encode
from bluezone_node.ble.receiver import Receiver
from bluezone_node.proximity.model import Beacon, Sighting

AT = datetime(2026, 3, 2, 8, tzinfo=UTC)
BEACON = Beacon(bytes(range(16)), b"\x40\x08\x00\x00")


@given(st.integers(0, 2**32))
def test_an_address_is_non_resolvable_whatever_was_drawn(seed: int) -> None:
    """The two top bits are zero."""
    address = non_resolvable(random.Random(seed).randbytes)
    assert is_non_resolvable(address)
    assert address[0] < 0x40


def test_an_address_of_all_zeros_or_all_ones_is_drawn_again() -> None:
    """The Core Specification forbids both."""
    drawn = iter([bytes(6), b"\xff" * 6, b"\xc1\x02\x03\x04\x05\x06"])
    assert non_resolvable(lambda _size: next(drawn)) == b"\x01\x02\x03\x04\x05\x06"


@given(
    st.floats(1, 100),
    st.floats(0.01, 1),
    st.floats(0, 100),
    st.floats(0, 1000),
    st.floats(0, 1000),
)
def test_listening_seconds_are_those_in_which_the_receiver_is_on(
    period: float, share: float, phase: float, start: float, length: float
) -> None:
    """Counted over any stretch, they agree with looking at every moment of it."""
    duty = Duty(share * period, period, phase)
    moments = start + (np.arange(4000) + 0.5) * length / 4000
    looked = duty.listening(moments).mean() * length
    slack = 4 * length / 4000 * (length / period + 2)
    assert duty.seconds(start, start + length) == pytest.approx(looked, abs=slack + 1e-6)


def test_a_receiver_always_on_counts_every_second() -> None:
    """Without a duty cycle, listening time is time."""
    assert Duty().seconds(10.25, 99.75) == pytest.approx(89.5)


def test_a_receiver_counts_what_it_takes_and_what_it_refuses() -> None:
    """Ours, foreign, and malformed by reason; a packet is exactly one of them."""
    receiver = Receiver()
    assert receiver.take(AT, -60, encode(BEACON)) == Sighting(AT, BEACON.rpi, BEACON.aem, -60)
    assert receiver.take(AT, -60, b"\x02\x01\x1a") is None
    assert receiver.take(AT, -60, b"\x05") is None
    assert receiver.take(AT, 127, encode(BEACON)) is None
    assert receiver.frame(b"\x02\x01\x1a", packets=7) is None
    assert (receiver.heard, receiver.foreign) == (1, 8)
    assert receiver.refused == {"truncated": 1, "no_rssi": 1}
