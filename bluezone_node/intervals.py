"""Exposure Notification time: ten-minute intervals and the days made of them.

ENIntervalNumber is the number of whole ten-minute intervals since the Unix epoch
(Exposure Notification Cryptography Specification v1.2).  A Temporary Exposure Key is
valid for at most a rolling period of 144 of them, which starts at UTC midnight.
"""

from datetime import UTC, date, datetime, timedelta

INTERVAL_SECONDS = 600
ROLLING_PERIOD = 144
"""Intervals in one day: the longest a key may be valid."""


def interval_at(instant: datetime) -> int:
    """Return the ENIntervalNumber that *instant* (aware) falls in."""
    return to_unix(instant) // INTERVAL_SECONDS


def interval_start(interval: int) -> datetime:
    """Return the first instant of *interval*, in UTC."""
    return datetime.fromtimestamp(interval * INTERVAL_SECONDS, UTC)


def rolling_start(interval: int) -> int:
    """Return the first interval of the UTC day that *interval* falls in."""
    return interval // ROLLING_PERIOD * ROLLING_PERIOD


def day_of(instant: datetime) -> date:
    """Return the UTC calendar day of *instant* (aware)."""
    return instant.astimezone(UTC).date()


def interval_day(interval: int) -> date:
    """Return the UTC calendar day that *interval* falls in."""
    return interval_start(interval).date()


def midnight(day: date) -> datetime:
    """Return the first instant of the UTC *day*."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def to_unix(instant: datetime) -> int:
    """Return the whole seconds from the Unix epoch to *instant* (aware)."""
    return int(instant.timestamp())


def from_unix(seconds: float) -> datetime:
    """Return the UTC instant that lies *seconds* after the Unix epoch."""
    return datetime.fromtimestamp(seconds, UTC)


RETENTION = timedelta(days=14)
"""How long own keys, encounters and coverage are kept.

The incubation time of the diseases this is built for, and GAEN's own limit
(Exposure Notification Cryptography Specification v1.2: keys of the last 14 days).
"""
