"""Where the key of the data at rest is found, and what is refused as one."""

import os
from pathlib import Path

import pytest

from bluezone_node.errors import BadConfig, BadInput
from bluezone_node.masterkey import (
    CREDENTIAL_NAME,
    KeySourceKind,
    find_master_key,
    make_key_file,
    on_one_disk,
    read_secret,
)

PASSPHRASE = "mật khẩu đủ dài để dùng"
NOWHERE = Path("/nonexistent")


@pytest.fixture
def credentials(tmp_path: Path) -> Path:
    """A folder as systemd fills it for a service."""
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / CREDENTIAL_NAME).write_text("of the credential: long enough\n")
    return folder


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_text(f"{PASSPHRASE}\n")
    return path


def test_no_source_is_no_key() -> None:
    """Then nothing is encrypted, and nobody fails for it."""
    assert find_master_key("", {}, NOWHERE) is None


def test_the_credential_of_the_process_is_found(credentials: Path) -> None:
    """systemd says where in $CREDENTIALS_DIRECTORY."""
    key = find_master_key("", {"CREDENTIALS_DIRECTORY": str(credentials)}, NOWHERE)
    assert key is not None
    assert key.kind is KeySourceKind.CREDENTIAL
    assert key.secret == b"of the credential: long enough"


def test_a_command_finds_what_the_running_service_has(credentials: Path) -> None:
    """It has no credential of its own, and reads the service's where systemd keeps it."""
    inside = find_master_key("", {"CREDENTIALS_DIRECTORY": str(credentials)}, NOWHERE)
    beside = find_master_key("", {}, credentials)
    assert inside == beside


def test_a_key_file_comes_first_for_service_and_command_alike(
    credentials: Path, key_file: Path
) -> None:
    """What is set explicitly is taken by both, or they would not find the same."""
    inside = find_master_key(str(key_file), {"CREDENTIALS_DIRECTORY": str(credentials)}, NOWHERE)
    beside = find_master_key(str(key_file), {}, credentials)
    assert inside is not None
    assert inside.kind is KeySourceKind.KEY_FILE
    assert inside.secret == PASSPHRASE.encode()
    assert inside == beside


def test_other_credentials_are_not_ours(tmp_path: Path) -> None:
    """A process may have credentials for something else."""
    (tmp_path / "tls.key").write_text("x" * 40)
    assert find_master_key("", {"CREDENTIALS_DIRECTORY": str(tmp_path)}, NOWHERE) is None


def test_a_key_that_was_named_is_never_passed_over(tmp_path: Path, credentials: Path) -> None:
    """A stick that is not plugged in must not leave the data unencrypted."""
    with pytest.raises(BadConfig, match="cannot be read: No such file") as missing:
        find_master_key(str(tmp_path / "stick" / "key"), {}, credentials)
    assert "attach" in missing.value.hint


@pytest.mark.parametrize("content", [b"", b"  \n", b"short", b"fifteen bytes..", b"x" * 5000])
def test_what_is_no_key_is_refused(tmp_path: Path, content: bytes) -> None:
    """Too little to hold against a thief with time, or a file that is something else."""
    path = tmp_path / "key"
    path.write_bytes(content)
    with pytest.raises(BadConfig, match="holds no key"):
        read_secret(path)


def test_an_endless_file_has_an_end() -> None:
    """/dev/zero is read no further than a key is long."""
    with pytest.raises(BadConfig, match="/dev/zero holds no key"):
        read_secret(Path("/dev/zero"))


def test_a_folder_is_no_key(tmp_path: Path) -> None:
    """One sentence, as for everything else that cannot be read."""
    with pytest.raises(BadConfig, match="cannot be read"):
        read_secret(tmp_path)


def test_the_secret_is_not_printed(key_file: Path) -> None:
    """Neither by repr nor by an error."""
    key = find_master_key(str(key_file), {}, NOWHERE)
    assert PASSPHRASE not in repr(key)
    assert "secret=" not in repr(key)


def test_a_key_file_is_made_for_its_owner_and_once(tmp_path: Path) -> None:
    """0600 whatever the umask, one line of text, and nothing is overwritten."""
    path = tmp_path / "key"
    umask = os.umask(0)
    try:
        make_key_file(path, os.urandom)
    finally:
        os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.read_bytes()
    assert len(read_secret(path)) == len(before) - 1
    with pytest.raises(BadInput, match="not overwritten"):
        make_key_file(path, os.urandom)
    assert path.read_bytes() == before
    with pytest.raises(BadInput, match="cannot be written"):
        make_key_file(tmp_path / "nowhere" / "key", os.urandom)


def test_one_disk_is_told_from_two(tmp_path: Path) -> None:
    """Two files of a folder lie on one; memory is none."""
    (tmp_path / "a").touch()
    (tmp_path / "b").touch()
    assert on_one_disk(tmp_path / "a", tmp_path / "b")
    assert not on_one_disk(tmp_path / "a", Path("/proc/version"))
