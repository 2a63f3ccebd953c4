"""Alerts as they lie in the database: whole, and those of an earlier version still readable."""

import json
import sqlite3
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from bluezone_node.alerts import Alert, AlertKind, AlertLevel, Expected, Moment, Nearness
from bluezone_node.store.node import open_node_store

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SOME = Expected(7.25, 0.0, 15.0)
ALERT = Alert(
    AlertKind.PROXIMITY,
    date(2026, 3, 2),
    NOON,
    NOON + timedelta(minutes=20),
    AlertLevel.HIGH,
    9.5,
    1.5,
    8.0,
    10.5,
    "medium",
    321,
    "vn-f1-2m",
    "confirmed_test",
    Nearness(
        20.0, SOME, SOME, SOME, SOME, 2.0, 15.0, 0.46, (Moment(NOON, 60.0, 1.4, 0.63, 3.11),) * 3
    ),
)


def test_an_alert_comes_back_as_it_was(tmp_path: Path) -> None:
    """With its picture, so that the same evidence judged again changes nothing."""
    with open_node_store(tmp_path / "node.db") as store:
        store.put_alerts([ALERT], NOON, "vn-f1-2m")
        [entry] = store.alerts()
        assert entry.alert == ALERT
        store.put_alerts([ALERT], NOON + timedelta(hours=1), "vn-f1-2m")
        assert store.alerts() == [entry]


BEFORE_DISTANCES, BEFORE_PLACES = slice(-6, -3), slice(-5, -3)
"""What entries of earlier versions lack."""


@pytest.mark.parametrize(
    ("missing", "nearness"), [(BEFORE_DISTANCES, None), (BEFORE_PLACES, ALERT.nearness)]
)
def test_an_alert_of_an_earlier_version_is_still_read(
    tmp_path: Path, missing: slice, nearness: Nearness | None
) -> None:
    """The next judgement gives it what it lacks, without telling its owner again."""
    path = tmp_path / "node.db"
    with open_node_store(path) as store:
        store.put_alerts([ALERT], NOON, "vn-f1-2m")
        store.mark_told([ALERT], NOON)
    _write_as_before(path, missing)
    with open_node_store(path) as store:
        [entry] = store.alerts()
        assert entry.alert == replace(ALERT, nearness=nearness)
        assert store.put_alerts([ALERT], NOON + timedelta(hours=1), "vn-f1-2m") == []
        assert store.alerts()[0].alert == ALERT


def _write_as_before(path: Path, missing: slice) -> None:
    """Take values out of the only cell, as an earlier version wrote it."""
    with sqlite3.connect(path) as connection:
        [(cell,)] = connection.execute("SELECT entry FROM alert").fetchall()
        values = json.loads(cell)
        del values[missing]
        connection.execute("UPDATE alert SET entry = ?", (json.dumps(values).encode(),))
    connection.close()
