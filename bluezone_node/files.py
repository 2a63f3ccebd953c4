"""Exports brought on a USB stick: the same journey as a download, without a network."""

import asyncio
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from bluezone_node.errors import BadInput

LARGEST_FILE = 64 << 20
"""Bytes; an export file is at most 20 MiB, a bare export.bin at most three times that."""


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


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise BadInput(f"{path} is too large for an export", reason="oversized")
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}", reason="unreadable") from error
