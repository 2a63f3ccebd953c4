"""Files that only their owner may read, written whole or not at all."""

import os
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
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    descriptor = os.open(partial, flags, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        hand_over(partial)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        # The rename lives in the folder, which has its own page to lose.
        os.fsync(folder)
    finally:
        os.close(folder)
