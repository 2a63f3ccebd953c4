"""The registrar's database: codes and tokens. Who was tested stays on this side."""

from dataclasses import dataclass, field
from datetime import date, datetime
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
    """User who issued it; empty: an API key, or the command line."""


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
    """The registrar's database. Every method is one transaction, and blocks."""

    def add_code(self, code: VerificationCode) -> bool:
        """Keep *code*; False where its digest is taken."""

    def code(self, digest: bytes) -> VerificationCode | None: ...

    def claim_code(self, digest: bytes, token: VerificationToken, at: datetime) -> bool:
        """Mark the code claimed and keep *token*, both or neither.

        False where the code is unknown, expired at *at*, or claimed already (by a racing request);
        but a token claimed with the same, and not spent, gives way to *token*.
        """

    def repeatable(self, claimed_with: bytes) -> bool:
        """Say whether there is a token claimed with this that was not spent."""

    def token(self, digest: bytes) -> VerificationToken | None: ...

    def spend_token(self, digest: bytes, spent_on: bytes, at: datetime) -> bool:
        """Mark the token spent; False where it is unknown, expired at *at*, or spent already.

        Spending it again on the same thing is True.  *claimed_with* is removed with the first.
        """

    def forget(self, before: datetime) -> int:
        """Remove codes and tokens that expired before *before*; return how many."""

    def counts(self, now: datetime) -> RegistryCounts: ...
