"""A file that a command leaves for its owner alone: all of it, or nothing."""

import os
from contextlib import suppress
from pathlib import Path

from bluezone_node.errors import BadInput


def write_private(content: bytes, path: Path, replace: bool) -> None:
    """Write *content* to *path*, 0600; if there is a file, only where *replace* says so.

    Raises:
        BadInput: reason ``exists`` or ``unwritable``.
    """
    # A file that is replaced may be readable by others, or half of it left by a full disk:
    # it is not filled, a new one is put in its place.
    target = path.with_name(f".{path.name}.{os.getpid()}") if replace else path
    made = False
    try:
        if path.exists() and not (replace and path.is_file()):
            raise FileExistsError
        descriptor = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        made = True
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor, not a path
            file.write(content)
        if replace:
            target.replace(path)
    except FileExistsError:
        raise BadInput(
            f"{path} exists and is not overwritten",
            reason="exists",
            hint="choose another name, or give --force if it is an ordinary file",
        ) from None
    except OSError as error:
        if made:
            with suppress(OSError):
                target.unlink()
        raise BadInput(
            f"{path} cannot be written: {error.strerror}",
            reason="unwritable",
            hint="is there such a folder, is it yours, and is there room?",
        ) from error
