"""An exporter that dies: at every step it takes, by SIGKILL; and two that are at it at once."""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event

from bluezone_node.authority.distribution.exporter import Exporter, ExportRun, Held
from bluezone_node.authority.ports.exposures import Changes, Revision
from bluezone_node.authority.settings import ExportSettings
from bluezone_node.clock import SimClock
from bluezone_node.export.container import open_verified
from bluezone_node.export.signature import SignatureState
from bluezone_node.store.authority import exposure_tables
from bluezone_node.store.authority.database import Database
from bluezone_node.store.authority.exposures import SqlExposures
from bluezone_node.store.authority.postgres import parse_url
from bluezone_node.store.authority.shelf import FolderShelf
from bluezone_node.store.authority.windows import SqlWindows
from tests.authorities import KnownKeys, key_made_of, seeded
from tests.kept import exposure
from tests.postgres import Server

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
KEY = key_made_of("export")
SETTINGS = ExportSettings(
    period_minutes=60, min_records=4, padding_spread=1, max_records=3, retention_days=1
)
STEPS = {"os.rename", "os.remove", "open"}
"""Of the file system, as Python audits them; those of the database are its statements."""


def fill(database: Database) -> None:
    """Store keys of two windows: one of two files, and one that is to be filled up."""
    engine = database.open()
    revision = Revision("negative", None, NOON + timedelta(hours=1))
    added = [
        *(exposure(10 + n, 0, revision=revision if n < 2 else None) for n in range(5)),
        exposure(2, 1),
    ]
    SqlExposures(engine).publish([], lambda _stored, _drawn: Changes(added=added))
    engine.dispose()


def export(
    database: Database, folder: Path, watch: Callable[[], object] = int, hours: int = 5
) -> ExportRun:
    """Run an exporter as a process does from its start; *watch* is called before every step."""
    watching = True

    def audit(name: str, arguments: tuple[object, ...]) -> None:
        if watching and name in STEPS and str(folder) in str(arguments[0]):
            watch()

    folder.mkdir(exist_ok=True)
    (folder / "1-2-00001.zip").write_bytes(b"an orphan, to be removed")
    engine = database.open()
    if watch is not int:
        sys.addaudithook(audit)
        for moment in ("before_cursor_execute", "after_cursor_execute"):
            event.listen(engine, moment, lambda *_: watch())
        event.listen(engine, "commit", lambda _: watch())
    exporter = Exporter(
        SqlWindows(engine),
        FolderShelf(folder),
        SimClock(NOON + timedelta(hours=hours)),
        seeded(1),
        keys=KnownKeys({"v1": KEY}),
        settings=SETTINGS,
    )
    try:
        return exporter.run()
    finally:
        watching = False
        engine.dispose()


def killed_at(step: int, database: Database, folder: Path) -> bool:
    """Run an exporter in a process that kills itself at that step; False where it got through."""
    child = os.fork()
    if child == 0:
        left = step

        def watch() -> None:
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            export(database, folder, watch)
        except BaseException:
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.waitstatus_to_exitcode(status) == 0
    return os.WIFSIGNALED(status)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def deaths(filled: Callable[[], Database], tmp_path: Path, stride: int) -> int:
    """Kill an exporter at its steps, let another finish each time, and compare; return the steps.

    *filled*: gives a database as `fill` leaves it, each time anew.
    """
    done = export(filled(), tmp_path / "whole")
    right = files(tmp_path / "whole")
    assert done.written == len(right) - 1 == 4
    step = 1
    while killed_at(step, database := filled(), folder := tmp_path / f"killed-{step}"):
        # What can be seen after it is whole: every line of the index has its file.
        seen = files(folder)
        for name in seen.get("index.txt", b"").decode().split():
            found = open_verified(seen[name.removeprefix("exports/")], [KEY.public_key()])
            assert found.signature is SignatureState.VERIFIED
        # A server notices a moment later that its client is gone, and frees its right to work.
        while export(database, folder).held is Held.BUSY:
            pass
        assert files(folder) == right, step
        step += stride
    return step


@pytest.mark.parametrize("stride", [29, pytest.param(1, marks=pytest.mark.slow)])
def test_killed_at_any_step_the_next_run_ends_with_the_same_files(
    tmp_path: Path, stride: int
) -> None:
    """Byte for byte those of a run that was not disturbed, made-up keys and all."""
    template = Database(exposure_tables.LAYOUT, tmp_path / "template.db")
    fill(template)

    def filled() -> Database:
        for left in tmp_path.glob("authority.db*"):
            left.unlink()
        shutil.copy(template.file, tmp_path / "authority.db")
        return Database(exposure_tables.LAYOUT, tmp_path / "authority.db")

    assert deaths(filled, tmp_path, stride) > 50


@pytest.mark.slow
@pytest.mark.postgres
def test_killed_at_any_step_on_postgres_too(postgres_server: Server, tmp_path: Path) -> None:
    """There another process, the server, goes on when the exporter is gone."""
    with postgres_server.database() as url:
        name = url.partition("@/")[2].partition("?")[0]
        database = Database(exposure_tables.LAYOUT, tmp_path / "none", parse_url(url))
        database.migrate()

        def filled() -> Database:
            postgres_server.run("TRUNCATE authority.exposures, authority.export_batches", name)
            fill(database)
            return database

        assert deaths(filled, tmp_path, 3) > 50


def test_the_second_process_is_told(tmp_path: Path) -> None:
    """While one holds the database; once it was killed, nothing stands in the way."""
    database = Database(exposure_tables.LAYOUT, tmp_path / "authority.db")
    fill(database)
    begun, ready = os.pipe()
    child = os.fork()
    if child == 0:
        with SqlWindows(database.open()).alone():
            os.write(ready, b"!")
            signal.pause()
        os._exit(0)
    try:
        os.read(begun, 1)
        assert export(database, tmp_path / "exports") == ExportRun(0, 0, 0, Held.BUSY)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(begun)
        os.close(ready)
    assert export(database, tmp_path / "exports").written == 4


def test_many_processes_at_once_end_with_the_files_of_one(tmp_path: Path) -> None:
    """Whoever comes second leaves it to the first, or finds nothing to do."""
    database = Database(exposure_tables.LAYOUT, tmp_path / "authority.db")
    fill(database)
    fill(whole := Database(exposure_tables.LAYOUT, tmp_path / "whole.db"))
    export(whole, tmp_path / "whole")
    children = []
    for _ in range(6):
        child = os.fork()
        if child == 0:
            try:
                run = export(database, tmp_path / "exports")
                os._exit(run.written)
            except BaseException:
                os._exit(99)
        children.append(child)
    written = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert sorted(written) == [0, 0, 0, 0, 0, 4]
    assert files(tmp_path / "exports") == files(tmp_path / "whole")
