"""What was imported of other authorities: their keys beside one's own, and a ledger of files."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bluezone_node.authority.ports.exposures import Exposure, Revision


@dataclass(frozen=True, slots=True)
class ImportSource:
    """What is remembered of another authority between two rounds."""

    origin: str
    tried: datetime | None = None
    """Begin of the last round."""
    succeeded: datetime | None = None
    """Begin of the last round in which nothing was wrong."""
    problem: str = ""
    """Machine name of what is wrong now; empty when all is well."""


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """One line of another authority's index, once it was tried."""

    origin: str
    name: str
    tried: datetime
    attempts: int
    """This one included."""
    problem: str = ""
    """Machine name of why it could not be taken; empty: it was."""
    window_end: datetime | None = None
    """Of the file; None where it could not be taken."""
    keys: int = 0
    """That were new."""
    revised: int = 0
    """That were stored, and changed."""
    left_out: int = 0
    """Well-formed keys that are not handed on, such as those which are too old."""
    waiting: int = 0
    """Revised keys whose first publication has not come yet: the file is to be taken again."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """The keys of one file, ready to be stored. Both are gone through once."""

    keys: Iterable[Sequence[Exposure]]
    """Some 2 000 at a time."""
    revised: Iterable[Mapping[bytes, Revision]]
    """What stored keys become; some 2 000 at a time."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What one file did to the store."""

    offered: int
    """Keys and revised keys that `Read` came up with."""
    keys: int
    revised: int
    waiting: int


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """What is kept of one origin."""

    origin: str
    keys: int
    revised: int
    files: int
    """Taken, and still in the index."""
    failed: int
    """Files that could not be taken, and will be tried again."""


Read = Callable[[datetime | None], Incoming]
"""Given the end of the newest window that was drawn of these keys (None: there is none), what to
store: nothing may be created or revised before it. May be asked more than once."""

Settle = Callable[[Taken], ImportedFile]
"""Given what a file did, its line in the ledger."""


class ImportStore(Protocol):
    """The publisher's database, as the importer sees it. Every method but `forget` is one
    transaction, and all block."""

    def alone(self, origin: str) -> AbstractContextManager[bool]:
        """Hold the right to import from *origin*; False where another process has it.

        It ends with the process that holds it, however that ends.
        """

    def put_source(self, source: ImportSource) -> None:
        """Remember how a round went, or that one began."""

    def sources(self) -> list[ImportSource]:
        """Return what is remembered of every origin, by name."""

    def files(self, origin: str) -> list[ImportedFile]:
        """Return the ledger of *origin*, by name."""

    def take(self, origin: str, read: Read, settle: Settle) -> ImportedFile:
        """Store what *read* returns and the line of the ledger, both or neither.

        Keys of *origin* that are stored stay as they are; a key is revised once, and only if it
        is of *origin*; never before it was created. No other origin's keys are touched.
        """

    def note(self, file: ImportedFile) -> None:
        """Keep the line of a file that could not be taken."""

    def drop(self, origin: str, names: Sequence[str]) -> None:
        """Remove lines from the ledger, of files that are no longer on offer."""

    def forget(self, before: datetime, kept: Collection[str]) -> int:
        """Remove imported keys that were neither created nor revised since *before*, but none of
        the origins *kept*; return how many."""

    def counts(self) -> list[ImportCounts]:
        """Return what is kept of every origin, by name."""
