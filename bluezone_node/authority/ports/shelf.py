"""Where finished export files lie to be fetched."""

from typing import Protocol


class ExportShelf(Protocol):
    """Where finished export files lie to be fetched. Every method blocks."""

    def names(self) -> set[str]:
        """Return the names of all files, the index not among them."""

    def put(self, name: str, data: bytes) -> None:
        """Write the file whole or not at all, even when the power fails."""

    def read(self, name: str) -> bytes | None: ...

    def remove(self, name: str) -> None:
        """Remove the file; nothing where there is none."""
