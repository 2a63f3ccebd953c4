"""A PostgreSQL of the tests' own: a folder in /tmp, a Unix socket, no network, no trace left."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

from tests.patience import PATIENCE

OLDEST = 15

_SETTINGS = {
    "listen_addresses": "",
    # Nothing of it need survive a power cut.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "16MB",
    # As a server may be set up on which the stores must work all the same.
    "default_transaction_isolation": "repeatable read",
}

_GUARD = """\
"$@" </dev/null & server=$!
read -r _
kill -INT "$server"
wait "$server"
cd / && rm -rf "$0"
"""
"""Stops the server when its own standard input ends: also where the tests were killed."""


class Unavailable(Exception):
    """There is no PostgreSQL here, for the reason given."""


class Server:
    """A running server; *folder* holds its socket."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)

    @contextmanager
    def database(self) -> Iterator[str]:
        """Yield the URL of a new, empty database, and take it away again."""
        name = f"test{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE template0")
        try:
            yield self.url(name)
        finally:
            self.run(f"DROP DATABASE {name} WITH (FORCE)")

    def url(self, database: str, role: str = "tests") -> str:
        """Return the URL under which *role* reaches *database*."""
        return f"postgresql://{role}@/{database}?host={self._folder}"

    def run(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run one statement on a connection of its own; return its rows."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            done = connection.execute(statement)  # type: ignore[call-overload]
            return done.fetchall() if done.description else []


DURABLE = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "128MB",
}
"""For `running`: a server that keeps its promises, as in earnest."""


@contextmanager
def running(**settings: str) -> Iterator[Server]:
    """Make a server and yield it once it answers; *settings* go before those of the tests.

    Raises:
        Unavailable: PostgreSQL is not installed, or not new enough.
    """
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="bluezone-pg-"))
    owner = _owner()
    if owner:
        os.chown(folder, owner["user"], owner["group"])
    data = folder / "data"
    setting = [
        f"--{name.replace('_', '-')}={value}" for name, value in (_SETTINGS | settings).items()
    ]
    try:
        subprocess.run(
            [
                *(str(programs / "initdb"), "--pgdata", str(data), "--username", "tests"),
                *("--auth", "trust", "--locale", "C", "--encoding", "UTF8", "--no-sync"),
            ],
            cwd=folder,
            **owner,
            check=True,
            capture_output=True,
        )
        with (folder / "log").open("wb") as log:
            guard = subprocess.Popen(
                [
                    *("/bin/sh", "-c", _GUARD, str(folder)),
                    *(str(programs / "postgres"), "-D", str(data), "-k", str(folder), *setting),
                ],
                cwd=folder,
                **owner,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            )
        try:
            server = Server(folder)
            _await(server, folder / "log")
            yield server
        finally:
            assert guard.stdin is not None
            guard.stdin.close()
            guard.wait(timeout=PATIENCE)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    """Return the folder of the newest server's programs: Debian keeps them off the PATH."""
    found = sorted(
        (int(path.parent.parent.name), path.parent)
        for path in Path("/usr/lib/postgresql").glob("[0-9]*/bin/initdb")
    )
    if not found:
        raise Unavailable("sudo apt install postgresql")
    version, programs = found[-1]
    if version < OLDEST:
        raise Unavailable(f"PostgreSQL {OLDEST} or newer is needed, {version} is installed")
    return programs


def _owner() -> dict[str, Any]:
    """Return whom the server must run as where the tests are root's, which it refuses to be."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = names.get("postgres", names["nobody"])
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _await(server: Server, log: Path) -> None:
    give_up = time.monotonic() + PATIENCE
    while True:
        try:
            server.run("SELECT 1")
            return
        except psycopg.OperationalError as error:
            if time.monotonic() > give_up:
                raise RuntimeError(log.read_text()) from error
            time.sleep(0.05)
