"""What is particular to PostgreSQL: its URL, its rights, its errors, and what they never show."""

import re
import sys
import traceback
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from bluezone_node.authority.ports.exposures import Changes, Exposure
from bluezone_node.authority.ports.registry import Outcome, VerificationCode
from bluezone_node.authority.settings import parse_settings
from bluezone_node.errors import BadConfig, DatabaseUnusable
from bluezone_node.store.authority import exposure_tables, exposures, registry, registry_tables
from bluezone_node.store.authority.database import Database, writing
from bluezone_node.store.authority.postgres import parse_url, postgres_engine
from tests.postgres import Server

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
PASSWORD = "Kennwort"
NO_FILE = Path("/nonexistent/authority.db")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (PASSWORD, "is not a URL"),
        (f"postgresql://u:{PASSWORD}@host:port/name", "is not a URL"),
        (f"mysql://u:{PASSWORD}@host/name", "is not PostgreSQL's"),
        (f"postgresql+asyncpg://u:{PASSWORD}@host/name", "is not PostgreSQL's"),
        (f"postgresql://u:a@{PASSWORD}@host/name", "more than one @"),
        (f"postgresql://u:a@b/{PASSWORD}@host/name", "more than one @"),
        (f"postgresql://u:{PASSWORD}@host", "names no database"),
    ],
)
def test_a_url_that_will_not_do_is_refused_without_being_quoted(given: str, sentence: str) -> None:
    """There may be a password in any part of it."""
    with pytest.raises(BadConfig, match=re.escape(sentence)) as refused:
        parse_url(given)
    assert PASSWORD not in "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize(
    ("given", "label"),
    [
        (f"postgresql://u:{PASSWORD}@db.example:6432/bz", "bz on db.example:6432, schema registry"),
        (f"postgres://u@h/bz?password={PASSWORD}", "bz on h, schema registry"),
        (f"postgresql://u@/bz?host=/run/pg&sslpassword={PASSWORD}", "bz on /run/pg"),
        ("postgresql:///bz", "bz on this machine"),
        (f"postgresql://u:{PASSWORD}%40%2F@h/bz", "bz on h"),
    ],
)
def test_a_database_is_named_without_user_and_password(given: str, label: str) -> None:
    """Neither in its label nor in any repr, wherever the password stood."""
    url = parse_url(given)
    database = Database(registry_tables.LAYOUT, NO_FILE, url)
    engine = postgres_engine(url, "registry")
    assert database.label.startswith(label)
    assert PASSWORD not in f"{database.label}{engine!r}{engine.url!r}"
    engine.dispose()


def test_the_settings_do_not_show_the_url() -> None:
    """Whoever prints the settings prints no password."""
    settings = parse_settings(f'[database]\nurl = "postgresql://u:{PASSWORD}@h/d"', "a.toml")
    assert settings.database.url is not None
    assert PASSWORD not in repr(settings)
    assert PASSWORD not in str(settings.database)


def test_a_password_does_not_show_where_the_server_is_away() -> None:
    """In no part of the error, its causes included."""
    url = parse_url(f"postgresql://u:{PASSWORD}@/bz?host=/nonexistent")
    with pytest.raises(DatabaseUnusable, match=r"bz on /nonexistent.*cannot be used") as refused:
        Database(registry_tables.LAYOUT, NO_FILE, url).open()
    assert PASSWORD not in "".join(traceback.format_exception(refused.value))


def test_without_the_driver_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files do without psycopg, so it may be missing."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(BadConfig, match="psycopg") as refused:
        Database(registry_tables.LAYOUT, NO_FILE, parse_url("postgresql:///bz")).open()
    assert "pip install" in refused.value.hint


@pytest.mark.postgres
def test_a_role_can_be_granted_one_schema_alone(postgres_server: Server, postgres_url: str) -> None:
    """The registrar's account works, and cannot even look at the published keys."""
    name = postgres_url.partition("@/")[2].partition("?")[0]
    postgres_server.run("CREATE ROLE registrar LOGIN")
    try:
        postgres_server.run("CREATE SCHEMA registry AUTHORIZATION registrar", name)
        Database(exposure_tables.LAYOUT, NO_FILE, parse_url(postgres_url)).open().dispose()
        url = parse_url(postgres_server.url(name, role="registrar"))
        engine = Database(registry_tables.LAYOUT, NO_FILE, url).open()
        store = registry.SqlRegistry(engine)
        code = VerificationCode(b"c" * 32, "likely", None, None, NOON, NOON)
        assert store.add_codes([code], 1) == [Outcome.KEPT]
        with engine.begin() as db, pytest.raises(SQLAlchemyError, match="permission denied"):
            db.execute(text("SELECT count(*) FROM authority.exposures"))
        engine.dispose()
        other = Database(exposure_tables.LAYOUT, NO_FILE, url)
        assert not other.exists()
        with pytest.raises(DatabaseUnusable, match="may not use the schema authority") as refused:
            other.open()
        assert "--role" in refused.value.hint
    finally:
        postgres_server.run("DROP SCHEMA registry CASCADE", name)
        postgres_server.run("DROP ROLE registrar")


@pytest.mark.postgres
def test_an_error_of_the_server_does_not_quote_what_was_written(postgres_url: str) -> None:
    """PostgreSQL's detail of a broken rule holds the very row: nobody gets to see it."""
    engine = Database(registry_tables.LAYOUT, NO_FILE, parse_url(postgres_url)).open()
    codes = registry_tables.TABLES.tables["codes"]
    row = {"digest": b"\xc5" * 32, "report_type": "likely", "created": NOON, "expires": NOON}
    with engine.begin() as db:
        db.execute(insert(codes).values(row))
    with engine.begin() as db, pytest.raises(IntegrityError, match="duplicate key") as refused:
        db.execute(insert(codes).values(row))
    shown = "".join(traceback.format_exception(refused.value))
    assert "violates unique constraint" in shown
    assert "c5c5" not in shown
    assert "DETAIL" not in shown
    engine.dispose()


@pytest.mark.postgres
def test_who_was_overtaken_decides_again(postgres_url: str) -> None:
    """Publications go on side by side; the one whose key was stored meanwhile gets to see it."""
    engine = Database(exposure_tables.LAYOUT, NO_FILE, parse_url(postgres_url)).open()
    store, other = exposures.SqlExposures(engine), exposures.SqlExposures(engine)
    key = Exposure(b"k" * 16, 2956032, 144, 2, "likely", -1, NOON, b"o" * 32)
    theirs = replace(key, owner=b"p" * 32)
    seen: list[Mapping[bytes, Exposure]] = []

    def decide(stored: Mapping[bytes, Exposure], _drawn: datetime | None) -> Changes:
        seen.append(stored)
        if not stored:
            other.publish([theirs.key], lambda _stored, _drawn: Changes(added=[theirs]))
        return Changes() if stored else Changes(added=[key])

    assert store.publish([key.key], decide) == Changes()
    assert seen == [{}, {theirs.key: theirs}]
    engine.dispose()


@pytest.mark.postgres
def test_the_two_databases_do_not_wait_for_one_another(postgres_url: str) -> None:
    """A batch being drawn holds up no code."""
    url = parse_url(postgres_url)
    keys = Database(exposure_tables.LAYOUT, NO_FILE, url).open()
    codes = Database(registry_tables.LAYOUT, NO_FILE, url).open()
    with writing(keys):
        store = registry.SqlRegistry(codes)
        code = VerificationCode(b"c" * 32, "likely", None, None, NOON, NOON)
        assert store.add_codes([code], 1) == [Outcome.KEPT]
    keys.dispose()
    codes.dispose()


@pytest.mark.postgres
def test_a_connection_that_the_server_dropped_is_replaced(
    postgres_server: Server, postgres_url: str
) -> None:
    """A restart of the server costs no request."""
    engine = Database(registry_tables.LAYOUT, NO_FILE, parse_url(postgres_url)).open()
    store = registry.SqlRegistry(engine)
    assert store.code(bytes(32)) is None
    postgres_server.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        " AND datname LIKE 'test%'"
    )
    assert store.code(bytes(32)) is None
    engine.dispose()
