"""What the authority's services need of the world, as protocols.

Two stores that never meet: the registry knows who was tested, the exposure store knows keys.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from bluezone_node.crypto.signing import PrivateKey, PublicKey


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


@dataclass(frozen=True, slots=True)
class Revision:
    """What a key became after the diagnosis changed."""

    report_type: str
    days_since_onset: int | None
    at: datetime
    """Truncated like `Exposure.created`, and never before it."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """A published key as the publisher keeps it."""

    key: bytes = field(repr=False)
    """16 bytes."""
    rolling_start: int
    rolling_period: int
    transmission_risk: int
    report_type: str
    """'confirmed', 'likely' or 'user-report'."""
    days_since_onset: int | None
    created: datetime
    """Truncated; in the future while the key could still be on the air."""
    owner: bytes = field(repr=False)
    """A digest by which the one who published this key, and nobody else, is known again.
    Different for every key: it ties no two of them together."""
    traveler: bool = False
    revision: Revision | None = None

    @property
    def rolling_end(self) -> int:
        """First interval after the key's validity."""
        return self.rolling_start + self.rolling_period


@dataclass(frozen=True, slots=True)
class Changes:
    """What one publication does to the store."""

    added: Sequence[Exposure] = ()
    revised: Sequence[Exposure] = ()
    """Stored keys with their new `Exposure.revision`."""
    unchanged: Sequence[Exposure] = ()
    """Stored keys that the sender may revise and did not: nothing is done with them."""


@dataclass(frozen=True, slots=True)
class ExportBatch:
    """One window of the export, [start, end) by `Exposure.created`, and how it was cut."""

    start: datetime
    end: datetime
    files: int
    """0: the window was empty."""
    max_records: int
    """In one file, as it was when the window was drawn."""


@dataclass(frozen=True, slots=True)
class ExposureCounts:
    exposures: int
    revised: int
    batches: int
    newest_batch_end: datetime | None


Decide = Callable[[Mapping[bytes, Exposure], datetime | None], Changes]
"""Given what is stored and the end of the newest batch (None: there is none), what to change.
Nothing may be created or revised before that end: the window's file has been drawn."""

Draw = Callable[[Sequence[Exposure], int], tuple[Sequence[Exposure], ExportBatch]]
"""Given the keys created in a window and the number revised in it, the made-up keys to add and
the batch to keep."""


class ExposureStore(Protocol):
    """The publisher's database. Every method is one transaction, and blocks."""

    def publish(self, keys: Sequence[bytes], decide: Decide) -> Changes:
        """Show *decide* which of *keys* are stored, and carry out what it answers.

        Nothing is written to these keys or batches in between; where another wrote to them at the
        same time, *decide* is asked again.  Where it raises, nothing is written.
        """

    def created_in(self, start: datetime, end: datetime) -> list[Exposure]:
        """Return keys created within [start, end), ascending by key."""

    def revised_in(self, start: datetime, end: datetime) -> list[Exposure]:
        """Return keys revised within [start, end), ascending by key."""

    def oldest_created(self) -> datetime | None: ...

    def draw_batch(self, start: datetime, end: datetime, draw: Draw) -> None:
        """Fix the content of the window [start, end): nothing where that was done before."""

    def batches(self) -> list[ExportBatch]:
        """Return every batch kept, oldest first."""

    def forget(self, before: datetime) -> int:
        """Remove keys neither created nor revised since *before*; return how many.

        With them go the batches that ended by then, but never the newest: it says where the next
        one begins.
        """

    def counts(self) -> ExposureCounts: ...


class ExportShelf(Protocol):
    """Where finished export files lie to be fetched. Every method blocks."""

    def names(self) -> set[str]:
        """Return the names of all files, the index not among them."""

    def put(self, name: str, data: bytes) -> None:
        """Write the file whole or not at all, even when the power fails."""

    def read(self, name: str) -> bytes | None: ...

    def remove(self, name: str) -> None:
        """Remove the file; nothing where there is none."""


class CertificateKeys(Protocol):
    """The keys that a registrar signs with; they change while it runs."""

    def signing(self, now: datetime) -> tuple[str, PrivateKey]:
        """Return the key that signs at *now*, after its id."""

    def published(self, now: datetime) -> Mapping[str, PublicKey]:
        """Return the keys that certificates may be verified with at *now*, by their ids."""


class ExportKeys(Protocol):
    """The keys that exports are signed with; they change while the exporter runs."""

    def usable(self, now: datetime) -> dict[str, PrivateKey]:
        """Return the keys that sign at *now*, all of them, by their ids, the newest last."""


class KeyDirectory(Protocol):
    """Public keys of one registrar."""

    def key(self, key_id: str) -> PublicKey | None:
        """Return the key of that name; None where there is none.

        Raises:
            Unreachable: the keys could not be fetched.
        """
