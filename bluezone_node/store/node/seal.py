"""How the private cells of the database are written: sealed under a data key, or as they are.

A cell is sealed by itself and bound to its place, so that rows can be appended, read in pieces
and deleted one by one, as without sealing, and a cell put into another row or table does not
open.  What is *not* bound is time: whoever can write to the card can put back an older copy of a
cell, as they can put back an older card.
"""

import os
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bluezone_node.errors import DatabaseUnusable

NONCE_BYTES = 12
"""Drawn anew for each cell.  A counter would start again at the same number after a backup was
restored, and two cells under one nonce open each other; by chance, two of 2^32 cells meet with a
probability of 2^-32 (NIST SP 800-38D, 8.3), and a busy node takes a century for so many."""

LAYOUT = 1
"""Of what is inside the cells. Bound to each: an older layout cannot be passed off as this one."""


class Seal(Protocol):
    """Turns what the store knows into what lies on the disk, and back."""

    key_id: bytes
    """Name of the data key, as in ``sealing.key_id``; empty where nothing is sealed."""

    def close(self, table: str, row: int, data: bytes) -> bytes:
        """Return the cell that holds *data* in that row of that table."""

    def open(self, table: str, row: int, cell: bytes) -> bytes:
        """Return what *cell* of that row of that table holds.

        Raises:
            DatabaseUnusable: it was altered, cut, or belongs elsewhere.
        """


class Unsealed:
    """No key source: cells lie on the disk as they are."""

    key_id = b""

    def close(self, table: str, row: int, data: bytes) -> bytes:
        return data

    def open(self, table: str, row: int, cell: bytes) -> bytes:
        return cell


class Locked:
    """Sealed, and the key is not at hand: good for erasing only."""

    def __init__(self, path: Path, key_id: bytes) -> None:
        self.key_id = key_id
        self._path = path

    def close(self, table: str, row: int, data: bytes) -> bytes:
        raise key_missing(self._path)

    def open(self, table: str, row: int, cell: bytes) -> bytes:
        raise key_missing(self._path)


class Sealed:
    """AES-256-GCM, a nonce and a tag of its own for each cell: 28 bytes more."""

    def __init__(self, path: Path, key_id: bytes, data_key: bytes) -> None:
        self.key_id = key_id
        self._path = path
        self._cipher = AESGCM(data_key)

    def close(self, table: str, row: int, data: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, data, _place(table, row))

    def open(self, table: str, row: int, cell: bytes) -> bytes:
        try:
            return self._cipher.decrypt(cell[:NONCE_BYTES], cell[NONCE_BYTES:], _place(table, row))
        except (InvalidTag, ValueError):
            raise DatabaseUnusable(
                f"{self._path} was damaged or altered: an entry of the table {table} does not open",
                hint="move it away: a new one is begun at the next start",
            ) from None


def key_missing(path: Path) -> DatabaseUnusable:
    """Return the error of one who meets a sealed database without its key."""
    return DatabaseUnusable(
        f"{path} is encrypted, and its key is not at hand",
        hint="name the key file in node.key_file, or run this as the service's user while the "
        "service runs; nothing was changed",
    )


def _place(table: str, row: int) -> bytes:
    return f"{LAYOUT}/{table}/{row}".encode()
