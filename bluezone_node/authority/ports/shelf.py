"""Where finished export files lie to be fetched."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import IO, Protocol

INDEX_SECONDS = 60
"""How long a cache may keep the index: as often as it can change."""
LISTS = frozenset({"trust.cose", "days.cose"})
"""Files beside the bundles of notices that change under their names, as the index does."""
FILE_SECONDS = 14 * 86_400
"""Files never change; by then, unless the settings say otherwise, they are over."""


class ExportShelf(Protocol):
    """Where finished export files lie to be fetched. Every method blocks.

    Raises:
        OSError: the folder cannot be read or written to.
        StorageUnusable: nor can the object storage.
    """

    def files(self) -> Mapping[str, int]:
        """Return the names of all files, the index not among them, and their sizes in bytes."""

    def writing(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Yield an empty file that can seek; when the block ends, it is on the shelf.

        Whole or not at all, even when the power fails; not at all where the block raises.  What
        was there before under that name is replaced.
        """

    def read(self, name: str) -> bytes | None:
        """Return what is in the file; None where there is none."""

    def remove(self, name: str) -> None:
        """Remove the file; nothing where there is none."""
