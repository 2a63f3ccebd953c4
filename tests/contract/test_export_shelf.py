"""What a shelf of export files promises, wherever the files lie."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bluezone_node.authority.ports.shelf import ExportShelf
from bluezone_node.store.authority.bucket import BucketShelf
from bluezone_node.store.authority.shelf import FolderShelf
from tests.authorities import MemoryShelf

if TYPE_CHECKING:
    from tests.storage import Storage


@pytest.fixture(params=["memory", "folder", "bucket"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> ExportShelf:
    if request.param == "memory":
        return MemoryShelf()
    if request.param == "folder":
        return FolderShelf(tmp_path / "exports")
    storage: Storage = request.getfixturevalue("storage")
    return BucketShelf(storage.bucket(), "exports")


def put(shelf: ExportShelf, name: str, data: bytes) -> None:
    with shelf.writing(name) as file:
        file.write(data)


def test_a_file_is_put_read_replaced_and_removed(shelf: ExportShelf) -> None:
    """A shelf holds what was put last; removing twice is no error."""
    assert shelf.read("1-2-00001.zip") is None
    put(shelf, "1-2-00001.zip", b"one")
    put(shelf, "1-2-00001.zip", b"second")
    put(shelf, "index.txt", b"exports/1-2-00001.zip\n")
    assert shelf.read("1-2-00001.zip") == b"second"
    assert shelf.files() == {"1-2-00001.zip": 6}
    shelf.remove("1-2-00001.zip")
    shelf.remove("1-2-00001.zip")
    assert shelf.files() == {}
    assert shelf.read("index.txt") == b"exports/1-2-00001.zip\n"


def test_a_file_that_was_not_finished_is_not_there(shelf: ExportShelf) -> None:
    """Nor does it take the place of the one that was."""
    put(shelf, "1-2-00001.zip", b"old")

    def fail_at(name: str) -> None:
        with shelf.writing(name) as file:
            file.write(b"new")
            raise RuntimeError("half")

    for name in ("1-2-00001.zip", "1-2-00002.zip"):
        with pytest.raises(RuntimeError, match="half"):
            fail_at(name)
    assert shelf.files() == {"1-2-00001.zip": 3}
    assert shelf.read("1-2-00001.zip") == b"old"


def test_a_file_being_written_can_seek(shelf: ExportShelf) -> None:
    """A zip says at its beginning how long it became."""
    with shelf.writing("1-2-00001.zip") as file:
        file.write(b"????-end")
        file.seek(0)
        file.write(b"head")
    assert shelf.read("1-2-00001.zip") == b"head-end"


def test_a_file_half_written_is_swept_away(tmp_path: Path) -> None:
    """What a killed process left behind is neither listed nor kept."""
    folder = tmp_path / "exports"
    FolderShelf(folder)
    (folder / ".partial-1-2-00001.zip").write_bytes(b"half")
    assert FolderShelf(folder).files() == {}
    assert list(folder.iterdir()) == []
