"""The publisher's side of its database: keys, and what a publication does to them. No names."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from bluezone_node.authority.ports.tally import Counted


@dataclass(frozen=True, slots=True)
class Revision:
    """What a key became after the diagnosis changed."""

    report_type: str
    days_since_onset: int | None
    at: datetime
    """Truncated like `Exposure.created`, and never before it."""


@dataclass(slots=True)
class Exposure:
    """A published key as the publisher keeps it.

    Not frozen: that takes three times as long to make, and fourteen are made for each upload.
    """

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
    counted: Counted | None = None
    """What is counted of it, in the same transaction."""


@dataclass(frozen=True, slots=True)
class ExposureCounts:
    exposures: int
    revised: int
    batches: int
    newest_batch_end: datetime | None


Decide = Callable[[Mapping[bytes, Exposure], datetime | None], Changes]
"""Given what is stored and the end of the newest batch (None: there is none), what to change.
Nothing may be created or revised before that end: the window's file has been drawn."""


class ExposureStore(Protocol):
    """The publisher's database. Every method is one transaction, and blocks but for one."""

    def publish(self, keys: Sequence[bytes], decide: Decide) -> Changes:
        """Show *decide* which of *keys* are stored, and carry out what it answers.

        Nothing is written to these keys or batches in between; where another wrote to them at the
        same time, *decide* is asked again.  Where it raises, nothing is written.
        """

    async def publish_soon(self, keys: Sequence[bytes], decide: Decide) -> Changes:
        """As `publish`, without a thread that waits; *decide* may be asked in another one."""

    def counts(self) -> ExposureCounts: ...
