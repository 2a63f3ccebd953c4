"""``authority doctor``: each thing that can be wrong is found, and named with its cure."""

import io
import json
import sqlite3
import sys
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bluezone_node.clock import SimClock
from bluezone_node.commands import main
from bluezone_node.store.authority.folder import open_folder
from bluezone_node.wiring.authority import DATABASE_VARIABLE, databases_of, open_authority


def run(*arguments: object) -> tuple[int, str]:
    """Run a command in this process; return its status and what it printed."""
    out, status = io.StringIO(), 0
    line = ["bluezone-node", "authority", *map(str, arguments)]
    with redirect_stdout(out), redirect_stderr(out), pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "argv", line)
        try:
            main()
        except SystemExit as end:
            status = int(end.code or 0)
    return status, out.getvalue()


def findings(home: Path) -> dict[str, dict[str, Any]]:
    """Return what the doctor says, by subject; the time is this machine's affair."""
    status, said = run("doctor", "--dir", home, "--json")
    found = {each["subject"]: each for each in json.loads(said)["findings"]}
    assert status == (0 if all(each["good"] for each in found.values()) else 1)
    found.pop("time", None)
    return found


def faults(home: Path) -> set[str]:
    return {subject for subject, each in findings(home).items() if not each["good"]}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    assert run("init", tmp_path / "a")[0] == 0
    return tmp_path / "a"


def test_a_new_authority_is_sound(home: Path) -> None:
    """Before its first start and after; what is not set up is told without being a fault."""
    assert not faults(home)
    assert run("migrate", "--dir", home)[0] == 0
    found = findings(home)
    assert not faults(home)
    assert found["users"]["cure"].startswith("bluezone-node authority users add")
    assert found["exports"]["found"].startswith("none yet")
    assert set(found) >= {"room", "address", "registrar keys", "publisher keys", "messages"}


@pytest.mark.parametrize(
    ("break_it", "subject"),
    [
        (lambda home: (home / "keys/export.pem").unlink(), "publisher keys"),
        (lambda home: (home / "keys/codes.secret").chmod(0o644), "registrar keys"),
        (lambda home: (home / "registrar.jwks.json").write_text("{"), "registrar vn.moh"),
        (lambda home: (home / "registry.db").write_bytes(b"x" * 8192), "registrar database"),
        (
            lambda home: (home / "authority.toml").write_text('[serve]\nlisten = "0.0.0.0:80"\n'),
            "address",
        ),
        (lambda home: (home / "authority.toml").write_text("["), "folder"),
        (lambda home: home.chmod(0o755), "folder"),
    ],
)
def test_each_fault_is_found_with_its_cure(home: Path, break_it: Any, subject: str) -> None:
    """One thing broken, one finding of it."""
    break_it(home)
    found = findings(home)
    assert subject in {each for each, finding in found.items() if not finding["good"]}
    assert found[subject]["found"]


def test_a_proxy_that_was_not_named_is_asked_for(home: Path) -> None:
    """No fault on a laptop; behind a proxy a whole country would be one guesser."""
    assert "serve.trusted_proxies" in findings(home)["address"]["cure"]
    (home / "authority.toml").write_text('[serve]\ntrusted_proxies = ["127.0.0.1"]\n')
    assert findings(home)["address"]["cure"] == ""


def test_a_registrar_that_does_not_answer_is_found(home: Path) -> None:
    """Reports would be refused from tomorrow on."""
    (home / "authority.toml").write_text(
        '[[publisher.health_authorities]]\nid = "vn.moh"\njwks = "http://127.0.0.1:9/jwks"\n'
    )
    assert faults(home) == {"registrar vn.moh"}


def test_an_export_that_is_late_or_lost_is_found(home: Path) -> None:
    """Nodes would wait for it, or ask for it in vain."""
    # Two periods of four hours ago a window was missed, whatever the time of day.
    for hours, fault in ((9, {"exports"}), (0, set())):
        clock = SimClock(datetime.now(UTC) - timedelta(hours=hours))
        with open_authority(open_folder(home), clock, ["publisher"]) as parts:
            assert parts.exporter is not None
            parts.exporter.run()
        assert faults(home) & {"exports"} == fault
    (home / "exports" / "index.txt").write_text("exports/no-such.zip\n")
    assert "the index is not right" in findings(home)["exports"]["found"]


def test_a_database_of_another_layout_is_found(home: Path) -> None:
    """With the word of whoever knows what to do about it."""
    run("migrate", "--dir", home)
    with sqlite3.connect(home / "authority.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    assert "newer version" in findings(home)["publisher database"]["found"]


@pytest.mark.postgres
def test_the_clock_of_a_database_server_is_looked_at(
    home: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is on this machine here, and so agrees."""
    monkeypatch.setenv(DATABASE_VARIABLE, postgres_url)
    assert findings(home)["registrar database"]["found"].endswith("the first start fills it")
    for database in databases_of(open_folder(home)).values():
        database.migrate()
    found = findings(home)
    assert found["publisher database's clock"]["good"]
    assert "schema registry" in found["registrar database"]["found"]


def test_the_keys_of_places_are_looked_at(home: Path) -> None:
    """Their root is to leave; what is missing, damaged or over is a fault, to have none is not."""
    assert "lies beside the keys" in findings(home)["place root"]["found"]
    root = home / "keys/places-root.pem"
    root.rename(home / "keys/elsewhere.pem")
    assert "place root" not in findings(home)
    for name in ("cards", "notices", "register"):
        assert findings(home)[f"key of {name}"]["found"].startswith("good until ")
    (home / "keys/places-notices.pem").unlink()
    assert "places-notices.pem is missing" in findings(home)["place keys"]["found"]
    (home / "trust.cose").unlink()
    found = findings(home)["place keys"]
    assert (found["good"], "trust init" in found["cure"]) == (True, True)


@pytest.mark.parametrize(
    ("address", "good"),
    [("http://[::1]:8600", True), ("http://10.0.0.2:8600", False), ("https://a.example", None)],
)
def test_kiosks_that_would_ask_without_tls_are_found(
    home: Path, address: str, good: bool | None
) -> None:
    """What they name themselves by would be open to the line; on one machine nobody listens."""
    (home / "authority.toml").write_text(f'[places]\nurl = "{address}"\n')
    found = findings(home).get("kiosks")
    assert (found and found["good"]) == good


def test_people_read_it_line_by_line(home: Path) -> None:
    """As a node's doctor speaks: a mark, a subject, what was found, and an arrow to the cure."""
    (home / "keys/export.pem").unlink()
    status, said = run("doctor", "--dir", home, "--role", "publisher")
    assert status == 1
    assert "FAULT  publisher keys: " in said
    assert "       → `bluezone-node authority init` makes the keys, once" in said
    assert "registrar keys" not in said
