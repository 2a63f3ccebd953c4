"""One daemon to a database: two would put two identifiers on the air as one person."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bluezone_node.errors import DatabaseInUse, DatabaseUnusable
from bluezone_node.store.node.permissions import FILE_MODE, make_private_folder


@contextmanager
def lock_database(path: Path, who: str = "node") -> Iterator[None]:
    """Hold the database at *path* for one daemon until the block is left. *who*: what it is.

    The lock is the kernel's, on a file beside the database, so a daemon that was killed leaves
    none behind.  Commands that only look do not take it.

    Raises:
        DatabaseInUse: another process holds it.
        DatabaseUnusable: the folder cannot be written.
    """
    descriptor = _open(path)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
            raise DatabaseInUse(
                f"another {who}{f' (process {holder})' if holder else ''} is using {path}",
                hint="stop it first, or give this one a state folder of its own",
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    try:
        make_private_folder(path.parent)
        beside = path.with_name(f"{path.name}.lock")
        return os.open(beside, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, FILE_MODE)
    except OSError as error:
        raise DatabaseUnusable(
            f"{path} cannot be locked: {error.strerror}",
            hint="check the owner and the rights of the folder, or choose another state folder",
        ) from error
