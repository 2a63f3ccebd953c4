"""Exports brought on a USB stick: the same journey as a download, without a network."""

import asyncio
import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path, PurePosixPath

from bluezone_node.errors import BadExport, BadInput, Unreachable

LARGEST_FILE = 64 << 20
"""Bytes; an export file is at most 20 MiB, a bare export.bin at most three times that."""
LARGEST_INDEX = 1 << 20
"""Bytes, as over the network."""


class FileExports:
    """A KeySource over files that the user named.

    An export is known by its content beside its file name: tomorrow's stick may hold another
    ``export.zip``.
    """

    def __init__(self, name: str, paths: Sequence[Path]) -> None:
        self.name = name
        self._paths = paths
        self._found: dict[str, bytes] = {}

    async def index(self) -> list[str]:
        for path in self._paths:
            content = await asyncio.to_thread(_read, path)
            self._found[f"{path.name}#{sha256(content).hexdigest()[:12]}"] = content
        return list(self._found)

    async def fetch(self, name: str) -> bytes:
        return self._found.pop(name)


class FolderExports:
    """A KeySource over a folder with an index, such as a mirror that was copied to a stick."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self._folder = folder

    async def index(self) -> list[str]:
        try:
            body = await asyncio.to_thread(_read, self._folder / "index.txt", LARGEST_INDEX)
            return body.decode("ascii").split()
        except (BadInput, UnicodeDecodeError) as error:
            raise Unreachable(
                f"{self._folder} has no index.txt that can be read.",
                hint="name the folder that index.txt lies in",
            ) from error

    async def fetch(self, name: str) -> bytes:
        path = self._folder / PurePosixPath(name).name
        # Whatever the folder is called here, the files lie beside the index; a link that leads
        # away from it was not made by a mirror.
        if path.is_symlink() or PurePosixPath(name).name in ("", ".."):
            raise Unreachable(f"{self._folder} names a file that is not in it.")
        try:
            return await asyncio.to_thread(_read, path)
        except BadInput as error:
            if error.reason == "oversized":
                raise BadExport(str(error), reason=error.reason) from error
            raise Unreachable(str(error)) from error


def _read(path: Path, limit: int = LARGEST_FILE) -> bytes:
    try:
        with path.open("rb") as file:
            # A device has no size, and no end.
            size = os.fstat(file.fileno()).st_size
            content = b"" if size > limit else file.read(limit + 1)
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}", reason="unreadable") from error
    if max(size, len(content)) > limit:
        raise BadInput(f"{path} is too large for an export", reason="oversized")
    return content
