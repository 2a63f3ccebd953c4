"""A file that is written once, from front to end, and reads as noise to whoever lacks its key.

A line of JSON says under what the file's own key is wrapped (`crypto.wrapping`, as for a node's
data); pieces of 64 KB follow, each encrypted with its number and with whether it is the last one.
So a piece that was altered, moved, left out or cut off is noticed where it is read, and neither
writing nor reading takes more memory than a piece.
"""

import hashlib
from base64 import b64decode, b64encode
from typing import BinaryIO

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bluezone_node.crypto.wrapping import (
    NONCE_BYTES,
    Entropy,
    WrappedKey,
    WrongSecret,
    new_data_key,
    unwrap,
    wrap,
)
from bluezone_node.errors import BadInput

MAGIC = b"bluezone-node sealed file 1\n"
PIECE_BYTES = 1 << 16
TAG_BYTES = 16
LONGEST_HEAD = 1024
"""Bytes of the line of JSON that are believed."""


class _Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    key_id: str
    cost: int
    salt: str
    wrapped: str


class SealedWriter:
    """Encrypts what is written to it into *file*; `finish` ends it."""

    def __init__(self, file: BinaryIO, secret: bytes, entropy: Entropy) -> None:
        key_id, key = new_data_key(entropy)
        row = wrap(key_id, key, secret, entropy)
        texts = (b64encode(each).decode() for each in (row.key_id, row.salt, row.wrapped))
        name, salt, wrapped = texts
        head = MAGIC + msgspec.json.encode(_Head(name, row.cost, salt, wrapped)) + b"\n"
        file.write(head)
        self._file = file
        self._pieces = _Pieces(key, head)
        self._waiting = bytearray()

    def write(self, data: bytes) -> int:
        self._waiting += data
        # One byte more than a piece: the last piece is only known when nothing follows.
        while len(self._waiting) > PIECE_BYTES:
            self._file.write(self._pieces.seal(bytes(self._waiting[:PIECE_BYTES]), last=False))
            del self._waiting[:PIECE_BYTES]
        return len(data)

    def finish(self) -> None:
        """Write what is left; without it the file is one that was cut off."""
        self._file.write(self._pieces.seal(bytes(self._waiting), last=True))


class SealedReader:
    """Reads back what a `SealedWriter` wrote.

    Raises:
        BadInput: reason ``not_sealed``, ``wrong_key``, or ``damaged`` (also from `read`).
    """

    def __init__(self, file: BinaryIO, secret: bytes) -> None:
        magic, line = file.read(len(MAGIC)), b""
        if magic == MAGIC:
            line = file.readline(LONGEST_HEAD)
        try:
            head = msgspec.json.decode(line, type=_Head)
            row = WrappedKey(
                b64decode(head.key_id), head.cost, b64decode(head.salt), b64decode(head.wrapped)
            )
        except ValueError:
            raise BadInput("This is no backup of an authority.", reason="not_sealed") from None
        try:
            key = unwrap(row, secret)
        except WrongSecret:
            raise BadInput(
                "The backup does not open with this key.",
                reason="wrong_key",
                hint="name the key file or passphrase that it was made with: --key-file FILE",
            ) from None
        self._file = file
        self._pieces = _Pieces(key, magic + line)
        self._opened = b""
        self._next = file.read(PIECE_BYTES + TAG_BYTES)
        self._ended = False

    def read(self, size: int) -> bytes:
        """Return the next *size* bytes; less where no more follow."""
        parts, wanted = [], size
        while wanted:
            if not self._opened and not self._fill():
                break
            parts.append(self._opened[:wanted])
            self._opened = self._opened[wanted:]
            wanted -= len(parts[-1])
        return b"".join(parts)

    def _fill(self) -> bool:
        while not self._opened and not self._ended:
            piece, self._next = self._next, self._file.read(PIECE_BYTES + TAG_BYTES)
            self._ended = not self._next
            self._opened = self._pieces.open(piece, last=self._ended)
        return bool(self._opened)


class _Pieces:
    def __init__(self, key: bytes, head: bytes) -> None:
        self._cipher = AESGCM(key)
        self._head = hashlib.sha256(head).digest()
        self._number = 0

    def seal(self, piece: bytes, *, last: bool) -> bytes:
        return self._cipher.encrypt(self._nonce(last), piece, self._head)

    def open(self, piece: bytes, *, last: bool) -> bytes:
        try:
            return self._cipher.decrypt(self._nonce(last), piece, self._head)
        except (InvalidTag, ValueError):
            raise BadInput(
                "The backup is damaged: a part of it was altered or is missing.",
                reason="damaged",
                hint="nothing was restored; take another copy of it, or the backup before it",
            ) from None

    def _nonce(self, last: bool) -> bytes:
        # The key is this file's alone, so counting never gives a nonce twice.
        number = self._number.to_bytes(NONCE_BYTES - 1)
        self._number += 1
        return number + bytes([last])
