"""Programs that are killed while they write, and what they had acknowledged by then."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from bluezone_node.store.node import SqliteNodeStore, open_node_store

WRITER = """
import sys
from pathlib import Path
from {module} import {function} as write
from bluezone_node.store.node import open_node_store
with open_node_store(Path(sys.argv[1])) as store:
    for number in range(int(sys.argv[2]), 10**9):
        write(store, number)
        print(number, flush=True)
"""
"""Calls a function of a test's module for one number after the other, and says each when it is
done."""


def last_acknowledged(
    write: Callable[[SqliteNodeStore, int], None], path: Path, first: int, lines: int
) -> int:
    """Let a process *write* numbers from *first* on, kill it after some *lines*; return the last
    number that it said it had written."""
    code = WRITER.format(module=write.__module__, function=write.__name__)
    writer = subprocess.Popen(
        [sys.executable, "-c", code, path, str(first)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    with writer:
        assert writer.stdout is not None
        for _ in range(lines):
            acknowledged = int(writer.stdout.readline())
        writer.kill()
        # Lines that were written before the kill are acknowledgements too.
        return max([acknowledged, *map(int, writer.stdout.read().split("\n")[:-1])])


def killed_at(statement: int, path: Path, work: Callable[[SqliteNodeStore], object]) -> bool:
    """Do *work* in a process that is killed before that statement; False: it came to its end."""
    child = os.fork()
    if child == 0:
        left = [statement]

        def watch(_: str) -> None:
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            with open_node_store(path) as store:
                store._database._connection.set_trace_callback(watch)
                work(store)
        finally:
            os._exit(sys.exc_info()[0] is not None)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def pages(store: SqliteNodeStore) -> int:
    """Of the database file, those included that are free."""
    (count,) = store._database.rows("PRAGMA page_count")[0]
    return int(count)


def limit_pages(store: SqliteNodeStore, most: int) -> None:
    """Let the disk be full when the file has so many pages."""
    store._database.rows(f"PRAGMA max_page_count = {most}")


def is_whole(path: Path) -> bool:
    with sqlite3.connect(path) as connection:
        return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
