"""The health authority as a device meets it: what it publishes, and where it is told."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from bluezone_node.crypto.keys import TemporaryExposureKey


class KeySource(Protocol):
    """Somewhere that signed exports of diagnosis keys come from."""

    @property
    def name(self) -> str:
        """A stable name: the ledger is kept by it."""

    async def index(self) -> list[str]:
        """Return the names of all exports on offer, oldest first.

        Raises:
            Unreachable: no answer, or not a usable one (the message says which).
        """

    async def fetch(self, name: str) -> bytes:
        """Return one export file whole.

        Raises:
            Unreachable: no answer, or not a usable one.
            BadExport: reason ``oversized``: larger than any honest file.
        """


@dataclass(frozen=True, slots=True)
class ClaimedCode:
    """What the registrar gives for a verification code."""

    token: str = field(repr=False)
    report_type: str
    """'confirmed', 'likely' or 'negative' (verification server's words)."""
    symptom_date: date | None


@dataclass(frozen=True, slots=True)
class Publication:
    """What a device sends to the publisher. See facts of ``POST /v1/publish``."""

    keys: Sequence[TemporaryExposureKey]
    health_authority: str
    certificate: str = field(repr=False)
    hmac_secret: bytes = field(repr=False)
    onset_interval: int | None
    """ENIntervalNumber of the day of first symptoms."""
    revision_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class PublishReceipt:
    inserted: int
    revision_token: str = field(repr=False)
    warnings: Sequence[str] = ()


class Authority(Protocol):
    """The health authority as a device meets it: registrar first, publisher after."""

    async def claim(self, code: str, nonce: bytes) -> ClaimedCode:
        """Exchange a verification code for a token.

        *nonce*: 32 bytes that nobody else can guess.  The same code with the same nonce gives a
        new token in the place of the last, until the code expires or a certificate was given.

        Raises:
            AuthorityRefused: reason ``code_invalid``, ``code_expired``, ``code_used``, …
            Unreachable: no usable answer; the same code may be tried again, with the same nonce.
        """

    async def certify(self, token: str, keys_hmac: bytes) -> str:
        """Exchange a token for a certificate over the HMAC of the keys."""

    async def publish(self, publication: Publication) -> PublishReceipt:
        """Send the keys. The same publication twice is inserted once."""
