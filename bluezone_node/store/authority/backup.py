"""Everything that an authority is, in one sealed file that knows no engine.

Inside is a tar archive: the folder's files as they are, each table's rows in pieces of msgpack,
and last a manifest with the sums of it all.  Values are those that the tables hold (instants as
whole seconds), so rows that came from SQLite go into PostgreSQL, and back.

Not in it are the export files, which the exporter writes again from the rows; messages that wait
to be sent, which would be sent twice; the keys of days, which must be gone when they are destroyed;
and what a program left half-written.
"""

import fcntl
import hashlib
import io
import os
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from sqlalchemy import BigInteger, Connection, Engine, Table, func, select, type_coerce

from bluezone_node import __version__
from bluezone_node.crypto.wrapping import Entropy
from bluezone_node.errors import BadInput
from bluezone_node.intervals import to_unix
from bluezone_node.store.authority import day_keys, postgres
from bluezone_node.store.authority.database import Database, UnixTime, writing
from bluezone_node.store.authority.folder import AuthorityFolder
from bluezone_node.store.authority.keys import KEYS
from bluezone_node.store.authority.sealed import SealedReader, SealedWriter

FORMAT = 1
ROWS = 2_000
"""In one piece: some 300 KB of keys."""
LONGEST_PIECE = 64 << 20
"""Bytes of one member that are believed when reading."""

MANIFEST = "manifest.json"
FILES = "files/"
TABLES = "tables/"


class TableSum(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    columns: tuple[str, ...]
    rows: int
    sha256: str
    """Of the table's pieces, one after another."""


class DatabaseSum(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    layout: str
    revision: str
    tables: dict[str, TableSum]


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a backup holds."""

    format: int
    program: str
    taken: datetime
    files: dict[str, str]
    """SHA-256 by path."""
    databases: dict[str, DatabaseSum]
    """By role."""

    @property
    def rows(self) -> int:
        return sum(each.rows for db in self.databases.values() for each in db.tables.values())


def write_backup(
    path: Path,
    folder: AuthorityFolder,
    databases: Mapping[str, Database],
    secret: bytes,
    taken: datetime,
    entropy: Entropy,
) -> Manifest:
    """Write a backup of *folder* and *databases* (by role) to *path*, which must not exist.

    All databases are seen as they were at one moment; writers wait for that moment only.  The file
    gets its name when it is on the disk, and was read back.

    Raises:
        BadInput: reason ``exists`` or ``unwritable``.
        BadConfig, DatabaseUnusable: a file of the folder or a database cannot be read.
    """
    if path.exists():
        raise BadInput(f"{path} exists and is not overwritten", reason="exists")
    partial = path.with_name(f".{path.name}.partial")
    try:
        descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w+b") as file:
            os.fchmod(descriptor, 0o600)
            manifest = _write(file, folder, databases, secret, taken, entropy)
            file.flush()
            os.fsync(descriptor)
            file.seek(0)
            if read_manifest(file, secret) != manifest:
                raise BadInput("What was written does not read back.", reason="damaged")
        partial.rename(path)
        _sync(path.parent)
    except OSError as error:
        with suppress(OSError):
            partial.unlink()
        raise BadInput(
            f"{path} cannot be written: {error.strerror}",
            reason="unwritable",
            hint="is there such a folder, is it yours, and is there room?",
        ) from error
    except BaseException:
        with suppress(OSError):
            partial.unlink()
        raise
    return manifest


def read_manifest(file: BinaryIO, secret: bytes) -> Manifest:
    """Read a backup from its first byte to its last; return its manifest, which all of it fits.

    Raises:
        BadInput: reason ``not_sealed``, ``wrong_key``, ``damaged``, or ``newer``.
    """
    found = _Sums()
    manifest: Manifest | None = None
    for name, data in members(file, secret):
        if name == MANIFEST:
            manifest = _parse(data)
        else:
            found.add(name, data)
    if manifest is None or not found.fit(manifest):
        raise _damaged()
    return manifest


def members(file: BinaryIO, secret: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of everything in a backup, in order.

    Raises:
        BadInput: as `read_manifest`.
    """
    reader = SealedReader(file, secret)
    try:
        with tarfile.open(fileobj=reader, mode="r|") as archive:  # type: ignore[call-overload]
            for member in archive:
                content = archive.extractfile(member)
                if content is None or member.size > LONGEST_PIECE:
                    raise _damaged()
                yield member.name, content.read()
        # The archive ends before the file does; what follows is looked at, too.
        while reader.read(1 << 16):
            pass
    except tarfile.TarError:
        raise _damaged() from None


@dataclass(slots=True)
class _Sums:
    """Sums of what is written or read."""

    files: dict[str, str] = field(default_factory=dict)
    tables: dict[str, Any] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, data: bytes) -> None:
        if name.startswith(FILES):
            self.files[name.removeprefix(FILES)] = hashlib.sha256(data).hexdigest()
            return
        table = name.removeprefix(TABLES).rpartition("/")[0]
        self.tables.setdefault(table, hashlib.sha256()).update(data)
        try:
            self.rows[table] = self.rows.get(table, 0) + len(msgspec.msgpack.decode(data))
        except msgspec.DecodeError:
            raise _damaged() from None

    def table(self, name: str, columns: tuple[str, ...]) -> TableSum:
        digest = self.tables.get(name, hashlib.sha256())
        return TableSum(columns, self.rows.get(name, 0), digest.hexdigest())

    def fit(self, manifest: Manifest) -> bool:
        named = {
            f"{role}/{name}": table
            for role, database in manifest.databases.items()
            for name, table in database.tables.items()
        }
        return (
            self.files == manifest.files
            and set(self.tables) <= set(named)
            and all(self.table(name, each.columns) == each for name, each in named.items())
        )


def _write(
    file: BinaryIO,
    folder: AuthorityFolder,
    databases: Mapping[str, Database],
    secret: bytes,
    taken: datetime,
    entropy: Entropy,
) -> Manifest:
    sealed, sums = SealedWriter(file, secret, entropy), _Sums()
    with (
        _at_one_moment(databases) as connections,
        tarfile.open(fileobj=sealed, mode="w|") as archive,  # type: ignore[call-overload]
    ):

        def add(name: str, data: bytes) -> None:
            member = tarfile.TarInfo(name)
            member.size, member.mode, member.mtime = len(data), 0o600, to_unix(taken)
            archive.addfile(member, io.BytesIO(data))
            if name != MANIFEST:
                sums.add(name, data)

        for name, data in _files(folder):
            add(f"{FILES}{name}", data)
        described = {}
        for role, connection in connections.items():
            layout = databases[role].layout
            tables = {}
            for table in layout.tables.sorted_tables:
                for number, piece in enumerate(_pieces(connection, table)):
                    add(f"{TABLES}{role}/{table.name}/{number:06}", piece)
                columns = tuple(str(column.name) for column in table.columns)
                tables[str(table.name)] = sums.table(f"{role}/{table.name}", columns)
            described[role] = DatabaseSum(layout.name, layout.revision, tables)
        manifest = Manifest(
            FORMAT, __version__, taken.replace(microsecond=0), sums.files, described
        )
        add(MANIFEST, msgspec.json.encode(manifest))
    sealed.finish()
    return manifest


@contextmanager
def _at_one_moment(databases: Mapping[str, Database]) -> Iterator[dict[str, Connection]]:
    """Yield a connection on each database; what they see is of one moment, and stays so."""
    with ExitStack() as stack:
        engines = {role: stack.enter_context(_opened(each)) for role, each in databases.items()}
        with ExitStack() as still:
            for engine in engines.values():
                # Nobody else writes from here …
                still.enter_context(writing(engine))
            connections = {
                role: stack.enter_context(_seeing(engine, databases[role]))
                for role, engine in engines.items()
            }
        # … to here.
        yield connections


@contextmanager
def _opened(database: Database) -> Iterator[Engine]:
    engine = database.open()
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def _seeing(engine: Engine, database: Database) -> Iterator[Connection]:
    options: dict[str, Any] = {} if database.url is None else {"isolation_level": "REPEATABLE READ"}
    with engine.connect().execution_options(**options) as connection, connection.begin():
        if database.url is not None:
            # One waits while the other's rows are written.
            postgres.take_time(connection)
        # On either engine the first thing that is read decides what is seen from then on.
        first = database.layout.tables.sorted_tables[0]
        connection.execute(select(func.count()).select_from(first)).one()
        yield connection


def _pieces(connection: Connection, table: Table) -> Iterator[bytes]:
    columns = [
        type_coerce(column, BigInteger) if isinstance(column.type, UnixTime) else column
        for column in table.columns
    ]
    rows = connection.execution_options(stream_results=True, yield_per=ROWS).execute(
        select(*columns)
    )
    for part in rows.partitions():
        yield msgspec.msgpack.encode([tuple(row) for row in part])


def _files(folder: AuthorityFolder) -> Iterator[tuple[str, bytes]]:
    """Yield the path and content of the folder's own files, under the lock of its keys."""
    left_out = {
        folder.exports.name,
        *Path(folder.settings.registrar.sms.outbox).parts[:1],
        day_keys.FOLDER,
    }
    databases = (folder.registry_db.name, folder.authority_db.name)
    keys = os.open(folder.path / KEYS, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(keys, fcntl.LOCK_SH)
        for path in sorted(folder.path.rglob("*")):
            name = path.relative_to(folder.path)
            if name.parts[0] in left_out or name.parts[0].startswith(databases):
                continue
            if path.is_file() and not any(part.startswith(".") for part in name.parts):
                yield str(name), path.read_bytes()
    finally:
        os.close(keys)


def _parse(data: bytes) -> Manifest:
    try:
        number = msgspec.json.decode(data)["format"]
        if number == FORMAT:
            return msgspec.json.decode(data, type=Manifest)
    except (msgspec.MsgspecError, KeyError, TypeError):
        raise _damaged() from None
    raise BadInput(
        f"The backup was made by another version of this program (format {number}).",
        reason="newer",
        hint="restore it with that version",
    )


def _damaged() -> BadInput:
    return BadInput(
        "The backup is damaged: what is in it does not fit its manifest.",
        reason="damaged",
        hint="nothing was restored; take another copy of it, or the backup before it",
    )


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
