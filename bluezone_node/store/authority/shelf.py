"""The folder from which export files are served: each file is whole or not there."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_PARTIAL = ".partial-"
"""Prefix of a file being written; the web server never hands one out."""
_READABLE = 0o644
"""Exports are public: once their owner opens the folder above, a web server may read them."""


class FolderShelf:
    """`ExportShelf` on a local folder. Several processes may write side by side."""

    def __init__(self, folder: Path, index: str = "index.txt") -> None:
        self._folder = folder
        self._index = index
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        for partial in folder.glob(f"{_PARTIAL}*"):
            _sweep(partial)

    def files(self) -> dict[str, int]:
        return {
            entry.name: entry.stat().st_size
            for entry in os.scandir(self._folder)
            # A folder is another series, with a shelf of its own.
            if entry.is_file() and entry.name != self._index and not entry.name.startswith(_PARTIAL)
        }

    @contextmanager
    def writing(self, name: str) -> Iterator[IO[bytes]]:
        descriptor, partial = tempfile.mkstemp(prefix=_PARTIAL, dir=self._folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                # Held while it is being written: see `_sweep`.
                fcntl.flock(file, fcntl.LOCK_EX)
                os.fchmod(file.fileno(), _READABLE)
                yield file
                file.flush()
                os.fsync(file.fileno())
                Path(partial).replace(self._folder / name)
        except BaseException:
            Path(partial).unlink(missing_ok=True)
            raise
        # The rename itself lives in the folder, which has its own page to lose.
        opened = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)

    def read(self, name: str) -> bytes | None:
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None

    def remove(self, name: str) -> None:
        (self._folder / name).unlink(missing_ok=True)


def _sweep(partial: Path) -> None:
    """Remove a file that a killed process left half-written; leave a living one's alone."""
    try:
        with partial.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            partial.unlink(missing_ok=True)
    except (BlockingIOError, FileNotFoundError):
        return
