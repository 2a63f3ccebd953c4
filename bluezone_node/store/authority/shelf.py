"""The folder from which export files are served: each file is whole or not there."""

import os
from pathlib import Path

_PARTIAL = ".partial-"
"""Prefix of a file being written; the web server never hands one out."""


class FolderShelf:
    """`ExportShelf` on a local folder."""

    def __init__(self, folder: Path, index: str = "index.txt") -> None:
        self._folder = folder
        self._index = index
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        for orphan in folder.glob(f"{_PARTIAL}*"):
            orphan.unlink()

    def names(self) -> set[str]:
        return {
            entry.name
            for entry in self._folder.iterdir()
            if entry.name != self._index and not entry.name.startswith(_PARTIAL)
        }

    def put(self, name: str, data: bytes) -> None:
        partial = self._folder / f"{_PARTIAL}{name}"
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self._folder / name)
        # The rename itself lives in the folder, which has its own page to lose.
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def read(self, name: str) -> bytes | None:
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None

    def remove(self, name: str) -> None:
        (self._folder / name).unlink(missing_ok=True)
