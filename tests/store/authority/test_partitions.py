"""The table of keys in partitions, made by the very statements of docs/scale.md."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bluezone_node.authority.ports.exposures import Changes, Exposure, Revision
from bluezone_node.store.authority import exposure_tables, exposures, windows
from bluezone_node.store.authority.database import Database
from bluezone_node.store.authority.postgres import parse_url
from bluezone_node.store.authority.schema import Step
from tests.postgres import Server

pytestmark = pytest.mark.postgres

PAGE = Path(__file__).resolve().parents[3] / "docs" / "scale.md"


def test_a_partitioned_table_serves_and_forgets(postgres_server: Server) -> None:
    """Keys are taken once, revised and forgotten; an emptied day's partition can be dropped."""
    convert, daily = re.findall(r"```sql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    with postgres_server.database() as url:
        name = url.partition("@/")[2].partition("?")[0]
        database = Database(exposure_tables.LAYOUT, Path("none"), parse_url(url))
        engine = database.open()
        store = exposures.SqlExposures(engine)
        old = _key(b"a" * 16, now)
        store.publish([old.key], lambda _stored, _end: Changes([old], []))
        for statement in convert.split(";\n"):
            if "BEGIN" not in statement and "COMMIT" not in statement:
                postgres_server.run(statement, name)
        postgres_server.run(daily, name)
        postgres_server.run(daily, name)
        assert database.migrate() is Step.NOTHING

        tomorrow = now + timedelta(days=1, hours=1)
        new = _key(b"b" * 16, tomorrow)
        store.publish([new.key], lambda _stored, _end: Changes([new], []))
        known: set[bytes] = set()

        def see(stored: Mapping[bytes, Exposure], _end: datetime | None) -> Changes:
            known.update(stored)
            return Changes([], [replace(old, revision=Revision("confirmed", 3, tomorrow))])

        store.publish([old.key, new.key], see)
        assert known == {old.key, new.key}
        assert store.counts().revised == 1

        day = int(tomorrow.timestamp()) // 86400
        parts = f"SELECT count(*) FROM authority.exposures_{day}"
        assert postgres_server.run(parts, name) == [(1,)]
        windows.SqlWindows(engine).forget(tomorrow + timedelta(hours=1))
        assert store.counts().exposures == 0
        engine.dispose()


def _key(key: bytes, created: datetime) -> Exposure:
    return Exposure(key, 2_900_000, 144, 0, "confirmed", 3, created, b"o" * 32, False)
