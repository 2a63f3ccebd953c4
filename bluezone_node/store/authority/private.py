"""Files that only their owner may read, written whole or not at all."""

import os
import secrets
from pathlib import Path

from bluezone_node.errors import BadConfig


def read_private(path: Path) -> bytes:
    """Return what is in *path*, a file that only its owner may read.

    Raises:
        BadConfig: it is missing, or others can read it.
    """
    try:
        check_private(path, "600")
        return path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error


def check_private(path: Path, mode: str) -> None:
    """Refuse a file or folder that others can read; *mode* is what it should have.

    Raises:
        BadConfig: with the command that mends it.
    """
    if path.stat().st_mode & 0o077:
        raise BadConfig(f"Others can read {path}.", hint=f"chmod {mode} {path}")


def unreadable(path: Path, error: OSError) -> BadConfig:
    """Return what to raise where *path*, something of the authority's keys, cannot be read."""
    return BadConfig(
        f"{path} cannot be read: {error.strerror}",
        hint="`bluezone-node authority init` makes the keys, once",
    )


def hand_over(path: Path) -> None:
    """Give what an administrator made to the owner of its folder: the server is another user."""
    if os.geteuid() == 0:
        owner = path.parent.stat()
        # Not where a link leads: in the server's folder root follows nobody elsewhere.
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def replace(path: Path, data: bytes) -> None:
    """Write *path* whole or not at all, readable by its owner alone, even if the power fails."""
    partial = path.with_name(f".{path.name}.partial")
    _write(partial, data, os.O_TRUNC)
    partial.replace(path)
    _keep_names(path.parent)


def create(path: Path, data: bytes) -> None:
    """Write *path* as `replace` does, if it is not there: of several at once, one's stays."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}.partial")
    _write(partial, data, os.O_EXCL)
    try:
        os.link(partial, path)
    except FileExistsError:
        return
    finally:
        partial.unlink()
    _keep_names(path.parent)


def _write(path: Path, data: bytes, how: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | how, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        hand_over(path)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _keep_names(folder: Path) -> None:
    """Make names last that were given in *folder*, which has its own page to lose."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
