"""bluezone-node: Bluetooth LE proximity tracing for Linux, and the authority behind it."""

from datetime import date

__version__ = "0.1.0"

__released__ = date(2026, 11, 22)
"""The day before which nobody can have had this version: raised with each release.  A clock that
shows an earlier day is wrong."""
