"""``authority backup`` and ``authority restore``, as typed."""

import json
import os
from pathlib import Path

import pytest

from tests.program import run


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An authority that issued one code, and the key of its backups."""
    assert run("authority", "init", tmp_path / "a").returncode == 0
    assert run("authority", "code", "issue", "--dir", tmp_path / "a").returncode == 0
    assert run("authority", "export", "run", "--dir", tmp_path / "a").returncode == 0
    assert run("seal", "make-key", tmp_path / "key").returncode == 0
    return tmp_path


def test_an_authority_comes_back(home: Path) -> None:
    """With a file as target; what was restored serves, and says since when."""
    key = ("--key-file", home / "key")
    done = run("authority", "backup", home / "b", "--dir", home / "a", *key, "--json")
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert made["rows"] > 0
    assert made["bytes"] == (home / "b").stat().st_size
    done = run("authority", "restore", home / "b", home / "new", *key)
    assert done.returncode == 0, done.stderr
    assert "codes, tokens and sessions are over" in done.stderr
    status = json.loads(run("authority", "status", "--dir", home / "new", "--json").stdout)
    assert status["registrar"]["codes_open"] == 0
    again = run("authority", "restore", home / "b", home / "new", *key)
    assert again.returncode == 1
    assert "is not empty; nothing was changed" in again.stderr


def test_a_folder_of_backups_keeps_the_newest(home: Path) -> None:
    """What a timer calls every day: named by the time, old ones deleted, others left alone."""
    shelf = home / "backups"
    shelf.mkdir()
    for name in ("bluezone-authority-20250101T000000Z.backup", "mine.backup"):
        (shelf / name).touch()
    command = ("authority", "backup", shelf, "--dir", home / "a", "--key-file", home / "key")
    done = run(*command, "--keep", 1)
    assert done.returncode == 0, done.stderr
    assert "1 older backups deleted" in done.stdout
    assert {path.name for path in shelf.iterdir()} > {"mine.backup"}
    assert len(list(shelf.iterdir())) == 2


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["backup", "{home}/b", "--dir", "{home}/a"], 2, "--key-file"),
        (["backup", "{home}/b", "--dir", "{home}/a", "--key-file", "{home}/no"], 1, "no"),
        (
            ["backup", "{home}/b", "--dir", "{home}/a", "--key-file", "{home}/key", "--keep", "3"],
            2,
            "--keep is for a folder",
        ),
        (["backup", "{home}/x/b", "--dir", "{home}/a", "--key-file", "{home}/key"], 1, "written"),
        (["restore", "{home}/no", "{home}/new", "--key-file", "{home}/key"], 1, "cannot be read"),
        (["restore", "{home}/key", "{home}/new", "--key-file", "{home}/key"], 1, "is no backup"),
    ],
)
def test_what_is_wrong_is_said(home: Path, arguments: list[str], status: int, said: str) -> None:
    """A sentence, and nothing is made."""
    done = run("authority", *(each.format(home=home) for each in arguments))
    assert done.returncode == status, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (home / "new").exists()
    assert not os.path.lexists(home / "b")
