"""The exporter's side of the publisher's database: windows of time, and the keys in them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bluezone_node.authority.ports.exposures import Exposure
from bluezone_node.export.keys import KeyRow


@dataclass(frozen=True, slots=True)
class ExportBatch:
    """One window of the export, [start, end) by `Exposure.created`, and how it was cut."""

    start: datetime
    end: datetime
    files: int | None
    """0: the window was empty. None: it was drawn, and is not counted yet."""
    max_records: int
    """In one file, as it was when the window was drawn."""


def files_of(records: int, max_records: int) -> int:
    """Return how many files *records* take."""
    return -(-records // max_records)


Fill = Callable[[Sequence[Exposure]], Sequence[Exposure]]
"""Given the keys of a window with fewer than it must have, the made-up keys to add."""


LONGEST_WAIT = timedelta(days=3)
"""No key that comes now is created later than this: it is valid for a day at most, its
identifiers two hours more, and times are truncated to a day at the coarsest."""
AFTER_AIR = timedelta(hours=2)
"""Phones accept an identifier that long past its time."""


class WindowStore(Protocol):
    """The publisher's database, as the exporter sees it. Every method blocks."""

    def alone(self) -> AbstractContextManager[bool]:
        """Hold the right to export from this database; False where another process has it.

        It ends with the process that holds it, however that ends.
        """

    def created_in(self, start: datetime, end: datetime) -> Iterator[Sequence[KeyRow]]:
        """Yield the keys created within [start, end) as they were first published.

        Ascending by key, some thousands at a time, report types as in `Exposure`.  Of a window
        that was drawn nothing changes any more.
        """

    def revised_in(self, start: datetime, end: datetime) -> Iterator[Sequence[KeyRow]]:
        """Yield the keys revised within [start, end) as they then became, in the same way."""

    def oldest_created(self) -> datetime | None: ...

    def waiting(self, after: datetime | None) -> int:
        """Return how many keys were created or revised at *after* or later; None: ever."""

    def draw(self, batch: ExportBatch, least: int, fill: Fill) -> None:
        """Close the window of *batch*, which says no number of files yet; nothing where it was.

        From then on no publication gets into it.  Where there are keys in it, but fewer than
        *least*, *fill* adds to them.  One transaction, which publications wait for: it takes no
        longer for more keys.
        """

    def settle(self) -> None:
        """Count the records of the windows that were drawn since, and keep their files' number."""

    def batches(self) -> list[ExportBatch]:
        """Return every batch kept, oldest first."""

    def withdraw(self, now: datetime) -> int:
        """Undo what a clock that was ahead of *now* did; return how many windows it was.

        The newest windows that end after *now* and are empty are opened again: nobody has seen a
        file of them.  Keys that came meanwhile, and would wait longer than `LONGEST_WAIT`, are
        taken to have come now, those that are still on the air a day and `AFTER_AIR` later.
        """

    def forget(self, before: datetime) -> int:
        """Remove keys neither created nor revised since *before*; return how many.

        With them go the batches that ended by then, but never the newest: it says where the next
        one begins.
        """
