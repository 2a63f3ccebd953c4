"""The registrar's database: codes and tokens. Who was tested stays on this side."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class VerificationCode:
    """A code that a health worker handed out. The code itself is kept nowhere."""

    digest: bytes = field(repr=False)
    """HMAC of the code under the registrar's secret."""
    report_type: str
    """'confirmed', 'likely' or 'negative'."""
    symptom_date: date | None
    test_date: date | None
    created: datetime
    expires: datetime
    claimed: datetime | None = None
    handle: bytes | None = None
    """16 bytes by which who issued it may speak of it; None in those of the first version."""
    kind: str = "short"
    """'short' or 'long'."""
    realm: str = ""
    """Province of who issued it."""
    issuer: str = ""
    """User or API key that issued it; empty: the command line."""
    revoked: datetime | None = None
    """When it was taken back; it expired then at the latest."""


class Outcome(StrEnum):
    """What became of a new code."""

    KEPT = "kept"
    DIGEST_TAKEN = "digest_taken"
    """Another code is the same: draw again."""
    HANDLE_TAKEN = "handle_taken"
    QUOTA_EXCEEDED = "quota_exceeded"
    """The province has issued as many as it may on that UTC day."""
    NOT_OPEN = "not_open"
    """The code that it was to replace was claimed or revoked meanwhile."""


@dataclass(frozen=True, slots=True)
class VerificationToken:
    """The right to one certificate. The token itself is kept nowhere."""

    digest: bytes = field(repr=False)
    """HMAC of the token under the registrar's secret."""
    report_type: str
    symptom_date: date | None
    created: datetime
    expires: datetime
    spent_on: bytes | None = field(default=None, repr=False)
    """Digest of the keys' HMAC it was spent on, so that a lost answer can be asked for again."""
    claimed_with: bytes | None = field(default=None, repr=False)
    """HMAC of code and nonce under the registrar's secret, by which the device that claimed the
    code is known again until the token is spent; None where it sent no nonce."""
    realm: str = ""
    """Of the code."""


@dataclass(frozen=True, slots=True)
class RegistryCounts:
    """How many rows of each kind are kept."""

    codes_open: int
    codes_claimed: int
    codes_expired: int
    tokens: int


class RegistryStore(Protocol):
    """The registrar's database. Every method is one transaction, and blocks.

    What happens is counted by UTC day and province in the same transaction; the events are named
    with the methods.
    """

    def add_codes(self, codes: Sequence[VerificationCode], daily: int) -> list[Outcome]:
        """Keep *codes*, all of one province and day, and say of each what became of it.

        The province may issue *daily* of them on that day. Counts ``codes_issued``, and those of
        kind 'long' as ``codes_issued_long`` too.
        """

    def replace_code(self, handle: bytes, new: VerificationCode, daily: int) -> Outcome:
        """Revoke the code of *handle* and keep *new*, both or neither; counted as both."""

    def revoke_code(self, handle: bytes, at: datetime) -> bool:
        """End the code; False where it is unknown, claimed or revoked. Counts ``codes_revoked``."""

    def withdraw_code(self, digest: bytes, at: datetime) -> None:
        """End a code that did not reach its holder, and take back that it was issued.

        Its handle is free again, so that the caller may try again with it. Counts ``sms_failed``.
        """

    def count(self, at: datetime, realm: str, event: str) -> None:
        """Count something that changes no code."""

    def issued_on(self, day: date, realm: str) -> int:
        """Return how many codes of the province count against its quota of that UTC day."""

    def code(self, digest: bytes) -> VerificationCode | None: ...

    def code_of(self, handle: bytes) -> VerificationCode | None: ...

    def claim_code(self, digest: bytes, token: VerificationToken, at: datetime) -> bool:
        """Mark the code claimed and keep *token*, both or neither.

        False where the code is unknown, expired at *at*, revoked, or claimed already (by a racing
        request); but a token claimed with the same, and not spent, gives way to *token*.
        The first claim counts as ``codes_claimed``.
        """

    def repeatable(self, claimed_with: bytes) -> bool:
        """Say whether there is a token claimed with this that was not spent."""

    def token(self, digest: bytes) -> VerificationToken | None: ...

    def spend_token(self, digest: bytes, spent_on: bytes, at: datetime) -> bool:
        """Mark the token spent; False where it is unknown, expired at *at*, or spent already.

        Spending it again on the same thing is True.  *claimed_with* is removed with the first,
        which counts as ``certificates``.
        """

    def forget(self, before: datetime) -> int:
        """Remove codes and tokens that expired before *before*; return how many.

        Codes that were neither claimed nor revoked count as ``codes_expired_unclaimed``, on the
        day on which they expired.
        """

    def counts(self, now: datetime) -> RegistryCounts: ...
