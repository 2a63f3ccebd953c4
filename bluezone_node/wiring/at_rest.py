"""Whether this node's data are encrypted where they lie, and what a person can do about it."""

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

from bluezone_node.config import Settings
from bluezone_node.errors import BadConfig

DATABASE_NAME = "node.db"


@dataclass(frozen=True, slots=True)
class AtRest:
    """How the data lie on the disk: one line of `status`."""

    encrypted: bool
    key_source: str
    """``systemd_credential`` or ``key_file``; empty where there is none."""
    told: str
    """For a person who may lose the card."""
    cure: str = ""
    """What to do; empty where all is well."""

    @property
    def alarming(self) -> bool:
        """Whether the owner gave a key and is not protected by it.

        Without a key there is nothing wrong with the node: a lamp that most owners cannot put out
        teaches them to overlook it.  It is said all the same.
        """
        return bool(self.key_source and self.cure)


def secret_of(settings: Settings) -> bytes | None:
    """Return the secret that this node's data are encrypted under; None: they are not.

    Raises:
        BadConfig: a key was named, and cannot be read or is too weak.
    """
    from bluezone_node.masterkey import find_master_key

    found = find_master_key(settings.node.key_file)
    return found.secret if found else None


def at_rest(settings: Settings) -> AtRest:
    """Return how the data of this node lie on the disk. No key is needed to tell.

    Raises:
        DatabaseUnusable: the database cannot be opened.
    """
    from bluezone_node.masterkey import KeySourceKind, find_master_key, on_one_disk
    from bluezone_node.store.node import sealing_state

    path = settings.state_dir() / DATABASE_NAME
    state = sealing_state(path)
    try:
        key = find_master_key(settings.node.key_file)
    except BadConfig as error:
        return AtRest(state.sealed, KeySourceKind.KEY_FILE.value, str(error), error.hint)
    if key is None and state.sealed:
        return AtRest(True, "", "encrypted; the key is not at hand", _FIND_KEY)
    if key is None:
        return AtRest(False, "", _OPEN, "docs/operate.md, A key for the data at rest")
    source = key.kind.value
    if not state.sealed:
        return AtRest(False, source, "NOT encrypted yet", _RESTART)
    told = f"encrypted, key from {source.replace('_', ' ')}"
    if not state.wiped:
        return AtRest(True, source, f"{told}; older plain text is not wiped yet", _RESTART)
    if key.kind is KeySourceKind.KEY_FILE and on_one_disk(key.path, path):
        return AtRest(True, source, f"{told}, which lies on the same disk as the data", _MOVE_KEY)
    return AtRest(True, source, told)


_OPEN = "NOT encrypted: whoever has the card can read whom this node heard, and its keys"
_FIND_KEY = "name the key file in node.key_file, or start the service that has the credential"
_RESTART = "restart the node: it encrypts and wipes when it starts"
_MOVE_KEY = "keep the key file elsewhere: whoever takes the card has both"


async def seal_store(settings: Settings) -> None:
    """Encrypt what lies open where there is a key. To be called under the database's lock.

    Raises:
        BadConfig: a key was named, and cannot be read or is too weak.
        DatabaseUnusable: it is encrypted under another key, or there is no space to do it.
    """
    from bluezone_node.store.node import seal_database
    from bluezone_node.systemd import ServiceManager

    secret = secret_of(settings)
    if secret is not None:
        path = settings.state_dir() / DATABASE_NAME
        await asyncio.to_thread(seal_database, path, secret, ServiceManager().starting)


def unseal_node(settings: Settings) -> None:
    """Write everything back as it is; refuse while a daemon runs.

    Raises:
        BadConfig: no key was found.
        DatabaseUnusable: it is encrypted under another one.
    """
    from bluezone_node.store.node import lock_database, unseal_database

    path = settings.state_dir() / DATABASE_NAME
    with lock_database(path):
        unseal_database(path, _secret_needed(settings))


def change_node_key(settings: Settings, new: Path) -> None:
    """Let the secret in the file *new* open the data in the place of the one found so far.

    Raises:
        BadConfig: no key was found, or *new* holds none.
        DatabaseUnusable: it is not encrypted, or under another key.
    """
    from bluezone_node.masterkey import read_secret
    from bluezone_node.store.node import change_key

    path = settings.state_dir() / DATABASE_NAME
    change_key(path, _secret_needed(settings), read_secret(new))


def make_key(path: Path) -> None:
    """Write a new key file, for its owner only.

    Raises:
        BadInput: there is a file already, or it cannot be written.
    """
    from bluezone_node.masterkey import make_key_file

    make_key_file(path, os.urandom)


def _secret_needed(settings: Settings) -> bytes:
    secret = secret_of(settings)
    if secret is None:
        raise BadConfig("there is no key: neither a key file nor a credential", hint=_FIND_KEY)
    return secret
