"""``authority audit``, as typed."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bluezone_node.authority.ports.accounts import OPERATOR, Actor
from bluezone_node.clock import SystemClock
from bluezone_node.commands import cli
from bluezone_node.errors import AuthorityRefused, BadInput
from bluezone_node.store.authority.folder import make_folder, open_folder
from bluezone_node.wiring.authority import open_authority


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An authority in which three things were done."""
    path = make_folder(tmp_path / "a", ["registrar"]).path
    with open_authority(open_folder(path), SystemClock(), ["registrar"]) as parts:
        assert parts.audit is not None
        parts.audit.record(OPERATOR, "user_added", "an", {"role": "issuer"}, realm="79")
        parts.audit.record(Actor("an", "79", "issuer"), "sign_in", "an")
        parts.audit.record(Actor("binh", "01", "issuer"), "sign_in", "binh")
    return path


def audit(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["authority", "audit", *arguments, "--dir", str(home)])


def tamper(home: Path, statement: str) -> None:
    with closing(sqlite3.connect(home / "registry.db")) as db, db:
        db.execute(statement)


def test_the_list_is_newest_first(home: Path) -> None:
    """Of one province, or a page at a time, or as JSON with the hashes."""
    lines = audit(home, "list").stdout.splitlines()[1:]
    assert [line.split()[0] for line in lines] == ["3", "2", "1"]
    assert "command line" in lines[2]
    assert lines[2].endswith("role=issuer")
    found = json.loads(audit(home, "list", "--realm", "79", "--json").stdout)
    assert [entry["sequence"] for entry in found] == [2, 1]
    assert found[1]["detail"] == {"role": "issuer"}
    assert len(bytes.fromhex(found[0]["hash"])) == 32
    page = json.loads(audit(home, "list", "--limit", "1", "--before", "3", "--json").stdout)
    assert [entry["sequence"] for entry in page] == [2]


def test_a_whole_trail_is_said_to_be_whole(home: Path) -> None:
    """The head alone on its line, for a script; a person is told what is not seen without one."""
    head = audit(home, "head").stdout.strip()
    assert head.startswith("3:")
    done = audit(home, "verify")
    assert done.exit_code == 0
    assert done.stdout.splitlines() == ["3 entries are whole", head]
    assert "--head" in done.stderr
    assert "--head" not in audit(home, "verify", "--head", head).stderr
    document = json.loads(audit(home, "verify", "--head", head, "--json").stdout)
    assert document == {"intact": True, "entries": 3, "head": head, "broken": None, "reason": ""}


def test_a_trail_that_was_changed_is_said_to_be_broken(home: Path) -> None:
    """Where first, and how many before it are right; exit status 1."""
    tamper(home, "UPDATE audit SET actor = 'chi' WHERE sequence = 2")
    done = audit(home, "verify", "--json")
    assert done.exit_code == 1
    document = json.loads(done.stdout)
    assert (document["intact"], document["entries"], document["broken"]) == (False, 1, 2)
    assert isinstance(done.exception, AuthorityRefused)
    assert "broken at entry 2" in str(done.exception)


def test_a_cut_off_end_is_found_by_the_head_noted_down(home: Path) -> None:
    """Without it the rest looks whole."""
    head = audit(home, "head").stdout.strip()
    tamper(home, "DELETE FROM audit WHERE sequence = 3")
    assert audit(home, "verify").exit_code == 0
    done = audit(home, "verify", "--head", head)
    assert done.exit_code == 1
    assert "its end is missing" in str(done.exception)


def test_a_head_that_is_none_is_refused(home: Path) -> None:
    """The sentence says what one looks like."""
    refused = audit(home, "verify", "--head", "3").exception
    assert isinstance(refused, BadInput)
    assert "64 hexadecimal digits" in str(refused)


def test_an_empty_trail(tmp_path: Path) -> None:
    """A new authority has done nothing yet."""
    home = make_folder(tmp_path / "b", ["registrar"]).path
    assert audit(home, "head").stdout == ""
    assert json.loads(audit(home, "head", "--json").stdout) == {"head": None}
    assert audit(home, "verify").stdout == "0 entries are whole\n"
