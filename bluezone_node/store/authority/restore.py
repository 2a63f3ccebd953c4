"""A backup, made an authority again: in an empty folder and in empty databases only.

What was handed out must not become good again.  A code, a token or a session of the backup may
have been used, revoked or ended since, and nobody remembers: so all of them are over.  A window of
keys that was drawn since is drawn again from what the backup knows; its files' names are the same
as before, and the exporter leaves alone what lies on the shelf.
"""

import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import date, datetime
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import msgspec
from sqlalchemy import Connection, Date, MetaData, delete, update

from bluezone_node.errors import BadConfig, BadInput
from bluezone_node.store.authority.backup import (
    FILES,
    TABLES,
    DatabaseSum,
    Manifest,
    members,
    read_manifest,
)
from bluezone_node.store.authority.bulk import add_rows
from bluezone_node.store.authority.database import Database
from bluezone_node.store.authority.folder import SETTINGS, AuthorityFolder, open_folder
from bluezone_node.store.authority.registry_tables import (
    codes,
    sessions,
    shown,
    tokens,
    venue_claims,
)
from bluezone_node.store.authority.schema import bring_up, lay_out

PARTIAL = ".restoring"
"""Below the new folder: what is not whole yet. Left behind by a kill, it is in nobody's way."""

DatabasesOf = Callable[[AuthorityFolder], Mapping[str, Database]]


def restore_backup(
    file: BinaryIO, path: Path, secret: bytes, databases_of: DatabasesOf, settings: bytes | None
) -> Manifest:
    """Make the authority of the backup *file* at *path*; return the backup's manifest.

    All of the backup is checked before anything is written. *settings* take the place of its own.
    Until everything is there, databases are in a transaction and the folder has no settings.

    Raises:
        BadInput: the backup cannot be used (see `read_manifest`), or *path* not be written.
        BadConfig: something is at *path*, or the settings are wrong.
        DatabaseUnusable: a database is not empty, or cannot be written.
    """
    manifest = read_manifest(file, secret)
    file.seek(0)
    partial = path / PARTIAL
    _check_empty(path, _left_behind(path, manifest))
    try:
        for each in _left_behind(path, manifest):
            # The half-way mark last: what it vouches for is ours to remove.
            shutil.rmtree(each) if each.is_dir() else each.unlink()
        partial.mkdir(mode=0o700, parents=True)
        path.chmod(0o700)
        _fill(file, partial, secret, manifest, databases_of, settings)
        # The settings last: a folder without them is not taken for an authority's.
        for each in sorted(partial.iterdir(), key=lambda each: each.name == SETTINGS):
            each.rename(path / each.name)
        partial.rmdir()
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise BadInput(
            f"{path} cannot be written: {error.strerror}",
            reason="unwritable",
            hint="is it yours, and is there room?",
        ) from error
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return manifest


def _check_empty(path: Path, but: list[Path]) -> None:
    if path.exists() and (not path.is_dir() or set(path.iterdir()) - set(but)):
        raise BadConfig(
            f"{path} is not empty; nothing was changed.", hint="name a folder that does not exist"
        )


def _left_behind(path: Path, manifest: Manifest) -> list[Path]:
    """Return what a restore of the same backup left in *path* when it was killed."""
    if not (path / PARTIAL).is_dir() or (path / SETTINGS).exists():
        return []
    ours = {PurePosixPath(name).parts[0] for name in manifest.files}
    for name in ("registry.db", "authority.db"):
        ours |= {name, f"{name}-wal", f"{name}-shm"}
    return [*(each for each in path.iterdir() if each.name in ours), path / PARTIAL]


def _fill(
    file: BinaryIO,
    partial: Path,
    secret: bytes,
    manifest: Manifest,
    databases_of: DatabasesOf,
    settings: bytes | None,
) -> None:
    with ExitStack() as stack:
        fillings: dict[str, _Filling] = {}
        for name, data in members(file, secret):
            if name.startswith(FILES):
                _put(partial, name.removeprefix(FILES), data)
                continue
            if not fillings:
                # Files come first: all are there.
                if settings is not None:
                    _put(partial, SETTINGS, settings)
                databases = databases_of(open_folder(partial))
                for role, described in manifest.databases.items():
                    connection = stack.enter_context(databases[role].filling())
                    fillings[role] = _Filling(connection, databases[role], described)
            if name.startswith(TABLES):
                role, table, _ = name.removeprefix(TABLES).split("/")
                fillings[role].add(table, data)
        for filling in fillings.values():
            filling.finish(manifest.taken)


class _Filling:
    """One database, on its way from empty to full."""

    def __init__(self, connection: Connection, database: Database, described: DatabaseSum) -> None:
        self._connection = connection
        self._layout = database.layout
        self._described = described
        lay_out(connection, self._layout, described.revision)
        # As they were in that step of the history, which the program's own tables may have left.
        self._tables = MetaData()
        self._tables.reflect(connection, only=list(described.tables))

    def add(self, name: str, data: bytes) -> None:
        table, columns = self._tables.tables[name], self._described.tables[name].columns
        rows = msgspec.msgpack.decode(data, type=list[tuple[object, ...]])
        if self._connection.dialect.name == "postgresql":
            dates = [isinstance(table.c[each].type, Date) for each in columns]
            if any(dates):
                rows = [tuple(map(_date, row, dates)) for row in rows]
        add_rows(self._connection, table, columns, rows)

    def finish(self, taken: datetime) -> None:
        """Bring the tables to those of today, and end what must not be good again."""
        bring_up(self._connection, self._layout, upgrade=True)
        for table in (codes, tokens):
            if table.metadata is self._layout.tables:
                over = update(table).where(table.c.expires > taken).values(expires=taken)
                self._connection.execute(over)
        for table in (sessions, shown, venue_claims):
            if table.metadata is self._layout.tables:
                self._connection.execute(delete(table))


def _date(value: object, is_date: bool) -> object:
    """Return *value* as PostgreSQL's driver takes it; on SQLite a date is its text."""
    return date.fromisoformat(value) if is_date and isinstance(value, str) else value


def _put(folder: Path, name: str, data: bytes) -> None:
    relative = PurePosixPath(name)
    if relative.is_absolute() or ".." in relative.parts:
        raise BadInput("The backup names a file outside its folder.", reason="damaged")
    path = folder / relative
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)
