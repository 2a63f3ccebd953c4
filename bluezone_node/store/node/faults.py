"""What SQLite's errors mean to a person."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bluezone_node.errors import DatabaseUnusable

_EXPLANATIONS = {
    "FULL": ("there is no space left to write {path}", "free some space on that disk"),
    "CORRUPT": ("{path} is damaged", "move it away: a new one is begun at the next start"),
    "NOTADB": ("{path} is not a database, or is damaged", "move it away, or choose another folder"),
    "READONLY": ("{path} cannot be written", "check its owner, its rights and the file system"),
    "CANTOPEN": ("{path} cannot be opened", "check the owner and the rights of its folder"),
    "BUSY": ("{path} is held by another program", "close that program and try again"),
    "IOERR": ("{path} cannot be read or written", "check the disk: `dmesg` tells what it said"),
}


def damaged(path: Path) -> DatabaseUnusable:
    """Return the error of a database that SQLite did not find wrong by itself."""
    sentence, hint = _EXPLANATIONS["CORRUPT"]
    return DatabaseUnusable(sentence.format(path=path), hint=hint)


@contextmanager
def faults_explained(path: Path) -> Iterator[None]:
    """Turn every error of SQLite in the block into a sentence about *path*."""
    try:
        yield
    except sqlite3.Error as error:
        # SQLITE_READONLY_DIRECTORY and its like: the family is enough for a person.
        name = getattr(error, "sqlite_errorname", "").removeprefix("SQLITE_")
        sentence, hint = _EXPLANATIONS.get(
            name.partition("_")[0], ("{path} could not be used", "please report this")
        )
        detail = f" ({name})" if name else f" ({error})"
        raise DatabaseUnusable(sentence.format(path=path) + detail, hint=hint) from error
