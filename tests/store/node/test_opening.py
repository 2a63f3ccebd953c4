"""Opening the database: who may read it, and what is refused."""

import os
import re
import sqlite3
import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from sqlite_utils import Database

from bluezone_node.crypto.keys import TemporaryExposureKey
from bluezone_node.errors import DatabaseUnusable
from bluezone_node.store.node import open_node_store
from bluezone_node.store.node.database import APPLICATION_ID, SCHEMA_VERSION
from bluezone_node.store.node.migrations import node

KEY = TemporaryExposureKey(bytes(16), 144)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "node.db"


def test_folder_and_files_are_the_owners_alone(path: Path) -> None:
    """The folder is 0700; database, write-ahead log and shared memory are 0600."""
    umask = os.umask(0)
    try:
        with open_node_store(path) as store:
            store.add_own_key(KEY)
            files = sorted(path.parent.iterdir())
            assert [file.name for file in files] == ["node.db", "node.db-shm", "node.db-wal"]
            assert {mode(file) for file in files} == {0o600}
            assert mode(path.parent) == 0o700
    finally:
        os.umask(umask)


def test_wrong_permissions_are_tightened(path: Path) -> None:
    """A folder and a file that others could read are closed to them."""
    with open_node_store(path) as store:
        store.add_own_key(KEY)
    path.parent.chmod(0o755)
    path.chmod(0o644)
    with open_node_store(path) as store:
        assert store.own_keys() == [KEY]
        assert (mode(path.parent), mode(path)) == (0o700, 0o600)


def test_a_folder_that_everyone_shares_is_refused(tmp_path: Path) -> None:
    """A sticky folder like /tmp is neither used nor closed to others."""
    tmp_path.chmod(0o1777)
    with pytest.raises(DatabaseUnusable, match="not this node's own folder"):
        open_node_store(tmp_path / "node.db")
    assert mode(tmp_path) == 0o777


def test_every_migration_is_counted(path: Path) -> None:
    """The version that spares the import of sqlite-utils is the number of migrations."""
    open_node_store(path).close()
    database = Database(path)
    assert len(node.applied(database)) == SCHEMA_VERSION
    assert node.pending(database) == []
    database.close()


def test_an_up_to_date_database_opens_without_sqlite_utils(path: Path) -> None:
    """`status` must answer at once."""
    open_node_store(path).close()
    code = (
        "import sys; from pathlib import Path; from bluezone_node.store.node import *;"
        "open_node_store(Path(sys.argv[1])).close(); sys.exit('sqlite_utils' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, path], check=True)


def test_tables_are_strict_and_every_column_is_explained(path: Path) -> None:
    """No column takes a value of another type; all but plain row numbers carry a comment."""
    open_node_store(path).close()
    connection = sqlite3.connect(path)
    tables = connection.execute(
        "SELECT name, trim(sql, char(10)) FROM sqlite_schema"
        " WHERE type = 'table' AND name <> '_sqlite_migrations'"
    ).fetchall()
    assert len(tables) == 20
    for name, sql in tables:
        assert sql.endswith("STRICT"), name
        columns = [line for line in sql.splitlines() if re.match(r"  [a-z_]+ [A-Z]+", line)]
        bare = {line.split()[0] for line in columns if "-- " not in line}
        assert bare <= {"id"}, name
    connection.close()


def test_random_bytes_are_never_indexed(path: Path) -> None:
    """An index on a BLOB would be written all over, and would keep copies of what is deleted."""
    open_node_store(path).close()
    database = Database(path)
    for table in database.tables:
        blobs = {column.name for column in table.columns if column.type == "BLOB"}
        for index in table.indexes:
            assert not blobs & set(index.columns)
    database.close()


def test_the_log_is_a_write_ahead_log(path: Path) -> None:
    """A reader sees the last commit while another connection is in the middle of writing."""
    with open_node_store(path) as writer, open_node_store(path) as reader:
        with writer._database.writing() as connection:
            connection.execute("DELETE FROM own_key")
            assert reader.own_keys() == []
        assert writer._database.rows("PRAGMA journal_mode") == [("wal",)]


def test_a_file_of_another_kind_is_refused(path: Path) -> None:
    """Text is named as no database; another program's database is left alone."""
    path.parent.mkdir(mode=0o700)
    path.write_text("Đây không phải là cơ sở dữ liệu. " * 50)
    with pytest.raises(DatabaseUnusable, match=f"{path} is not a database"):
        open_node_store(path)
    path.unlink()
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE someone_elses (x)")
    other.commit()
    other.close()
    before = path.read_bytes()
    with pytest.raises(DatabaseUnusable, match="another program"):
        open_node_store(path)
    assert path.read_bytes() == before


def test_a_damaged_database_is_named(path: Path) -> None:
    """Pages overwritten with noise are noticed at the first use."""
    with open_node_store(path) as store:
        store.add_own_key(KEY)
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (path.stat().st_size - 4096))
    with (
        pytest.raises(DatabaseUnusable, match=f"{path} is damaged"),
        open_node_store(path) as store,
    ):
        store.own_keys()


def test_a_newer_database_is_refused(path: Path) -> None:
    """An older program does not touch what it does not know."""
    open_node_store(path).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    with pytest.raises(DatabaseUnusable, match="newer version"):
        open_node_store(path)


def test_a_failed_migration_leaves_an_empty_file(path: Path) -> None:
    """The first opening is all or nothing: one that broke off can be repeated."""
    path.parent.mkdir(mode=0o700)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN EXCLUSIVE")
    node.apply(Database(connection))
    connection.execute("ROLLBACK")
    connection.close()
    with open_node_store(path) as store:
        assert store._database.rows("PRAGMA application_id") == [(APPLICATION_ID,)]


def _open_and_add(argument: tuple[Path, int]) -> int:
    path, number = argument
    with open_node_store(path) as store:
        store.add_own_key(TemporaryExposureKey(bytes([number]) * 16, 144))
    return number


@pytest.mark.slow
def test_processes_that_open_at_once_all_succeed(tmp_path: Path) -> None:
    """Daemon and commands may find no database at the same moment: a hundred such moments."""
    paths = [tmp_path / f"state{moment}" / "node.db" for moment in range(100)]
    with ProcessPoolExecutor(6, mp_context=get_context("spawn")) as pool:
        list(pool.map(_open_and_add, [(path, number) for path in paths for number in range(6)]))
    for path in paths:
        with open_node_store(path) as store:
            assert len(store.own_keys()) == 6


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "state").write_text("")
    with pytest.raises(DatabaseUnusable, match=r"state/node\.db cannot be created"):
        open_node_store(tmp_path / "state" / "node.db")


def test_a_read_only_folder_is_named() -> None:
    """The sentence says which database; root, whom no mode stops, steps down for this."""
    code = """
import os, sys
from pathlib import Path
from bluezone_node.errors import DatabaseUnusable
from bluezone_node.store.node import open_node_store
if os.geteuid() == 0:
    os.setuid(65534)
try:
    open_node_store(Path(sys.argv[1]))
except DatabaseUnusable as error:
    print(error)
"""
    with tempfile.TemporaryDirectory() as folder:
        if os.geteuid() == 0:
            os.chown(folder, 65534, 65534)
        Path(folder).chmod(0o500)
        path = Path(folder) / "node.db"
        told = subprocess.run(
            [sys.executable, "-c", code, path], check=True, capture_output=True, text=True
        )
        Path(folder).chmod(0o700)
    assert told.stdout == f"{path} cannot be created or protected: Permission denied\n"
