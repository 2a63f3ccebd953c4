"""The key of the data at rest, as a person handles it: status says, commands change."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bluezone_node.commands import cli
from bluezone_node.config import STATE_VARIABLE, NodeSettings, Settings
from bluezone_node.crypto.keys import TemporaryExposureKey
from bluezone_node.errors import BadConfig, DatabaseUnusable
from bluezone_node.masterkey import CREDENTIAL_NAME
from bluezone_node.store.node import lock_database, open_node_store
from bluezone_node.wiring.at_rest import at_rest, seal_store, secret_of
from bluezone_node.wiring.store import check_store, erase_node, open_store

KEY = TemporaryExposureKey(bytes(range(16)), 144)


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may be a service with credentials of its own."""
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "node.key"
    assert run("seal", "make-key", str(path)).exit_code == 0
    return path


@pytest.fixture
def config(tmp_path: Path, folder: Path, key_file: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(f'[node]\nstate_dir = "{folder}"\nkey_file = "{key_file}"\n')
    return path


@pytest.fixture
def plain(folder: Path) -> Settings:
    return Settings(NodeSettings(state_dir=str(folder)))


@pytest.fixture
def keyed(folder: Path, key_file: Path) -> Settings:
    return Settings(NodeSettings(state_dir=str(folder), key_file=str(key_file)))


def run(*words: str) -> Result:
    result = CliRunner(env={STATE_VARIABLE: ""}).invoke(cli, list(words))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def status(config: Path) -> dict[str, object]:
    document = json.loads(run("status", "--json", "--config", str(config)).stdout)
    assert isinstance(document, dict)
    return document


def write(settings: Settings) -> None:
    with open_store(settings) as store:
        store.add_own_key(KEY)


def test_without_a_key_it_is_said_and_is_no_fault(plain: Settings) -> None:
    """The line says what a lost card gives away; no lamp is red that few could put out."""
    found = at_rest(plain)
    assert (found.encrypted, found.key_source, found.alarming) == (False, "", False)
    assert "NOT encrypted: whoever has the card" in found.told
    assert found.cure


async def test_a_node_that_gets_a_key_encrypts_at_its_start(
    plain: Settings, keyed: Settings, folder: Path
) -> None:
    """Until then it is a problem: its owner gave a key and is not protected."""
    write(plain)
    waiting = at_rest(keyed)
    assert (waiting.encrypted, waiting.alarming) == (False, True)
    assert "restart" in waiting.cure
    await seal_store(keyed)
    assert at_rest(keyed).encrypted
    assert KEY.key not in (folder / "node.db").read_bytes()
    with open_store(keyed) as store:
        assert store.own_keys() == [KEY]
    assert "1 own keys" in check_store(keyed)


async def test_without_a_key_a_start_changes_nothing(plain: Settings) -> None:
    """A node that has none runs as before."""
    write(plain)
    await seal_store(plain)
    assert not at_rest(plain).encrypted


def test_a_new_node_with_a_key_never_writes_in_the_open(keyed: Settings, folder: Path) -> None:
    """A command that comes first makes a sealed database."""
    write(keyed)
    assert at_rest(keyed).encrypted
    assert all(KEY.key not in file.read_bytes() for file in folder.iterdir())


def test_a_key_on_the_same_disk_is_said(config: Path, keyed: Settings) -> None:
    """Such encryption guards a copy of the database, not the card."""
    write(keyed)
    document = status(config)
    found = document["at_rest"]
    assert isinstance(found, dict)
    assert (found["encrypted"], found["key_source"]) == (True, "key_file")
    assert "same disk" in found["told"]
    assert any("same disk" in str(problem) for problem in document["problems"])  # type: ignore[attr-defined]
    assert "at rest     encrypted" in run("status", "--config", str(config)).stdout


def test_a_credential_leaves_nothing_to_be_done(
    plain: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """systemd keeps it in memory, or it is gone, and then nobody can read the data."""
    (tmp_path / CREDENTIAL_NAME).write_text("a credential, long enough")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    write(plain)
    found = at_rest(plain)
    assert (found.encrypted, found.key_source, found.cure) == (True, "systemd_credential", "")
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    lost = at_rest(plain)
    assert (lost.encrypted, lost.key_source) == (True, "")
    assert "not at hand" in lost.told
    with pytest.raises(DatabaseUnusable, match="not at hand"), open_store(plain):
        pass


def test_a_key_file_that_is_away_is_told_by_both(keyed: Settings, key_file: Path) -> None:
    """doctor learns the state without the key; whoever needs it is refused with the reason."""
    write(keyed)
    key_file.unlink()
    found = at_rest(keyed)
    assert (found.encrypted, found.alarming) == (True, True)
    assert "cannot be read" in found.told
    with pytest.raises(BadConfig, match="cannot be read"):
        secret_of(keyed)


def test_the_key_is_changed_by_a_command(config: Path, keyed: Settings, tmp_path: Path) -> None:
    """The new file opens the data, the old one no longer; nothing is written anew."""
    write(keyed)
    other = tmp_path / "other.key"
    other.write_text("sáu từ rút bằng xúc xắc\n")
    assert run("seal", "change-key", str(other), "--config", str(config)).exit_code == 0
    with pytest.raises(DatabaseUnusable, match="another key"), open_store(keyed):
        pass
    path = keyed.state_dir() / "node.db"
    with open_node_store(path, other.read_bytes().strip()) as store:
        assert store.own_keys() == [KEY]


def test_encryption_is_removed_on_purpose_only(config: Path, keyed: Settings) -> None:
    """It asks; it is refused beside a node that runs; and the data are there afterwards."""
    write(keyed)
    path = keyed.state_dir() / "node.db"
    assert run("seal", "remove", "--config", str(config)).exit_code != 0
    assert at_rest(keyed).encrypted
    with lock_database(path):
        refused = CliRunner().invoke(cli, ["seal", "remove", "--yes", "--config", str(config)])
    assert "is using" in str(refused.exception)
    assert run("seal", "remove", "--yes", "--config", str(config)).exit_code == 0
    with open_node_store(path) as store:
        assert store.own_keys() == [KEY]


def test_whoever_lost_the_key_can_erase(keyed: Settings, plain: Settings, key_file: Path) -> None:
    """And begin anew."""
    write(keyed)
    key_file.unlink()
    erase_node(plain)
    with open_store(plain) as store:
        assert store.own_keys() == []


def test_commands_without_any_key_say_so(config: Path, folder: Path) -> None:
    """Removing and changing need one."""
    config.write_text(f'[node]\nstate_dir = "{folder}"\n')
    for words in (("remove", "--yes"), ("change-key", str(config))):
        with pytest.raises(BadConfig, match="there is no key"):
            run("seal", *words, "--config", str(config))
