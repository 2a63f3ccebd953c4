"""The demo's market through the front door: five ways in, two cases, and who is warned of which."""

import json
import re
import sqlite3
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from bluezone_node.crypto.identifiers import all_identifiers
from bluezone_node.crypto.keys import TemporaryExposureKey

pytestmark = pytest.mark.slow

HANOI = timezone(timedelta(hours=7))
DEVICES = ("lan", "minh", "tu", "chau", "quy", "hoa", "sau", "tam")


@pytest.fixture(scope="module")
def alerts(told: Path) -> dict[str, list[dict[str, Any]]]:
    """What each device tells its owner."""
    return {
        name: [each["alert"] for each in asked(told, "alerts", "list", name=name)["alerts"]]
        for name in DEVICES
    }


def asked(told: Path, *command: str, name: str = "") -> Any:
    """Return what a command answers, about a device or about the authority."""
    where = (
        ("--config", str(told / "places" / f"{name}.toml"))
        if name
        else ("--dir", str(told / "authority"))
    )
    done = subprocess.run(
        [sys.executable, "-m", "bluezone_node", *command, *where, "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def rows(database: Path, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(database) as connection:
        found = connection.execute(query).fetchall()
    connection.close()
    return found


def hours(alert: dict[str, Any]) -> tuple[str, str]:
    """Return from when until when an alert is about, in Hà Nội."""
    start, end = (
        datetime.fromisoformat(alert[name]).astimezone(HANOI) for name in ("start", "end")
    )
    return f"{start:%H:%M}", f"{end:%H:%M}"


def test_every_line_comes_true_and_the_table_has_everybody(told: Path) -> None:
    """Nine people, each as it should be, in lines that a terminal of 80 columns can hold."""
    story = (told / "story.txt").read_text()
    table = story[story.index("ai / who") : story.index("Every line came true")]
    people = [line for line in table.splitlines()[1:] if line]

    assert "NOT SO" not in story
    assert len(people) == 9
    assert all(line.endswith("✓") for line in people)
    assert max(map(len, table.splitlines())) <= 80


def test_those_are_warned_who_were_there_and_nobody_else(
    alerts: dict[str, list[dict[str, Any]]],
) -> None:
    """Four of the first notice, one of the second; not who came between, was elsewhere or is it."""
    morning: list[str] = []
    afternoon: list[str] = []
    for name, its in alerts.items():
        for alert in its:
            (morning if hours(alert)[0] < "12:00" else afternoon).append(name)

    assert sorted(morning) == ["chau", "lan", "minh", "tu"]
    assert afternoon == ["sau"]
    assert alerts["quy"] == alerts["hoa"] == alerts["tam"] == []


def test_an_alert_holds_for_the_time_in_which_both_were_there(
    alerts: dict[str, list[dict[str, Any]]],
) -> None:
    """None begins before its visitor came, nor lasts beyond the notice's end or their own."""
    assert "09:00" <= hours(alerts["lan"][0])[1] < "09:25"
    assert hours(alerts["minh"][0])[1] == hours(alerts["chau"][0])[1] == "09:25"
    assert all("08:45" <= hours(alerts[name][0])[0] < "09:00" for name in ("lan", "minh", "chau"))
    assert "15:08" <= hours(alerts["sau"][0])[0] < hours(alerts["sau"][0])[1] <= "15:35"


def test_a_code_of_the_kiosk_proves_presence_and_nothing_else_does(
    alerts: dict[str, list[dict[str, Any]]],
) -> None:
    """The screen's and the slip's do; a poster and the radio do not. A family is told as one."""
    proved = {name for name, its in alerts.items() if its and its[0]["presence"]["proved"]}

    assert proved == {"minh", "chau"}
    assert alerts["sau"][0]["presence"]["party"] == 3


def test_the_kiosk_knows_that_four_came_and_by_which_way_and_not_who(told: Path) -> None:
    """Its ledger has four rows; the identity card's number and name are in no file of it."""
    found = rows(told / "places/door/node.db", "SELECT entry FROM checkin ORDER BY id")

    assert [json.loads(entry)[0] for (entry,) in found] == ["pass", "tap", "id_card", "slip"]
    files = [path for path in (told / "places/door").rglob("*") if path.is_file()]
    content = b"".join(path.read_bytes() for path in files)
    for secret in ("001085004327", "012345678", "Đỗ Tiến Dũng"):
        assert secret.encode() not in content


def test_a_proposal_holds_figures_and_no_key(told: Path) -> None:
    """One, accepted, of the quarter of an hour; Tâm's keys and identifiers are not with it."""
    (proposal,) = asked(told, "notice", "proposals", "--all")
    start, end = (datetime.fromisoformat(proposal[name]) for name in ("from", "to"))
    keys = [
        TemporaryExposureKey(*row)
        for row in rows(told / "places/tam/node.db", "SELECT key, rolling_start FROM own_key")
    ]
    known = [key.key for key in keys] + [rpi for key in keys for rpi in all_identifiers(key)]
    registry = b"".join(path.read_bytes() for path in (told / "authority").glob("registry.db*"))

    assert proposal["state"] == "accepted"
    assert proposal["keys"] == 1
    assert timedelta(minutes=12) <= end - start <= timedelta(minutes=16)
    assert known
    for secret in known:
        assert secret not in registry
        assert secret.hex().encode() not in registry


def test_nothing_that_anybody_showed_is_in_a_log(told: Path) -> None:
    """Neither the card, the slip's letters, a code of eight digits nor a place's link."""
    logs = "".join(path.read_text() for path in told.rglob("*.log"))

    for secret in ("001085004327", "Dũng", "q.example.vn", "VNP1"):
        assert secret not in logs
    assert not re.search(r"\b\d{8}\b", logs), "eight digits look like a code"
