"""Who may read the database: its owner alone.

The log of whom one met must not be readable by the other users of the machine.  SQLite gives
``-wal`` and ``-shm`` the mode of the database itself, so the folder and the file are enough.
"""

import logging
import os
import stat
from pathlib import Path

from bluezone_node.errors import DatabaseUnusable

log = logging.getLogger(__name__)

FOLDER_MODE = 0o700
FILE_MODE = 0o600


def make_private(path: Path) -> None:
    """Create the folder and the empty file *path* where missing; take others' rights away.

    Raises:
        DatabaseUnusable: the folder is shared by its nature (as ``/tmp`` is), belongs to someone
            else and is open to others, or cannot be written.
    """
    try:
        make_private_folder(path.parent)
        _make_private_file(path)
    except OSError as error:
        raise DatabaseUnusable(
            f"{path} cannot be created or protected: {error.strerror}",
            hint="check the owner and the rights of the folder, or choose another state folder",
        ) from error


def make_private_folder(folder: Path) -> None:
    """Create *folder* as 0700; tighten it where others have rights."""
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    found = folder.stat()
    if not found.st_mode & 0o077:
        return
    if found.st_mode & stat.S_ISVTX or found.st_uid != os.geteuid():
        raise DatabaseUnusable(
            f"{folder} is open to other users and is not this node's own folder",
            hint="give the node a folder of its own; it is created with the right permissions",
        )
    log.warning("%s was open to other users: its mode is now 0700", folder)
    folder.chmod(FOLDER_MODE)


def _make_private_file(path: Path) -> None:
    # An existing file is never opened here: closing any descriptor of it would drop the locks
    # that SQLite holds on it in this process (POSIX advisory locks).
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, FILE_MODE))
    except FileExistsError:
        for file in (path, *companions(path)):
            if file.exists() and file.stat().st_mode & 0o077:
                log.warning("%s was open to other users: its mode is now 0600", file)
                file.chmod(FILE_MODE)


def companions(path: Path) -> tuple[Path, Path]:
    """Return the write-ahead log and the shared memory that SQLite keeps beside *path*."""
    return path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")
