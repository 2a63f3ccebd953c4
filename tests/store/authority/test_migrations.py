"""From whatever is in a database of the authority to the tables of today, or why not."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from bluezone_node.authority.ports.exposures import Exposure, Revision
from bluezone_node.authority.ports.registry import VerificationCode, VerificationToken
from bluezone_node.authority.ports.windows import ExportBatch
from bluezone_node.errors import DatabaseUnusable
from bluezone_node.store.authority import (
    database,
    exposure_tables,
    registry,
    registry_tables,
    windows,
)
from bluezone_node.store.authority.database import Database, writing
from bluezone_node.store.authority.folder import make_folder
from bluezone_node.store.authority.postgres import parse_url
from bluezone_node.store.authority.schema import MIGRATIONS, Layout, Step, bring_up
from tests.authorities import first_row, revised_row
from tests.kept import rows_of
from tests.patience import PATIENCE

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
LAYOUTS = [
    pytest.param(each, id=each.name) for each in (registry_tables.LAYOUT, exposure_tables.LAYOUT)
]
ENGINES = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]

REGISTRY_BEFORE = """
CREATE TABLE codes (
    digest BLOB NOT NULL, report_type VARCHAR(16) NOT NULL, symptom_date DATE, test_date DATE,
    created BIGINT NOT NULL, expires BIGINT NOT NULL, claimed BIGINT, PRIMARY KEY (digest)
);
CREATE INDEX ix_codes_expires ON codes (expires);
CREATE TABLE tokens (
    digest BLOB NOT NULL, report_type VARCHAR(16) NOT NULL, symptom_date DATE,
    created BIGINT NOT NULL, expires BIGINT NOT NULL, spent_on BLOB, claimed_with BLOB,
    PRIMARY KEY (digest), UNIQUE (claimed_with)
);
CREATE INDEX ix_tokens_expires ON tokens (expires);
INSERT INTO codes VALUES
    (x'6363', 'likely', '2026-03-08', NULL, 1773144000, 1773144900, 1773144060);
INSERT INTO tokens VALUES
    (x'7474', 'likely', '2026-03-08', 1773144060, 1773230460, NULL, x'6e6e');
"""
AUTHORITY_BEFORE = """
CREATE TABLE exposures (
    "key" BLOB NOT NULL, rolling_start INTEGER NOT NULL, rolling_period SMALLINT NOT NULL,
    transmission_risk SMALLINT NOT NULL, report_type VARCHAR(16) NOT NULL,
    days_since_onset SMALLINT, created BIGINT NOT NULL, owner BLOB NOT NULL,
    traveler BOOLEAN NOT NULL, revised_report_type VARCHAR(16),
    revised_days_since_onset SMALLINT, revised BIGINT, PRIMARY KEY ("key")
);
CREATE INDEX ix_exposures_created ON exposures (created);
CREATE INDEX ix_exposures_revised ON exposures (revised);
CREATE TABLE export_batches (
    start BIGINT NOT NULL, "end" BIGINT NOT NULL, files INTEGER NOT NULL,
    max_records INTEGER NOT NULL, PRIMARY KEY (start)
);
INSERT INTO exposures VALUES
    (x'6b6b', 2956032, 144, 2, 'likely', -1, 1773144000, x'6f6f', 1, 'negative', NULL, 1773147600);
INSERT INTO export_batches VALUES (1773144000, 1773158400, 1, 500);
"""
"""As SQLAlchemy made them before there was a history."""

NEXT = f'''
"""A step that is yet to come."""

import sqlalchemy as sa
from alembic import op

revision = "next"
down_revision = "{registry_tables.LAYOUT.revision}"


def upgrade() -> None:
    op.add_column("codes", sa.Column("colour", sa.String(16)))
'''


@pytest.fixture(autouse=True)
def walked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here every history is walked through, each time."""
    monkeypatch.setattr(database, "bring_up", bring_up)


@pytest.fixture(params=ENGINES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Layout], Database]:
    """Where databases are: on each engine."""
    asked = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    url = None if asked is None else parse_url(asked)
    return lambda layout: Database(layout, tmp_path / f"{layout.name}.db", url)


@pytest.fixture
def tomorrow(tmp_path: Path) -> Layout:
    """The registry's layout of a version to come, one step further."""
    histories = tmp_path / "100% to come"  # a percent sign means something to Alembic
    shutil.copytree(MIGRATIONS, histories, ignore=shutil.ignore_patterns("__pycache__"))
    (histories / "registry" / "v9999_colour.py").write_text(NEXT)
    return replace(registry_tables.LAYOUT, revision="next", histories=histories)


def codes_columns(database: Database) -> set[str]:
    engine = database._engine()
    with engine.begin() as connection:
        names = {str(column["name"]) for column in inspect(connection).get_columns("codes")}
    engine.dispose()
    return names


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_history_leads_to_the_tables_of_today(
    place: Callable[[Layout], Database], layout: Layout
) -> None:
    """What Alembic would still have to do is nothing."""
    engine = place(layout).open()
    with engine.begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, layout.tables) == []
    engine.dispose()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_newest_step_is_the_one_that_the_program_asks_for(layout: Layout) -> None:
    """And there is one beginning and one end."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("version_locations", str(MIGRATIONS / layout.name))
    config.set_main_option("path_separator", "newline")
    script = ScriptDirectory.from_config(config)
    assert script.get_heads() == [layout.revision]
    assert script.get_bases() == ["0001"]


def test_a_registry_of_the_first_version_is_adopted_whole(tmp_path: Path) -> None:
    """Every row is read back as it was written, and the second opening has nothing to do."""
    database = Database(registry_tables.LAYOUT, tmp_path / "registry.db")
    with closing(sqlite3.connect(database.file)) as connection:
        connection.executescript(REGISTRY_BEFORE)
    assert database.migrate() is Step.ADOPTED
    assert database.migrate() is Step.NOTHING
    engine = database.open()
    store = registry.SqlRegistry(engine)
    day = date(2026, 3, 8)
    minute = datetime(2026, 3, 10, 12, 1, tzinfo=UTC)
    quarter = datetime(2026, 3, 10, 12, 15, tzinfo=UTC)
    assert store.code(b"cc") == VerificationCode(b"cc", "likely", day, None, NOON, quarter, minute)
    assert store.token(b"tt") == VerificationToken(
        b"tt", "likely", day, minute, minute.replace(day=11), None, b"nn"
    )
    engine.dispose()


def test_published_keys_of_the_first_version_are_adopted_whole(tmp_path: Path) -> None:
    """Opening alone does it, as the server does at its first start."""
    database = Database(exposure_tables.LAYOUT, tmp_path / "authority.db")
    with closing(sqlite3.connect(database.file)) as connection:
        connection.executescript(AUTHORITY_BEFORE)
    engine = database.open()
    store = windows.SqlWindows(engine)
    revision = Revision("negative", None, NOON.replace(hour=13))
    kept = Exposure(b"kk", 2956032, 144, 2, "likely", -1, NOON, b"oo", True, revision)
    assert rows_of(store.created_in(NOON, NOON.replace(hour=13))) == [first_row(kept)]
    after = NOON.replace(hour=14)
    assert rows_of(store.revised_in(NOON, after)) == [revised_row(kept)]
    assert store.batches() == [ExportBatch(NOON, NOON.replace(hour=16), 1, 500)]
    engine.dispose()


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE codes DROP COLUMN test_date",
        "ALTER TABLE codes ADD COLUMN phone VARCHAR(16)",
        "DROP INDEX ix_tokens_expires",
        "DROP TABLE tokens",
    ],
)
def test_tables_that_are_not_the_first_versions_are_left_alone(tmp_path: Path, change: str) -> None:
    """Something else that calls its tables so is named, and not written to."""
    database = Database(registry_tables.LAYOUT, tmp_path / "registry.db")
    with closing(sqlite3.connect(database.file)) as connection:
        connection.executescript(REGISTRY_BEFORE + change)
        before = list(connection.iterdump())
        name = change.split()[2].removeprefix("ix_").removesuffix("_expires")
        with pytest.raises(DatabaseUnusable, match=rf"not those .* made: {name}\.") as refused:
            database.open()
        assert "nothing was changed" in refused.value.hint
        assert list(connection.iterdump()) == before


def test_an_earlier_layout_waits_on_postgres_and_comes_up_by_itself_in_a_file(
    place: Callable[[Layout], Database], tomorrow: Layout
) -> None:
    """On a server other processes may still be at work; by hand it is done everywhere."""
    engine = place(registry_tables.LAYOUT).open()
    code = VerificationCode(b"c" * 32, "likely", NOON.date(), None, NOON, NOON)
    registry.SqlRegistry(engine).add_codes([code], 1)
    engine.dispose()
    database = place(tomorrow)
    if database.url is None:
        database.open().dispose()
        assert database.migrate() is Step.NOTHING
    else:
        with pytest.raises(DatabaseUnusable, match="earlier version") as refused:
            database.open()
        assert "authority migrate" in refused.value.hint
        assert "colour" not in codes_columns(database)
        assert database.migrate() is Step.UPGRADED
    assert "colour" in codes_columns(database)
    engine = database.open()
    with engine.begin() as connection:
        assert connection.scalar(text("SELECT count(*) FROM codes")) == 1
    engine.dispose()


def test_a_newer_layout_is_refused_in_words(
    place: Callable[[Layout], Database], tomorrow: Layout
) -> None:
    """An older program must not write into what it does not know, nor migrate it."""
    place(tomorrow).open().dispose()
    for attempt in (place(registry_tables.LAYOUT).open, place(registry_tables.LAYOUT).migrate):
        with pytest.raises(DatabaseUnusable, match="newer version of this program"):
            attempt()
    assert "colour" in codes_columns(place(tomorrow))


def test_a_step_that_fails_leaves_all_as_it_was(
    place: Callable[[Layout], Database], tomorrow: Layout
) -> None:
    """The steps of one migration are one transaction, tables included."""
    place(registry_tables.LAYOUT).open().dispose()
    step = tomorrow.histories / "registry" / "v9999_colour.py"
    step.write_text(NEXT + '    op.execute("SELECT nonsense FROM nowhere")\n')
    with pytest.raises(DatabaseUnusable, match="cannot be used"):
        place(tomorrow).migrate()
    assert "colour" not in codes_columns(place(registry_tables.LAYOUT))
    assert place(registry_tables.LAYOUT).migrate() is Step.NOTHING


def test_many_threads_open_a_new_database_at_once(place: Callable[[Layout], Database]) -> None:
    """One of them makes the tables, the others find them."""
    with ThreadPoolExecutor(8) as pool:
        steps = list(pool.map(lambda _: place(registry_tables.LAYOUT).migrate(), range(8)))
    assert sorted(steps) == [Step.CREATED, *[Step.NOTHING] * 7]


def test_a_reader_never_waits_for_a_writer(place: Callable[[Layout], Database]) -> None:
    """Opening a database that is up to date is reading, too."""
    engine = place(registry_tables.LAYOUT).open()
    with writing(engine):
        place(registry_tables.LAYOUT).open().dispose()
        assert registry.SqlRegistry(engine).code(bytes(32)) is None
    engine.dispose()


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_many_processes_open_a_new_database_at_once(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """As when a service starts with several workers: each database is made once."""
    folder = make_folder(tmp_path / "authority", ("registrar", "publisher"))
    environment = dict(os.environ)
    if engine == "postgres":
        environment["BLUEZONE_DATABASE"] = request.getfixturevalue("postgres_url")
    command = [sys.executable, "-m", "bluezone_node", "authority", "migrate", "--json"]
    racing = [
        subprocess.Popen(
            [*command, "--dir", str(folder.path)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(4)
    ]
    said = [process.communicate(timeout=PATIENCE) for process in racing]
    assert [process.returncode for process in racing] == [0] * 4, said
    documents = [json.loads(out) for out, _ in said]
    for role in ("registrar", "publisher"):
        assert sorted(document[role]["done"] for document in documents) == [
            "created",
            *["up to date"] * 3,
        ]
    assert (tmp_path / "authority" / "registry.db").exists() == (engine == "sqlite")
