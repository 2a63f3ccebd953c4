"""The exporter's side of the publisher's database: windows of time, and the keys in them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bluezone_node.authority.ports.exposures import Exposure


@dataclass(frozen=True, slots=True)
class ExportBatch:
    """One window of the export, [start, end) by `Exposure.created`, and how it was cut."""

    start: datetime
    end: datetime
    files: int
    """0: the window was empty."""
    max_records: int
    """In one file, as it was when the window was drawn."""


Draw = Callable[[Sequence[Exposure], int], tuple[Sequence[Exposure], ExportBatch]]
"""Given the keys created in a window and the number revised in it, the made-up keys to add and
the batch to keep."""


class WindowStore(Protocol):
    """The publisher's database, as the exporter sees it. Every method is one transaction, and
    blocks."""

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
