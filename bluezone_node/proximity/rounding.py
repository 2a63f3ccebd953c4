"""Rounding as GAEN does it: Python's own rounds halves to even."""

from math import floor


def half_up(value: float) -> int:
    """Round to the nearest integer, halves up."""
    return floor(value + 0.5)
