"""``authority keys``, as typed."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bluezone_node.commands import cli
from bluezone_node.crypto.signing import load_public_key, public_base64
from bluezone_node.errors import AuthorityRefused, BadConfig
from bluezone_node.store.authority.folder import make_folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "a", ["registrar", "publisher"]).path


def keys(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["authority", "keys", *arguments, "--dir", str(home)])


def listed(home: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(keys(home, "list", "--json").stdout)
    return found


def test_a_new_folder_has_one_key_that_signs(home: Path) -> None:
    """And it is published for as long as there is no other."""
    (key,) = listed(home)
    assert (key["key_id"], key["state"], key["published_until"]) == ("v1", "signing", None)


def test_rotate_says_which_key_and_from_when(home: Path) -> None:
    """The id alone on stdout, for a script; for people the day, and what to copy."""
    done = keys(home, "rotate", "--overlap", "3")
    assert done.exit_code == 0
    old, new = listed(home)
    assert done.stdout.strip() == new["key_id"]
    day = datetime.now(UTC) + timedelta(days=3)
    assert f"signs from {day:%Y-%m-%d}" in done.stderr
    assert "registrar.jwks.json" in done.stderr
    assert (old["state"], new["state"]) == ("signing", "next")
    taken_over = datetime.fromisoformat(new["signs_from"])
    until = datetime.fromisoformat(old["published_until"])
    assert until - taken_over == timedelta(minutes=60, seconds=5)
    table = keys(home, "list").stdout.splitlines()
    assert [line.split()[1] for line in table[1:]] == ["signing", "next"]
    secret = (home / f"keys/registrar-{new['key_id']}.pem").read_text().splitlines()[1]
    assert secret[:20] not in done.output


def test_the_trail_tells_of_a_rotation_where_there_is_one(home: Path) -> None:
    """Which key, by its id; without a registrar's database nothing is made for it."""
    assert keys(home, "rotate", "--key", "export").exit_code == 0
    assert not (home / "registry.db").exists()
    people = ["authority", "users", "list", "--dir", str(home)]
    assert CliRunner().invoke(cli, people).exit_code == 0
    new = keys(home, "rotate").stdout.strip()
    trail = ["authority", "audit", "list", "--json", "--dir", str(home)]
    (entry,) = json.loads(CliRunner().invoke(cli, trail).stdout)
    assert (entry["action"], entry["subject"]) == ("key_rotated", new)


def test_a_trail_that_is_away_holds_up_no_rotation(home: Path) -> None:
    """It is said: a key that was stolen must go all the same."""
    (home / "registry.db").write_bytes(b"this is no database" * 100)
    done = keys(home, "rotate")
    assert done.exit_code == 0
    assert "audit trail does not tell" in done.stderr
    assert len(listed(home)) == 2


def test_a_second_rotation_must_be_forced(home: Path) -> None:
    """The sentence says what is still to come; forced, the new key signs at once."""
    assert keys(home, "rotate").exit_code == 0
    refused = keys(home, "rotate").exception
    assert isinstance(refused, AuthorityRefused)
    assert "A rotation is under way" in str(refused)
    assert len(listed(home)) == 2
    forced = json.loads(keys(home, "rotate", "--overlap", "0", "--force", "--json").stdout)
    assert [(key["key_id"], key["state"]) for key in listed(home)] == [
        ("v1", "retiring"),
        (forced["key_id"], "signing"),
    ]


def test_a_publishers_folder_has_no_certificate_key(tmp_path: Path) -> None:
    """It is said which file is missing, and nothing is made."""
    home = make_folder(tmp_path / "p", ["publisher"]).path
    for arguments in (["list"], ["rotate"]):
        missing = keys(home, *arguments).exception
        assert isinstance(missing, BadConfig)
        assert "registrar.pem cannot be read" in str(missing)
    assert not (home / "keys/registrar.json").exists()


def test_the_exports_key_is_another(home: Path) -> None:
    """Both public keys are listed, in the form that a node's settings take; the overlap lasts at
    least as long as files are kept."""
    settings = home / "authority.toml"
    text = settings.read_text().replace("[export]\n", "[export]\nretention_days = 20\n")
    settings.write_text(text)
    done = keys(home, "rotate", "--key", "export")
    assert f"alone from {datetime.now(UTC) + timedelta(days=20):%Y-%m-%d}" in done.stderr
    assert "export-public.pem" in done.stderr
    old, new = json.loads(keys(home, "list", "--key", "export", "--json").stdout)
    assert (old["state"], new["state"]) == ("signing", "next")
    assert old["published_until"] == new["signs_from"]
    handed_out = load_public_key((home / "export-public.pem").read_bytes())
    assert public_base64(handed_out) == new["public_key"] != old["public_key"]
    assert len(listed(home)) == 1


@pytest.mark.parametrize("overlap", ["-1", "91", "soon"])
def test_an_overlap_is_some_days(home: Path, overlap: str) -> None:
    """Up to three months; anything else is misuse, and changes nothing."""
    assert keys(home, "rotate", "--overlap", overlap).exit_code == 2
    assert len(listed(home)) == 1
