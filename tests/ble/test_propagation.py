"""What the air does to a packet."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.ble.propagation import (
    BREAKPOINT,
    TX_POWER,
    Propagation,
    body_factor,
    collision_probability,
)

PI = Propagation()
distances = st.floats(0.0, 10_000.0)


def test_two_raspberry_pis_read_what_was_measured() -> None:
    """At 1, 2 and 8 m the mean is that of NIST's recordings: 49.7 + 18.3 log10(d) under 0 dBm."""
    levels = TX_POWER - PI.mean_loss(np.array([1.0, 2.0, 8.0]))
    assert levels == pytest.approx([-49.7, -55.2, -66.2], abs=0.05)


@given(distances, distances)
def test_farther_is_never_louder(one: float, other: float) -> None:
    """Loss grows with distance, through the breakpoint too."""
    near, far = sorted((one, other))
    assert PI.mean_loss(np.array([near]))[0] <= PI.mean_loss(np.array([far]))[0] + 1e-9


def test_loss_is_continuous_at_the_breakpoint() -> None:
    """The two laws meet where one takes over."""
    before, after = PI.mean_loss(np.array([BREAKPOINT - 1e-6, BREAKPOINT + 1e-6]))
    assert before == pytest.approx(after, abs=1e-5)


@given(st.floats(-40.0, 20.0))
def test_beyond_reach_even_luck_does_not_help(tx_power: float) -> None:
    """At the reach, four standard deviations of luck just touch the sensitivity."""
    reach = PI.reach(tx_power)
    luck = 4.0 * np.hypot(PI.shadowing_sd, PI.fading_sd)
    level = tx_power - PI.mean_loss(np.array([max(reach, 0.1)]))[0] + luck
    assert level <= PI.sensitivity + 1e-6
    if reach > 0.1:
        assert level == pytest.approx(PI.sensitivity)


def test_shadows_are_those_of_the_seed_and_the_pair() -> None:
    """A link is the same in every run, differs by direction, and knows nothing of other devices."""
    assert PI.shadow(7, "an", "binh") == PI.shadow(7, "an", "binh")
    assert PI.shadow(7, "an", "binh") != PI.shadow(7, "binh", "an")
    assert PI.shadow(7, "an", "binh") != PI.shadow(8, "an", "binh")


def test_shadows_have_the_spread_and_reciprocity_that_were_measured() -> None:
    """3.1 dB between links, and both directions of a link correlate by 0.46."""
    there = np.array([PI.shadow(seed, "an", "binh") for seed in range(2000)])
    back = np.array([PI.shadow(seed, "binh", "an") for seed in range(2000)])
    assert there.std() == pytest.approx(3.1, rel=0.1)
    assert there.mean() == pytest.approx(0, abs=0.3)
    assert np.corrcoef(there, back)[0, 1] == pytest.approx(0.46, abs=0.08)


def test_a_body_is_in_the_way_only_when_its_back_is_turned() -> None:
    """Nothing when facing the other, all of it when turned away, half at the side."""
    bearing = np.array([0.0, np.pi, np.pi / 2])
    assert body_factor(np.zeros(3), bearing) == pytest.approx([0.0, 1.0, 0.5])


def test_collisions_grow_with_the_crowd() -> None:
    """Eleven neighbours cost 3 % of packets, two hundred 40 %."""
    rate = np.array([0.0, 11.0, 200.0]) / 0.275
    assert collision_probability(rate) == pytest.approx([0.0, 0.028, 0.40], abs=0.01)
