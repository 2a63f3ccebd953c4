"""Keys of the places on disk: what signs cards and notices, and the list that says whom to believe.

``keys/places-ROLE.pem`` signs for one role; ``trust.cose`` names them all under the root, whose
public key is ``places-root.txt``.  The root's private key is made here, and is to be moved to a
stick in a safe: from then on changes to the list name it by a file.

Each change is: the new list first, then the key that it names.  Killed between, the list names one
key more than anybody has, which does no harm; the next rotation makes another.
"""

import fcntl
import os
import secrets
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace as with_changes
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from bluezone_node.crypto.cose import public_bytes
from bluezone_node.errors import BadConfig, BadInput
from bluezone_node.intervals import to_unix
from bluezone_node.store.authority.keys import KEYS
from bluezone_node.store.authority.private import read_private, replace
from bluezone_node.venues.trust import (
    Role,
    TrustedKey,
    TrustList,
    read_trust_list,
    write_trust_list,
)

TRUST = "trust.cose"
ROOT_PUBLIC = "places-root.txt"
"""Base64 of the root's public key: what devices pin."""
ROOT = f"{KEYS}/places-root.pem"
SECRET = f"{KEYS}/places.secret"
SECRET_BYTES = 32

ROLES = {"cards": Role.CARDS, "notices": Role.NOTICES, "register": Role.REGISTER}
"""Roles whose private keys lie in the folder."""
VALID = timedelta(days=730)
"""Of a key: a card lives a year, and must not outlive the key that signed it."""
EARLY = timedelta(days=1)
"""A key counts from a day before it was made: a device whose clock is late believes it too."""
ANY_PROVINCE = "*"


class PlaceKeys:
    """The keys of an authority's places, read from disk whenever they are asked for."""

    def __init__(self, folder: Path) -> None:
        """*folder*: the authority's."""
        self._folder = folder

    @property
    def exist(self) -> bool:
        return (self._folder / TRUST).exists()

    @property
    def root_file(self) -> Path:
        """Where the root's private key is made; it should not stay there."""
        return self._folder / ROOT

    def cards(self) -> Ed25519PrivateKey:
        """Return the key that signs venue cards.

        Raises:
            BadConfig: it is missing or damaged, or others can read it; also from all others.
        """
        return self._key("cards")

    def notices(self) -> Ed25519PrivateKey:
        """Return the key that signs bundles of notices."""
        return self._key("notices")

    def register(self) -> Ed25519PrivateKey:
        """Return the key that signs the lists of day keys."""
        return self._key("register")

    def secret(self) -> bytes:
        """Return the 32 bytes that kiosks' secrets and digests are derived from."""
        try:
            return bytes.fromhex(self._read(SECRET).decode())
        except ValueError:
            raise BadConfig(f"{self._folder / SECRET} is damaged.", hint=_COPY) from None

    def trust(self) -> bytes:
        """Return the trust list as it is handed out."""
        return self._public(TRUST)

    def root_public(self) -> bytes:
        """Return the root's public key, 32 bytes."""
        try:
            return b64decode(self._public(ROOT_PUBLIC).strip(), validate=True)
        except ValueError:
            raise BadConfig(f"{self._folder / ROOT_PUBLIC} is damaged.", hint=_COPY) from None

    def trust_list(self) -> TrustList:
        """Return what the trust list says."""
        try:
            return read_trust_list(self.trust(), self.root_public())
        except BadInput as error:
            raise BadConfig(f"{self._folder / TRUST}: {error}", hint=_COPY) from None

    def root(self, file: Path | None = None) -> Ed25519PrivateKey:
        """Return the root's private key: from *file*, or from the folder while it is there.

        Raises:
            BadConfig: it is not there, or is another root's.
        """
        path = file or self.root_file
        if file is None and not path.exists():
            raise BadConfig(
                "The root's private key is not in the folder, as it should be.",
                hint="name the file where it is kept: --root FILE",
            )
        root = _load(path)
        if public_bytes(root) != self.root_public():
            raise BadConfig(f"{path} is not the root of this authority's trust list.")
        return root

    def make(self, now: datetime, province: str = ANY_PROVINCE) -> TrustList:
        """Make what is missing of the keys, and the list; nothing is ever overwritten.

        Raises:
            BadConfig: there is a list already, or was one.
        """
        with self._locked():
            if self.exist:
                raise BadConfig(
                    f"{self._folder / TRUST} is there already; nothing was changed.",
                    hint="`bluezone-node trust show` says what is in it",
                )
            if (self._folder / ROOT_PUBLIC).exists() and not self.root_file.exists():
                raise BadConfig(
                    f"{self._folder / TRUST} is missing, and the root's private key is not here.",
                    hint=_COPY,
                )
            if not (self._folder / SECRET).exists():
                self._write(SECRET, secrets.token_hex(SECRET_BYTES).encode())
            root = self._kept_or_made(ROOT)
            keys = tuple(
                _trusted(self._kept_or_made(_file(name)), role, province, now)
                for name, role in ROLES.items()
            )
            self._write(ROOT_PUBLIC, b64encode(public_bytes(root)) + b"\n")
            return self._put(TrustList(1, _second(now), keys), root)

    def rotate(self, name: str, root: Ed25519PrivateKey, now: datetime) -> TrustedKey:
        """Make a new key of *name* (of `ROLES`); what the old one signed stays good.

        Raises:
            BadConfig: *root* is another's.
        """
        with self._locked():
            before = self.trust_list()
            old = public_bytes(self._key(name))
            province = next(
                (key.province for key in before.keys if key.public_key == old), ANY_PROVINCE
            )
            key = Ed25519PrivateKey.generate()
            new = _trusted(key, ROLES[name], province, now)
            self._put(_following(before, (*before.keys, new), now), root)
            self._write(_file(name), _pem(key))
        return new

    def add(self, new: TrustedKey, root: Ed25519PrivateKey, now: datetime) -> TrustList:
        """Put somebody's public key on the list.

        Raises:
            BadInput: reason ``key_listed``.
        """
        with self._locked():
            before = self.trust_list()
            if any((key.public_key, key.role) == (new.public_key, new.role) for key in before.keys):
                raise BadInput("The key is on the list for that role.", reason="key_listed")
            return self._put(_following(before, (*before.keys, new), now), root)

    def revoke(self, key_id: bytes, root: Ed25519PrivateKey, now: datetime) -> TrustList:
        """Say that nothing counts any more that the key signed.

        Raises:
            BadInput: reason ``key_unknown``: none of that id is on the list, or it is revoked.
        """
        with self._locked():
            before = self.trust_list()
            keys = tuple(
                with_changes(key, revoked=_second(now))
                if key.key_id == key_id and key.revoked is None
                else key
                for key in before.keys
            )
            if keys == before.keys:
                raise BadInput(
                    "No key of that id is on the list, or it is revoked already.",
                    reason="key_unknown",
                    hint="`bluezone-node trust show` lists them",
                )
            return self._put(_following(before, keys, now), root)

    def _put(self, trust: TrustList, root: Ed25519PrivateKey) -> TrustList:
        self._write(TRUST, write_trust_list(trust, root))
        return self.trust_list()

    def _kept_or_made(self, name: str) -> Ed25519PrivateKey:
        if (self._folder / name).exists():
            return _load(self._folder / name)
        key = Ed25519PrivateKey.generate()
        self._write(name, _pem(key))
        return key

    def _key(self, name: str) -> Ed25519PrivateKey:
        return _load(self._folder / _file(name))

    def _read(self, name: str) -> bytes:
        return read_private(self._folder / name)

    def _public(self, name: str) -> bytes:
        path = self._folder / name
        try:
            return path.read_bytes()
        except OSError as error:
            raise _missing(path, error) from None

    def _write(self, name: str, data: bytes) -> None:
        replace(self._folder / name, data)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        path = self._folder / KEYS
        try:
            folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise _missing(path, error) from None
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)


_COPY = "put it back from a backup of this folder"


def _file(name: str) -> str:
    return f"{KEYS}/places-{name}.pem"


def _load(path: Path) -> Ed25519PrivateKey:
    if not path.exists():
        raise BadConfig(f"{path} is missing.", hint="`bluezone-node trust init` makes such keys")
    try:
        key = load_pem_private_key(read_private(path), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None  # what a parser says of a private key is not for a log
    if not isinstance(key, Ed25519PrivateKey):
        raise BadConfig(f"{path} is no Ed25519 private key in unencrypted PEM.", hint=_COPY)
    return key


def _pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _trusted(key: Ed25519PrivateKey, role: Role, province: str, now: datetime) -> TrustedKey:
    start, end = _second(now - EARLY), _second(now + VALID)
    return TrustedKey(public_bytes(key), role, province, start, end)


def _following(before: TrustList, keys: tuple[TrustedKey, ...], now: datetime) -> TrustList:
    # The seconds of now: above the number of any list that a backup, restored, has not heard of.
    return TrustList(max(before.sequence + 1, to_unix(now)), _second(now), keys)


def _second(at: datetime) -> datetime:
    return at.replace(microsecond=0)


def _missing(path: Path, error: OSError) -> BadConfig:
    return BadConfig(
        f"{path} cannot be read: {error.strerror}",
        hint="`bluezone-node trust init` makes the keys of places, once",
    )
