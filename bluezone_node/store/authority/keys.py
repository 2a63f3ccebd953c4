"""Signing keys on disk: one file for each, and a manifest that says when each of them signs.

A folder that never rotated has one key and no manifest: ``keys/NAME.pem``.  From the first
rotation on there is ``keys/NAME.json``, and beside it ``keys/NAME-KID.pem`` for each key in it.

Each change is: new files first, then what is published, then the manifest in one atomic step,
deletions last.  Killed anywhere, the folder has the ring of before or of after, whole; what is
left over is swept by the next `tidy`.  Changes exclude one another by the kernel's lock on the
folder, which a killed process does not leave behind.
"""

import fcntl
import hashlib
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from bluezone_node.authority.keyring import KeyRing, RingKey
from bluezone_node.crypto.signing import (
    ENTROPY_BYTES,
    PrivateKey,
    PublicKey,
    generate_private_key,
    load_private_key,
    private_pem,
)
from bluezone_node.errors import BadConfig, BadInput
from bluezone_node.store.authority.private import read_private, replace, unreadable
from bluezone_node.store.authority.stamp import Stamp, stamp

KEYS = "keys"
"""The folder of everything secret."""

Publish = Callable[[Mapping[str, PublicKey]], bytes]
"""What the file of public keys holds, of public keys by their ids in the order of signing."""


class _Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    keys: tuple[RingKey, ...]


@dataclass(frozen=True, slots=True)
class _Opened:
    stamp: Stamp
    ring: KeyRing
    private: Mapping[str, PrivateKey]


class SigningKeys:
    """The keys of one use, read again whenever another process changed them."""

    def __init__(
        self,
        folder: Path,
        name: str,
        *,
        first_id: str,
        keep: timedelta,
        public_file: str,
        publish: Publish,
    ) -> None:
        """*first_id*: of the key of a folder that never rotated. *keep*: see `KeyRing`."""
        self._folder = folder / KEYS
        self._name = name
        self._first_id = first_id
        self._keep = keep
        self._public_file = folder / public_file
        self._publish = publish
        self._opened: _Opened | None = None

    def ring(self) -> KeyRing:
        """Return the keys as they are on disk now.

        Raises:
            BadConfig: they cannot be read, or others can read them.
        """
        return self._current().ring

    def signing(self, now: datetime) -> tuple[str, PrivateKey]:
        """Return the key that signs at *now*, after its id.

        Raises:
            BadConfig: as `ring`.
        """
        opened = self._current()
        key_id = opened.ring.signing(now).key_id
        return key_id, opened.private[key_id]

    def published(self, now: datetime) -> dict[str, PublicKey]:
        """Return the public keys that others must know at *now*, by id, in order of signing.

        Raises:
            BadConfig: as `ring`.
        """
        return {key_id: key.public_key() for key_id, key in self.usable(now).items()}

    def usable(self, now: datetime) -> dict[str, PrivateKey]:
        """Return the private keys behind `published`."""
        opened = self._current()
        return {key.key_id: opened.private[key.key_id] for key in opened.ring.published(now)}

    def rotate(self, now: datetime, overlap: timedelta, *, force: bool = False) -> RingKey:
        """Make a key that signs after *overlap* and is published from now on; return what it is.

        Raises:
            AuthorityRefused: reason ``rotation_under_way``.
            BadConfig: as `ring`.
        """
        with self._locked(fcntl.LOCK_EX):
            opened = self._read()
            private = generate_private_key(secrets.token_bytes(ENTROPY_BYTES))
            new = RingKey(_key_id(private.public_key(), now), now, now + overlap)
            ring = opened.ring.rotated(new, now, force=force)
            self._write(ring, {**opened.private, new.key_id: private}, now)
        return new

    def tidy(self, now: datetime) -> int:
        """Delete the keys that are gone, and what a killed rotation left; return how many files.

        Nothing is touched in a folder that never rotated.

        Raises:
            BadConfig: as `ring`.
        """
        with self._locked(fcntl.LOCK_EX):
            opened = self._read()
            if opened.stamp is None:
                if self._stray({self._name}):
                    # Of a first rotation that was killed: it may have published its key.
                    replace(self._public_file, self._public(opened.ring, opened.private, now))
                return self._sweep({self._name})
            return self._write(opened.ring.tidied(now), opened.private, now)

    def _write(self, ring: KeyRing, private: Mapping[str, PrivateKey], now: datetime) -> int:
        """Bring the folder to *ring*; return how many key files that removed."""
        named = {f"{self._name}-{key.key_id}": private[key.key_id] for key in ring.keys}
        manifest = msgspec.json.format(msgspec.json.encode(_Manifest(ring.keys)))
        # In this order: a key never signs before it is kept and published.
        for path, data in (
            *((self._folder / f"{stem}.pem", private_pem(key)) for stem, key in named.items()),
            (self._public_file, self._public(ring, private, now)),
            (self._manifest, manifest),
        ):
            if not path.exists() or path.read_bytes() != data:
                replace(path, data)
        return self._sweep(set(named))

    def _public(self, ring: KeyRing, private: Mapping[str, PrivateKey], now: datetime) -> bytes:
        return self._publish(
            {key.key_id: private[key.key_id].public_key() for key in ring.published(now)}
        )

    def _sweep(self, stems: set[str]) -> int:
        stray = self._stray(stems)
        for path in stray:
            path.unlink()
        return len(stray)

    def _stray(self, stems: set[str]) -> list[Path]:
        """Return the key files of this name that are not among *stems*, or were never finished."""
        return [
            path
            for pattern in (f"{self._name}.pem", f"{self._name}-*.pem", f".{self._name}[-.]*")
            for path in self._folder.glob(pattern)
            if path.stem not in stems
        ]

    @property
    def _manifest(self) -> Path:
        return self._folder / f"{self._name}.json"

    def _current(self) -> _Opened:
        opened = self._opened
        if opened is None or opened.stamp != stamp(self._manifest):
            # Shared: a reader never looks while files come and go.
            with self._locked(fcntl.LOCK_SH):
                opened = self._opened = self._read()
        return opened

    def _read(self) -> _Opened:
        seen = stamp(self._manifest)
        if seen is None:
            file = self._folder / f"{self._name}.pem"
            pem = read_private(file)
            made = datetime.fromtimestamp(int(file.stat().st_mtime), UTC)
            ring = KeyRing((RingKey(self._first_id, made, made),), self._keep)
            return _Opened(seen, ring, {self._first_id: load_private_key(pem)})
        try:
            keys = msgspec.json.decode(read_private(self._manifest), type=_Manifest).keys
            if not keys:
                raise BadInput("it names no key", reason="manifest_malformed")
            private = {
                key.key_id: load_private_key(
                    read_private(self._folder / f"{self._name}-{key.key_id}.pem")
                )
                for key in keys
            }
        except (msgspec.DecodeError, BadInput) as error:
            raise BadConfig(
                f"The signing keys of {self._manifest} cannot be used: {error}",
                hint=f"put {KEYS}/ back as a whole, from the copy made after the last rotation",
            ) from None
        return _Opened(seen, KeyRing(keys, self._keep), private)

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        try:
            folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise unreadable(self._folder, error) from error
        try:
            fcntl.flock(folder, how)
            yield
        finally:
            os.close(folder)


def _key_id(key: PublicKey, now: datetime) -> str:
    """Return an id that tells people the day and is never given twice."""
    numbers = key.public_numbers()
    point = numbers.x.to_bytes(32) + numbers.y.to_bytes(32)
    return f"{now:%Y-%m-%d}-{hashlib.sha256(point).hexdigest()[:8]}"
