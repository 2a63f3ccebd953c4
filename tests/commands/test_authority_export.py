"""``authority export``: what is written, what is on offer, and what a person is told."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bluezone_node.authority.ports.exposures import Changes
from bluezone_node.commands.authority.export import HELD, PROBLEMS
from bluezone_node.store.authority import exposure_tables
from bluezone_node.store.authority.database import Database
from bluezone_node.store.authority.exposures import SqlExposures
from bluezone_node.store.authority.folder import make_folder, open_folder
from bluezone_node.store.authority.windows import SqlWindows
from tests.commands.test_authority import answer, run
from tests.kept import exposure

NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "home", ["registrar", "publisher"]).path


def publish(home: Path, *days_ago: float) -> Database:
    """Store a key for each of these days before now; return the database."""
    database = Database(exposure_tables.LAYOUT, open_folder(home).authority_db)
    engine = database.open()
    start = int(NOW.timestamp()) // 86_400 * 144 - 144 * 14
    added = [
        exposure(n, rolling_start=start, created=NOW - timedelta(days=days))
        for n, days in enumerate(days_ago)
    ]
    SqlExposures(engine).publish([], lambda _stored, _drawn: Changes(added=added))
    engine.dispose()
    return database


def test_status_says_what_is_on_offer_and_where(home: Path) -> None:
    """Nothing at first; a key that waits too long is wrong; then a file, and all is well."""
    fresh = run("export", "status", "--dir", home)
    assert (fresh.returncode, fresh.stderr) == (0, "")
    assert f"place: {home / 'exports'}" in fresh.stdout
    assert "exported up to: never, 0 windows" in fresh.stdout
    publish(home, 1)
    late = run("export", "status", "--dir", home)
    assert late.returncode == 1
    assert "keys waiting: 1" in late.stdout
    assert late.stderr == f"{PROBLEMS['late']}\n"
    assert answer("export", "run", "--dir", home)["written"] == 1
    document = answer("export", "status", "--dir", home)
    assert (document["files"], document["missing"], document["waiting"]) == (1, 0, 0)
    assert document["problems"] == []
    (file,) = (home / "exports").glob("*.zip")
    assert document["bytes"] == file.stat().st_size
    shown = answer("status", "--dir", home)["exports"]
    assert {**shown, "problems": []} == document
    (home / "exports/index.txt").unlink()
    spoilt = run("export", "status", "--dir", home)
    assert spoilt.returncode == 1
    assert spoilt.stderr == f"{PROBLEMS['index_wrong']}\n"


def test_who_comes_second_is_told(home: Path) -> None:
    """And the command has not failed: the first does the work."""
    engine = publish(home, 1).open()
    with SqlWindows(engine).alone() as alone:
        assert alone
        done = run("export", "run", "--dir", home)
        assert answer("export", "run", "--dir", home)["held"] == "busy"
    engine.dispose()
    assert done.returncode == 0
    assert done.stdout == "0 windows drawn, 0 files written, 0 removed\n"
    assert done.stderr == f"{HELD['busy']}\n"


def test_after_a_pause_somebody_must_say_that_the_clock_is_right(home: Path) -> None:
    """Until then what is on offer stays, and both commands say how to go on."""
    publish(home, 1)
    answer("export", "run", "--dir", home)
    database = Database(exposure_tables.LAYOUT, open_folder(home).authority_db)
    engine = database.open()
    with engine.begin() as db:
        # As if all of it had been three weeks ago.
        for table, names in (("exposures", ["created"]), ("export_batches", ["start", "end"])):
            for name in names:
                db.exec_driver_sql(f'UPDATE {table} SET "{name}" = "{name}" - 1814400')
    engine.dispose()
    held = run("export", "run", "--dir", home)
    assert held.stderr == f"{HELD['clock_ahead']}\n"
    assert "--after-pause" in held.stderr
    assert run("export", "status", "--dir", home).returncode == 1
    assert answer("export", "run", "--dir", home, "--after-pause")["held"] is None
    assert run("export", "status", "--dir", home).returncode == 0
