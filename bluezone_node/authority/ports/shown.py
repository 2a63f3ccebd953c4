"""Results of forms on their way to the page that shows them, for every worker process to see."""

from datetime import datetime
from typing import Protocol


class ShownStore(Protocol):
    """Sealed results, each for a short while. Every method is one transaction, and blocks.

    A result is named by 32 bytes, a digest, and encrypted by who keeps it: the database can
    neither tell whose it is nor read it.
    """

    def begin(self, digest: bytes, now: datetime, expires: datetime) -> bool:
        """Keep a place for a result; False where there is one that has not expired."""

    def fill(self, digest: bytes, sealed: bytes) -> None:
        """Keep the result."""

    def drop(self, digest: bytes) -> None:
        """Remove the result, or its place."""

    def read(self, digest: bytes, now: datetime) -> bytes | None:
        """Return the result: empty while it is being made; None: there is none (any more)."""

    def forget(self, now: datetime) -> int:
        """Remove those that expired by *now*; return how many."""
