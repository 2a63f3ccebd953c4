"""Exports brought on a USB stick: the same journey as a download, without a network."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from bluezone_node.errors import BadInput

LARGEST_FILE = 64 << 20
"""Bytes; an export file is at most 20 MiB, a bare export.bin at most three times that."""


class FileExports:
    """A KeySource over files that the user named."""

    def __init__(self, name: str, paths: Sequence[Path]) -> None:
        self.name = name
        self._paths = {path.name: path for path in paths}

    async def index(self) -> list[str]:
        return list(self._paths)

    async def fetch(self, name: str) -> bytes:
        return await asyncio.to_thread(_read, self._paths[name])


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise BadInput(f"{path} is too large for an export", reason="oversized")
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}", reason="unreadable") from error
