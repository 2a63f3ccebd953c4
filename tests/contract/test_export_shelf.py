"""What a shelf of export files promises, wherever the files lie."""

from pathlib import Path

import pytest

from bluezone_node.authority.ports.shelf import ExportShelf
from bluezone_node.store.authority.shelf import FolderShelf
from tests.authorities import MemoryShelf


@pytest.fixture(params=["memory", "folder"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> ExportShelf:
    return MemoryShelf() if request.param == "memory" else FolderShelf(tmp_path / "exports")


def test_a_file_is_put_read_replaced_and_removed(shelf: ExportShelf) -> None:
    """A shelf holds what was put last; removing twice is no error."""
    assert shelf.read("1-2-00001.zip") is None
    shelf.put("1-2-00001.zip", b"one")
    shelf.put("1-2-00001.zip", b"two")
    shelf.put("index.txt", b"exports/1-2-00001.zip\n")
    assert shelf.read("1-2-00001.zip") == b"two"
    assert shelf.names() == {"1-2-00001.zip"}
    shelf.remove("1-2-00001.zip")
    shelf.remove("1-2-00001.zip")
    assert shelf.names() == set()


def test_a_file_half_written_is_swept_away(tmp_path: Path) -> None:
    """What a killed process left behind is neither listed nor kept."""
    folder = tmp_path / "exports"
    FolderShelf(folder)
    (folder / ".partial-1-2-00001.zip").write_bytes(b"half")
    assert FolderShelf(folder).names() == set()
    assert list(folder.iterdir()) == []
