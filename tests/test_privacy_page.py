"""The privacy page says what every table keeps: none is added without a line about it."""

import re
import sqlite3
from pathlib import Path

from bluezone_node.store.authority import exposure_tables, registry_tables
from bluezone_node.store.node import open_node_store

PAGE = Path(__file__).resolve().parents[1] / "docs" / "privacy.md"


def named() -> set[str]:
    """Return the tables in the first two columns of the page's lists."""
    rows = re.findall(r"^\|(.*?\|.*?)\|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([a-z_]+)`", row)}


def test_every_table_of_a_node_is_explained(tmp_path: Path) -> None:
    """What a device or a kiosk keeps, and for how long."""
    path = tmp_path / "state" / "node.db"
    open_node_store(path).close()
    with sqlite3.connect(path) as db:
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_schema")}
    db.close()
    kept = {name for name in tables if not re.match(r"sqlite_|idx_|_", name)}
    assert "visit" in kept
    assert kept - named() == set()


def test_every_table_of_an_authority_is_explained() -> None:
    """Of both databases."""
    for tables in (registry_tables.TABLES, exposure_tables.TABLES):
        assert {*tables.tables} - named() == set()
