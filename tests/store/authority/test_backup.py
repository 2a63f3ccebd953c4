"""A backup is whole, secret and of one moment; what it restores is the same on any engine."""

import os
import random
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Boolean, Date, LargeBinary, String, Table, Text, func, insert, select

from bluezone_node.errors import BadConfig, BadInput, DatabaseUnusable
from bluezone_node.store.authority import exposure_tables, registry_tables
from bluezone_node.store.authority.backup import Manifest, members, read_manifest, write_backup
from bluezone_node.store.authority.database import Database, UnixTime
from bluezone_node.store.authority.folder import AuthorityFolder, make_folder, open_folder
from bluezone_node.store.authority.postgres import parse_url
from bluezone_node.store.authority.restore import restore_backup
from bluezone_node.store.authority.sealed import PIECE_BYTES, SealedReader, SealedWriter

SECRET = b"six words drawn by dice"
TAKEN = datetime(2026, 3, 1, 12, tzinfo=UTC)
LAYOUTS = {"registrar": registry_tables.LAYOUT, "publisher": exposure_tables.LAYOUT}


def databases(folder: AuthorityFolder, url: str | None = None) -> dict[str, Database]:
    parsed = None if url is None else parse_url(url)
    return {
        "registrar": Database(registry_tables.LAYOUT, folder.registry_db, parsed),
        "publisher": Database(exposure_tables.LAYOUT, folder.authority_db, parsed),
    }


def fill(database: Database, keys: int = 4500) -> None:
    """Put rows into every table, with every value that its columns can have."""
    draw, engine = random.Random(7), database.open()
    with engine.begin() as connection:
        for table in database.layout.tables.sorted_tables:
            count = keys if table.name == "exposures" else 5
            rows = [_row(table, number, draw) for number in range(count)]
            connection.execute(insert(table), rows)
    engine.dispose()


def _row(table: Table, number: int, draw: random.Random) -> dict[str, object]:
    row: dict[str, object] = {}
    for column in table.columns:
        kind = column.type
        if column.nullable and number % 2:
            row[column.name] = None
        elif isinstance(kind, LargeBinary):
            row[column.name] = draw.randbytes(16)
        elif isinstance(kind, UnixTime):
            row[column.name] = TAKEN + timedelta(minutes=number)
        elif isinstance(kind, Date):
            row[column.name] = date(2026, 2, 28)
        elif isinstance(kind, Boolean):
            row[column.name] = bool(number % 3)
        elif isinstance(kind, String | Text):
            row[column.name] = f"ạ{number}"
        else:
            row[column.name] = number
    return row


def rows_of(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """Return what every table holds, in no particular order made one."""
    engine = database.open()
    with engine.begin() as connection:
        found = {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in database.layout.tables.sorted_tables
        }
    engine.dispose()
    return found


@pytest.fixture
def folder(tmp_path: Path) -> AuthorityFolder:
    return make_folder(tmp_path / "old", ["registrar", "publisher"])


@pytest.fixture
def made(folder: AuthorityFolder, tmp_path: Path) -> Path:
    """A backup of a small authority on files."""
    for database in databases(folder).values():
        fill(database, keys=3)
    backup(folder, tmp_path / "backup")
    return tmp_path / "backup"


def backup(folder: AuthorityFolder, path: Path, url: str | None = None) -> Manifest:
    return write_backup(path, folder, databases(folder, url), SECRET, TAKEN, os.urandom)


def restore(made: Path, path: Path, url: str | None = None) -> AuthorityFolder:
    with made.open("rb") as file:
        restore_backup(file, path, SECRET, lambda folder: databases(folder, url), None)
    return open_folder(path)


@pytest.fixture(params=["files", pytest.param("postgres", marks=pytest.mark.postgres)])
def source(request: pytest.FixtureRequest) -> str | None:
    return None if request.param == "files" else request.getfixturevalue("postgres_url")


@pytest.fixture(params=["files", pytest.param("postgres", marks=pytest.mark.postgres)])
def target(request: pytest.FixtureRequest) -> Iterator[str | None]:
    if request.param == "files":
        yield None
        return
    with request.getfixturevalue("postgres_server").database() as url:
        yield url


@pytest.mark.slow
def test_what_was_kept_is_back_on_any_engine(
    folder: AuthorityFolder, tmp_path: Path, source: str | None, target: str | None
) -> None:
    """From files or PostgreSQL to files or PostgreSQL: every row but those that must be over."""
    before = {}
    for role, database in databases(folder, source).items():
        fill(database)
        before[role] = rows_of(database)
    manifest = backup(folder, tmp_path / "backup", source)
    assert manifest.databases["publisher"].tables["exposures"].rows == 4500
    back = restore(tmp_path / "backup", tmp_path / "new", target)
    after = {role: rows_of(each) for role, each in databases(back, target).items()}
    for name in ("sessions", "shown", "venue_claims"):
        assert before["registrar"].pop(name)
        assert after["registrar"].pop(name) == []
    for name in ("codes", "tokens"):
        assert len(before["registrar"].pop(name)) == len(after["registrar"].pop(name))
    assert after == before
    for name in ("authority.toml", "registrar.jwks.json", "export-public.pem"):
        assert (back.path / name).read_bytes() == (folder.path / name).read_bytes()
    for path in (folder.path / "keys").iterdir():
        assert (back.path / "keys" / path.name).read_bytes() == path.read_bytes()
    for path in back.path.rglob("*"):
        assert not path.stat().st_mode & 0o077, path
    assert back.code_secret() == folder.code_secret()


def test_codes_and_tokens_of_a_backup_are_over(made: Path, tmp_path: Path) -> None:
    """They may have been used since: none lives longer than until the backup was taken."""
    back = restore(made, tmp_path / "new")
    engine = databases(back)["registrar"].open()
    with engine.begin() as connection:
        for table in (registry_tables.codes, registry_tables.tokens):
            assert connection.scalar(select(func.max(table.c.expires))) == TAKEN
    engine.dispose()


def test_a_backup_says_nothing_without_its_key(made: Path, folder: AuthorityFolder) -> None:
    """Neither keys nor rows nor names of files; and only its owner may read it at all."""
    data = made.read_bytes()
    assert made.stat().st_mode & 0o777 == 0o600
    for known in (b"PRIVATE", b"authority.toml", b"exposures", folder.code_secret(), b"vn.moh"):
        assert known not in data
    with made.open("rb") as file, pytest.raises(BadInput, match="does not open") as refused:
        read_manifest(file, b"seven words drawn by dice")
    assert refused.value.reason == "wrong_key"


@pytest.mark.slow
def test_every_altered_byte_is_noticed(made: Path, tmp_path: Path) -> None:
    """Wherever it is, and a missing end too; then nothing is restored."""
    data = made.read_bytes()
    draw = random.Random(3)
    broken = [bytes([*data[:at], data[at] ^ 1, *data[at + 1 :]]) for at in _places(data, draw)]
    broken += [data[:-1], data[: len(data) // 2], data + b"\0", data + data, b""]
    for bad in broken:
        (tmp_path / "bad").write_bytes(bad)
        with pytest.raises(BadInput) as refused:
            restore(tmp_path / "bad", tmp_path / "new")
        assert refused.value.reason in {"damaged", "wrong_key", "not_sealed"}
        assert not (tmp_path / "new").exists()


def _places(data: bytes, draw: random.Random) -> list[int]:
    return [*range(0, 60, 7), *(draw.randrange(len(data)) for _ in range(20)), len(data) - 1]


def test_pieces_cannot_be_left_out_or_swapped(tmp_path: Path) -> None:
    """Each is encrypted with its number and with whether it is the last."""
    path, content = tmp_path / "file", random.Random(1).randbytes(3 * PIECE_BYTES)
    with path.open("wb") as file:
        writer = SealedWriter(file, SECRET, os.urandom)
        writer.write(content)
        writer.finish()
    data = path.read_bytes()
    piece = PIECE_BYTES + 16
    head, pieces = data[: -3 * piece], [data[-n * piece :][:piece] for n in (3, 2, 1)]

    def opened(parts: list[bytes]) -> bytes:
        path.write_bytes(head + b"".join(parts))
        with path.open("rb") as file:
            return SealedReader(file, SECRET).read(1 << 30)

    assert opened(pieces) == content
    for wrong in (pieces[:2], pieces[1:], [pieces[1], pieces[0], pieces[2]], [*pieces, pieces[2]]):
        with pytest.raises(BadInput, match="damaged"):
            opened(wrong)


def test_nothing_is_ever_overwritten(made: Path, folder: AuthorityFolder, tmp_path: Path) -> None:
    """Not a backup, not a folder, not a database."""
    with pytest.raises(BadInput, match="not overwritten"):
        backup(folder, made)
    with pytest.raises(BadConfig, match="not empty"):
        restore(made, folder.path)
    other = make_folder(tmp_path / "other", ["registrar"])

    def elsewhere(_folder: AuthorityFolder) -> dict[str, Database]:
        return databases(other)

    fill(databases(other)["publisher"], keys=1)
    with made.open("rb") as file, pytest.raises(DatabaseUnusable, match="is not empty"):
        restore_backup(file, tmp_path / "new", SECRET, elsewhere, None)
    assert not list((tmp_path / "new").iterdir())


def test_what_is_not_the_authoritys_state_stays_out(
    folder: AuthorityFolder, made: Path, tmp_path: Path
) -> None:
    """Exports can be made again, and a message must not be sent twice."""
    for name in ("exports/1-2-3.zip", "outbox/vn-1", "keys/.export.pem.partial"):
        (folder.path / name).parent.mkdir(exist_ok=True)
        (folder.path / name).write_text("x")
    backup(folder, tmp_path / "second")
    with (tmp_path / "second").open("rb") as file:
        names = {name for name, _ in members(file, SECRET)}
    with made.open("rb") as file:
        assert names == {name for name, _ in members(file, SECRET)}


def test_other_settings_may_take_the_place_of_the_backups(made: Path, tmp_path: Path) -> None:
    """The same authority at another address, on another machine."""
    with made.open("rb") as file:
        settings = b'[serve]\nlisten = "127.0.0.1:9"\n'
        restore_backup(file, tmp_path / "new", SECRET, databases, settings)
    assert open_folder(tmp_path / "new").settings.serve.listen == "127.0.0.1:9"


def test_a_backup_of_the_first_layout_is_brought_up(
    folder: AuthorityFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows go into the tables of their time, which are then migrated as any other."""
    from sqlalchemy import MetaData, create_engine

    from bluezone_node.store.authority.schema import Layout, lay_out

    url = f"sqlite:///{folder.authority_db}"
    engine, old = create_engine(url), MetaData()
    with engine.begin() as connection:
        lay_out(connection, exposure_tables.LAYOUT, "0001")
        old.reflect(connection)
        version = old.tables["alembic_version"]
        old.remove(version)
        rows = [_row(old.tables["exposures"], n, random.Random(n)) for n in range(3)]
        connection.execute(insert(old.tables["exposures"]), rows)
    engine.dispose()
    first = {"publisher": Database(Layout("authority", old, "0001"), folder.authority_db)}
    write_backup(tmp_path / "backup", folder, first, SECRET, TAKEN, os.urandom)
    back = restore(tmp_path / "backup", tmp_path / "new")
    found = rows_of(databases(back)["publisher"])
    assert len(found["exposures"]) == 3
    assert all(row[-1] == "" for row in found["exposures"])


@pytest.mark.slow
@pytest.mark.parametrize("what", ["backup", "restore"])
def test_killed_anywhere_it_leaves_nothing_that_could_be_taken_for_whole(
    folder: AuthorityFolder, tmp_path: Path, what: str
) -> None:
    """No file of the final name, no folder with settings; the next attempt goes through."""
    for database in databases(folder).values():
        fill(database)
    if what == "restore":
        backup(folder, tmp_path / "backup")
    program = f"""
        import os, sys
        from pathlib import Path
        from tests.store.authority import test_backup as t
        here = Path({str(tmp_path)!r})
        os.fsync, count = (lambda _: None), 0
        def watch(event, arguments):
            global count
            if event in ("open", "os.rename") and ({str(tmp_path)!r} in str(arguments[0])):
                count += 1
                if count == int(sys.argv[1]):
                    os.kill(os.getpid(), 9)
        folder = t.open_folder(here / "old")
        sys.addaudithook(watch)
        if {what!r} == "backup":
            t.backup(folder, here / "backup")
        else:
            t.restore(here / "backup", here / "new")
    """
    done, cuts = None, 0
    target = tmp_path / ("backup" if what == "backup" else "new/authority.toml")
    for cut in range(1, 200, 5 if what == "backup" else 3):
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(program), str(cut)], check=False
        )
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
        cuts += 1
        assert not target.exists()
    assert done is not None
    assert done.returncode == 0
    assert cuts > 2
    if what == "backup":
        assert restore(target, tmp_path / "new").code_secret() == folder.code_secret()
    else:
        assert not (tmp_path / "new" / ".restoring").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_full_disk_is_said_and_leaves_nothing(
    folder: AuthorityFolder, made: Path, tmp_path: Path
) -> None:
    """Neither half a backup nor half an authority."""
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(small)],
        check=False,
        capture_output=True,
    )
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        with pytest.raises(BadInput, match="No space left"):
            backup(folder, small / "backup")
        assert not list(small.iterdir())
        with pytest.raises((BadInput, DatabaseUnusable), match=r"No space left|disk"):
            restore(made, small / "new")
        assert not list((small / "new").iterdir())
    finally:
        subprocess.run(["umount", str(small)], check=True)
