"""Chance for timing, drawn from the same entropy as the keys."""

from bluezone_node.ports import Entropy

_STEPS = 2**32


def between(low: float, high: float, entropy: Entropy) -> float:
    """Return a number in [low, high), uniformly distributed."""
    return low + (high - low) * int.from_bytes(entropy(4)) / _STEPS
