"""A file for its owner alone: whole or not at all, and never in another's place unasked."""

from pathlib import Path

import pytest

from bluezone_node.commands.private_file import write_private
from bluezone_node.errors import BadInput


@pytest.mark.parametrize("replace", [False, True])
def test_it_is_written_for_its_owner(tmp_path: Path, replace: bool) -> None:
    """The file holds all of it, and nobody else may read it."""
    path = tmp_path / "a.svg"
    write_private(b"<svg/>", path, replace)
    assert path.read_bytes() == b"<svg/>"
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_is_there_stays_unless_told_otherwise(tmp_path: Path) -> None:
    """An existing file is refused, and replaced only where that was asked for."""
    path = tmp_path / "a.svg"
    path.write_bytes(b"mine")
    path.chmod(0o644)
    with pytest.raises(BadInput, match="not overwritten") as refused:
        write_private(b"<svg/>", path, replace=False)
    assert refused.value.reason == "exists"
    assert path.read_bytes() == b"mine"
    write_private(b"<svg/>", path, replace=True)
    assert path.read_bytes() == b"<svg/>"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_device_is_never_replaced(tmp_path: Path) -> None:
    """Only an ordinary file gives way, whoever asks."""
    with pytest.raises(BadInput, match="not overwritten"):
        write_private(b"<svg/>", Path("/dev/null"), replace=True)
    link = tmp_path / "link"
    link.symlink_to("/dev/null")
    with pytest.raises(BadInput, match="not overwritten"):
        write_private(b"<svg/>", link, replace=True)


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    """No folder is made, and the sentence names the file."""
    with pytest.raises(BadInput, match="cannot be written: No such file or directory") as refused:
        write_private(b"<svg/>", tmp_path / "none" / "a.svg", replace=False)
    assert refused.value.reason == "unwritable"


@pytest.mark.parametrize("replace", [False, True])
def test_a_full_disk_leaves_nothing_behind(
    tmp_path: Path, replace: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What could not be written whole is taken away, and what was there before stays."""
    path = tmp_path / "a.svg"
    if replace:
        path.write_bytes(b"mine")
    import resource
    import signal

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(BadInput, match="cannot be written") as refused:
            write_private(b"x" * 200, path, replace)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert refused.value.reason == "unwritable"
    assert [file.read_bytes() for file in tmp_path.iterdir()] == ([b"mine"] if replace else [])
