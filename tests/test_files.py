"""Exports brought by hand."""

from pathlib import Path

import pytest

from bluezone_node.errors import BadInput
from bluezone_node.files import LARGEST_FILE, FileExports


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
