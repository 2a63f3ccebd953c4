"""What makes an upload acceptable: small named checks, pure, in the key server's order.

An unusable key costs only itself, not the upload (Google's issue #862: a phone that sent one bad
key could report nothing); keys that contradict each other cost the whole upload.
Source: exposure-notifications-server, internal/publish/model and docs/tek_validation.md.
"""

import hmac
from binascii import a2b_base64
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

import msgspec

from bluezone_node.authority.settings import PublisherSettings
from bluezone_node.crypto.certificate import SECRET_BYTES, hmac_forms
from bluezone_node.crypto.keys import KEY_BYTES
from bluezone_node.errors import AuthorityRefused
from bluezone_node.intervals import (
    ROLLING_PERIOD,
    day_of,
    interval_at,
    interval_start,
    midnight,
)

DEFAULT_RISK = {"confirmed": 2, "likely": 4, "negative": 6}
"""Transmission risk written where the device gave none, by report type."""


class UploadedKey(msgspec.Struct, frozen=True):
    """A key as it came over the wire: nothing about it is known to be true."""

    text: str
    """Base64."""
    rolling_start: int
    rolling_period: int
    transmission_risk: int

    def __repr__(self) -> str:
        return "UploadedKey()"

    def octets(self) -> bytes | None:
        """Return the key; None where the text is not base64 of anything."""
        try:
            return a2b_base64(self.text, strict_mode=True)
        except ValueError:
            return None


@dataclass(slots=True)
class AcceptedKey:
    """A key that passed every check of its own.

    Not frozen: that takes three times as long to make, and fourteen are made for each upload.
    """

    key: bytes = field(repr=False)
    rolling_start: int
    rolling_period: int
    transmission_risk: int
    days_since_onset: int
    created: datetime

    @property
    def rolling_end(self) -> int:
        return self.rolling_start + self.rolling_period


@dataclass(frozen=True, slots=True)
class Accepted:
    keys: tuple[AcceptedKey, ...]
    """Each key once, in the order of (start, period)."""
    unusable: tuple[str, ...]
    """Why keys were dropped, a sentence each: the answer is then a *partial failure*."""
    warnings: tuple[str, ...]
    """Why keys were left out that were well-formed."""


def certified(keys: Sequence[UploadedKey], secret: bytes, tekmac: bytes) -> bool:
    """Tell whether *tekmac* is the HMAC of *keys* as sent, under the device's *secret*.

    Over the texts as they came and not over parsed keys, because one unusable key must not
    invalidate the certificate of the others.
    """
    if len(secret) < SECRET_BYTES:
        return False
    texts = [(k.text, k.rolling_start, k.rolling_period, k.transmission_risk) for k in keys]
    return any(hmac.compare_digest(form, tekmac) for form in hmac_forms(texts, secret))


@dataclass(frozen=True, slots=True)
class Span:
    """When the keys of an upload may lie, as interval numbers: the same for all of them."""

    oldest: int
    current: int

    @classmethod
    def at(cls, now: datetime, settings: PublisherSettings) -> Self:
        oldest = interval_at(now - timedelta(hours=settings.max_age_hours))
        return cls(oldest, interval_at(now))


def check_count(keys: Sequence[UploadedKey], settings: PublisherSettings) -> None:
    """Raises AuthorityRefused, reason ``bad_request``, where there are no keys or too many."""
    if not keys:
        raise _bad_request("The upload has no keys.")
    if len(keys) > settings.max_keys:
        raise _bad_request(f"The upload has more than {settings.max_keys} keys.")


def accept(
    keys: Sequence[UploadedKey],
    *,
    report_type: str,
    onset: datetime,
    now: datetime,
    settings: PublisherSettings,
) -> Accepted:
    """Return the keys that may be published, and why the others may not.

    Raises:
        AuthorityRefused: reason ``bad_request``: no key is usable, or they overlap.
    """
    span, unusable = Span.at(now, settings), []
    # A key sent twice counts once, as it was sent last.
    usable: dict[bytes, UploadedKey] = {}
    for key in keys:
        octets = key.octets()
        fault = _fault(key, octets, span)
        if fault is not None:
            unusable.append(fault)
        elif octets is not None:
            usable[octets] = key
    if not usable:
        raise _bad_request(f"No key of the upload is usable: {'; '.join(sorted(set(unusable)))}.")
    risk, first_day = DEFAULT_RISK.get(report_type, 0), interval_at(onset) // ROLLING_PERIOD
    arrived = created_at(span.current, now, settings)
    made = [
        AcceptedKey(
            octets,
            key.rolling_start,
            key.rolling_period,
            key.transmission_risk or risk,
            key.rolling_start // ROLLING_PERIOD - first_day,
            arrived
            if key.rolling_start + key.rolling_period <= span.current
            else created_at(key.rolling_start + key.rolling_period, now, settings),
        )
        for octets, key in usable.items()
    ]
    near = [key for key in made if abs(key.days_since_onset) <= settings.max_onset_days]
    ordered = tuple(sorted(near, key=lambda key: (key.rolling_start, key.rolling_period)))
    check_overlap(ordered, settings)
    warnings = []
    if far := len(made) - len(near):
        days = settings.max_onset_days
        warnings.append(f"{far} keys were left out: over {days} days from the onset of symptoms.")
    return Accepted(ordered, tuple(unusable), tuple(warnings))


def _fault(key: UploadedKey, octets: bytes | None, span: Span) -> str | None:
    """Return what is wrong with *key* by itself, in the key server's order."""
    if octets is None or len(octets) != KEY_BYTES:
        return "a key is not base64 of 16 bytes"
    if not 1 <= key.rolling_period <= ROLLING_PERIOD:
        return "a rolling period is not 1 to 144"
    if key.rolling_start + key.rolling_period < span.oldest:
        return "a key is too old"
    if key.rolling_start > span.current:
        return "a key starts in the future"
    if not 0 <= key.transmission_risk <= 8:
        return "a transmission risk is not 0 to 8"
    return None


def created_at(rolling_end: int, now: datetime, settings: PublisherSettings) -> datetime:
    """Return the truncated time a key is said to have arrived at.

    A key that is still valid is embargoed: it arrives after its end, so that nobody can be
    impersonated with it.
    """
    window = timedelta(minutes=settings.truncate_minutes)
    if rolling_end > interval_at(now):
        return floor(interval_start(rolling_end) + window, window)
    return floor(now, window)


def floor(instant: datetime, step: timedelta) -> datetime:
    """Return the last instant not after *instant* that is a whole number of *step* s of the day."""
    return instant - (instant - midnight(day_of(instant))) % step


def check_overlap(keys: Sequence[AcceptedKey], settings: PublisherSettings) -> None:
    """Refuse keys, ascending by (start, period), of which two claim the same time.

    Keys with the same start may: the one released on the day of the report and its successor.
    """
    starts = Counter(key.rolling_start for key in keys)
    if any(count > settings.max_same_start for count in starts.values()):
        raise _bad_request(f"More than {settings.max_same_start} keys have the same start.")
    end = 0
    previous: AcceptedKey | None = None
    for key in keys:
        if previous and key.rolling_start != previous.rolling_start and key.rolling_start < end:
            raise _bad_request("Two keys overlap in time without having the same start.")
        end = max(end, key.rolling_end)
        previous = key


def onset_of(
    told: int | None, certified_onset: int | None, now: datetime, settings: PublisherSettings
) -> datetime | None:
    """Return the onset of symptoms: as the device told, else as certified, else None."""
    oldest = interval_at(midnight(day_of(now - timedelta(days=settings.oldest_onset_days))))
    if told is not None and oldest <= told < interval_at(now):
        return interval_start(told)
    # A symptom may be dated tomorrow in UTC's eyes, not later: a date beyond all calendars would
    # otherwise stop the arithmetic.
    if certified_onset is not None and certified_onset <= interval_at(now) + ROLLING_PERIOD:
        return interval_start(certified_onset)
    return None


def _bad_request(message: str) -> AuthorityRefused:
    return AuthorityRefused(message, reason="bad_request")
