"""One daemon to a database, any number of commands."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bluezone_node.errors import DatabaseInUse
from bluezone_node.store.node import lock_database, open_node_store

HOLD = """
import sys
from pathlib import Path
from bluezone_node.store.node import lock_database
with lock_database(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "node.db"


def test_a_second_daemon_is_refused_by_name(path: Path) -> None:
    """The sentence says which process and which database, and what to do."""
    with lock_database(path):
        with pytest.raises(DatabaseInUse) as caught, lock_database(path):
            pass
        assert str(caught.value) == f"another node (process {os.getpid()}) is using {path}"
        assert "stop it" in caught.value.hint


def test_the_lock_is_free_again_after_the_block(path: Path) -> None:
    """Leaving the block, also by an error, lets the next one in."""
    with pytest.raises(ZeroDivisionError), lock_database(path):
        _ = 1 / 0
    with lock_database(path):
        pass


def test_commands_need_no_lock(path: Path) -> None:
    """The database is opened and written while a daemon holds it."""
    with lock_database(path), open_node_store(path) as store:
        assert store.own_keys() == []


def test_the_lock_file_is_the_owners_alone(path: Path) -> None:
    """Nobody else can hold the lock to keep a daemon from starting."""
    with lock_database(path):
        beside = path.with_name("node.db.lock")
        assert beside.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_killed_daemon_leaves_no_lock(path: Path) -> None:
    """The kernel frees it: no stale file to delete by hand."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(DatabaseInUse, match=f"process {holder.pid}"), lock_database(path):
            pass
        holder.kill()
        holder.wait()
        with lock_database(path):
            pass
