"""`DayKeyStore` in a folder: one file a day, and none of them in any backup."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from bluezone_node.crypto.cose import key_id_of
from bluezone_node.errors import BadConfig
from bluezone_node.store.authority.private import create, hand_over, read_private

FOLDER = "day-keys"
"""In the authority's folder. `backup` leaves it out, or a key could be brought back."""

KEY_BYTES = 32
_SUFFIX = ".key"


class FolderDayKeys:
    """The keys of days, each in a file that only its owner can read."""

    def __init__(self, authority: Path) -> None:
        self._folder = authority / FOLDER

    def public(self) -> Mapping[int, bytes]:
        return {day: _public(self._read(day)) for day in self._days()}

    def make(self, day: int) -> None:
        path = self._path(day)
        if path.exists():
            return
        if not self._folder.exists():
            self._folder.mkdir(mode=0o700, exist_ok=True)
            hand_over(self._folder)
        # Two rounds of a server, or a command beside it, may both miss it: the first key stays,
        # which may be published already.
        create(path, secrets.token_bytes(KEY_BYTES))

    def private(self, key_id: bytes) -> bytes | None:
        for day in self._days():
            key = self._read(day)
            if key_id_of(_public(key)) == key_id:
                return key
        return None

    def destroy(self, day: int) -> None:
        path = self._path(day)
        if not path.exists():
            return
        # Overwritten in place first: unlinking leaves the bytes to whoever reads the disk.
        # A flash chip may still hold an older page; docs/privacy.md says what helps against that.
        with path.open("r+b") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()

    def _days(self) -> list[int]:
        stems = (path.stem for path in self._folder.glob(f"*{_SUFFIX}"))
        return sorted(int(stem) for stem in stems if stem.isdecimal())

    def _read(self, day: int) -> bytes:
        key = read_private(self._path(day))
        if len(key) != KEY_BYTES:
            raise BadConfig(f"{self._path(day)} is no key of a day: it was changed or cut short.")
        return key

    def _path(self, day: int) -> Path:
        return self._folder / f"{day}{_SUFFIX}"


def _public(private: bytes) -> bytes:
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
