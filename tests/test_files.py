"""Exports brought by hand."""

from pathlib import Path

import pytest

from bluezone_node.errors import BadExport, BadInput, Unreachable
from bluezone_node.files import LARGEST_FILE, LARGEST_INDEX, FileExports, FolderExports


async def test_files_come_in_the_order_they_were_named(tmp_path: Path) -> None:
    """Each with its content, under its own name."""
    first, second = tmp_path / "b.zip", tmp_path / "a.zip"
    first.write_bytes(b"one")
    second.write_bytes(b"two")
    exports = FileExports("file", [first, second])
    names = await exports.index()

    assert [name.partition("#")[0] for name in names] == ["b.zip", "a.zip"]
    assert [await exports.fetch(name) for name in names] == [b"one", b"two"]


async def test_another_content_under_the_same_file_name_is_another_export(tmp_path: Path) -> None:
    """Tomorrow's stick may hold another export.zip: it must not pass for matched."""
    path = tmp_path / "export.zip"
    path.write_bytes(b"monday")
    (monday,) = await FileExports("file", [path]).index()
    path.write_bytes(b"tuesday")
    (tuesday,) = await FileExports("file", [path]).index()
    path.write_bytes(b"monday")

    assert monday != tuesday
    assert await FileExports("file", [path]).index() == [monday]


async def test_what_cannot_be_an_export_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """A film on the stick does not fill the memory; a missing file is named."""
    film = tmp_path / "film.mkv"
    with film.open("wb") as file:
        file.truncate(LARGEST_FILE + 1)
    with pytest.raises(BadInput) as large:
        await FileExports("file", [film]).index()
    with pytest.raises(BadInput) as missing:
        await FileExports("file", [tmp_path / "gone.zip"]).index()

    assert large.value.reason == "oversized"
    assert str(tmp_path / "gone.zip") in str(missing.value)


async def test_a_folder_is_read_by_its_index(tmp_path: Path) -> None:
    """The files lie beside it, whatever folder their lines name."""
    (tmp_path / "index.txt").write_text("exports/1.zip\n2.zip\n")
    (tmp_path / "1.zip").write_bytes(b"one")
    exports = FolderExports("stick", tmp_path)
    assert await exports.index() == ["exports/1.zip", "2.zip"]
    assert await exports.fetch("exports/1.zip") == b"one"
    with pytest.raises(Unreachable):
        await exports.fetch("2.zip")


async def test_nothing_beside_the_folder_is_read(tmp_path: Path) -> None:
    """Neither by a name nor by a link; a file that is too large is not read either."""
    folder = tmp_path / "stick"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(b"secret")
    (folder / "link.zip").symlink_to(tmp_path / "secret")
    exports = FolderExports("stick", folder)
    for name in ("../secret", "exports/..", "..", "/", str(tmp_path / "secret"), "link.zip"):
        with pytest.raises(Unreachable):
            await exports.fetch(name)
    with (folder / "big.zip").open("wb") as file:
        file.truncate(LARGEST_FILE + 1)
    with pytest.raises(BadExport) as refused:
        await exports.fetch("big.zip")
    assert refused.value.reason == "oversized"


@pytest.mark.parametrize("body", [None, b"\xff\xfe", b"a" * (LARGEST_INDEX + 1)])
async def test_a_folder_without_an_index_is_none(tmp_path: Path, body: bytes | None) -> None:
    """Missing, not text, or too large to be one."""
    if body is not None:
        (tmp_path / "index.txt").write_bytes(body)
    with pytest.raises(Unreachable, match=r"index\.txt"):
        await FolderExports("stick", tmp_path).index()


async def test_what_has_no_end_does_not_fill_the_memory(tmp_path: Path) -> None:
    """An index that is a link to a device."""
    (tmp_path / "index.txt").symlink_to("/dev/zero")
    with pytest.raises(Unreachable):
        await FolderExports("stick", tmp_path).index()
