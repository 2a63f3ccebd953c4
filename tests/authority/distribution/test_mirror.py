"""The mirror: order, resuming, hostile indexes, and what is never shown."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import IO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bluezone_node.authority.distribution.mirror import MAX_LISTED, Mirror
from bluezone_node.authority.ports.shelf import ExportShelf
from bluezone_node.clock import SimClock
from bluezone_node.errors import BadExport, Unreachable
from bluezone_node.files import FolderExports
from bluezone_node.ports import KeySource
from bluezone_node.store.authority.shelf import FolderShelf
from tests.elsewhere import NOW, key_of
from tests.sources import OTHER_KEY, SIGNING_KEY, MemoryExports, at_once, signed_export

FILES = {
    f"exports/{n}.zip": signed_export([key_of(n)], end=NOW + timedelta(hours=n)) for n in range(5)
}


def source_of(*numbers: int) -> MemoryExports:
    return MemoryExports("laos", {f"exports/{n}.zip": FILES[f"exports/{n}.zip"] for n in numbers})


def mirror_of(source: KeySource, shelf: ExportShelf, *, verified: bool = True) -> Mirror:
    keys = [SIGNING_KEY.public_key()] if verified else None
    return Mirror(source, shelf, "exports", SimClock(NOW), public_keys=keys, in_thread=at_once)


def index_of(folder: Path) -> list[str]:
    return (folder / "index.txt").read_text().split()


def files_in(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*")} - {"index.txt"}


async def test_everything_is_copied_unchanged(tmp_path: Path) -> None:
    """Files and index are what the source has, byte for byte."""
    run = await mirror_of(source_of(0, 1, 2), FolderShelf(tmp_path)).run()
    assert (run.listed, run.fetched, run.removed, run.missing) == (3, 3, 0, ())
    assert index_of(tmp_path) == [f"exports/{n}.zip" for n in range(3)]
    for n in range(3):
        assert (tmp_path / f"{n}.zip").read_bytes() == FILES[f"exports/{n}.zip"]


async def test_a_source_with_nothing_on_offer_has_a_mirror_that_says_so(tmp_path: Path) -> None:
    """An empty index is an answer, none is a fault."""
    await mirror_of(source_of(), FolderShelf(tmp_path)).run()
    assert index_of(tmp_path) == []


async def test_only_what_is_new_is_fetched_and_what_left_is_removed(tmp_path: Path) -> None:
    """What somebody else put beside it stays."""
    shelf = FolderShelf(tmp_path)
    await mirror_of(source_of(0, 1), shelf).run()
    (tmp_path / "README").write_text("ours")
    (tmp_path / "orphan.zip").write_bytes(b"cut off before the index named it")
    source = source_of(1, 2)
    run = await mirror_of(source, shelf).run()
    assert (run.listed, run.fetched, run.removed, source.fetched) == (2, 1, 2, ["exports/2.zip"])
    assert files_in(tmp_path) == {"1.zip", "2.zip", "README"}
    written = (tmp_path / "index.txt").stat().st_mtime_ns
    await mirror_of(source, shelf).run()
    assert (tmp_path / "index.txt").stat().st_mtime_ns == written


class Cut:
    """A shelf that fails after so many writes, and looks at each what its reader would see."""

    def __init__(self, shelf: FolderShelf, folder: Path, writes: int) -> None:
        self._shelf, self._folder, self._writes = shelf, folder, writes
        self.files, self.read, self.remove = shelf.files, shelf.read, shelf.remove

    @contextmanager
    def writing(self, name: str) -> Iterator[IO[bytes]]:
        if self._writes == 0:
            raise OSError("the stick was pulled out")
        self._writes -= 1
        with self._shelf.writing(name) as file:
            yield file
        check(self._folder)


def check(folder: Path) -> None:
    """See that the index names only files that are there."""
    if (folder / "index.txt").exists():
        assert {line.rpartition("/")[2] for line in index_of(folder)} <= files_in(folder)


@pytest.mark.parametrize("writes", range(5))
async def test_wherever_it_is_cut_off_the_next_round_goes_on(tmp_path: Path, writes: int) -> None:
    """At no moment does the index name a file that is not there, and nothing is fetched twice."""
    shelf = FolderShelf(tmp_path)
    await mirror_of(source_of(0, 1), shelf).run()
    source = source_of(1, 2, 3, 4)
    with pytest.raises(OSError, match="stick") if writes < 4 else _nothing():
        await mirror_of(source, Cut(shelf, tmp_path, writes)).run()
    check(tmp_path)
    source.fetched = source.fetched[:writes]
    await mirror_of(source, Cut(shelf, tmp_path, 99)).run()
    assert source.fetched == [f"exports/{n}.zip" for n in (2, 3, 4)]
    assert index_of(tmp_path) == list(source.files)
    assert files_in(tmp_path) == {f"{n}.zip" for n in (1, 2, 3, 4)}


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (signed_export([key_of(9)], end=NOW, key=OTHER_KEY), "signature_bad"),
        (FILES["exports/1.zip"][:-9], "zip_truncated"),
        (BadExport(reason="oversized"), "oversized"),
        (Unreachable("HTTP status 410"), "unreachable"),
    ],
)
async def test_a_file_that_cannot_be_believed_is_left_out_and_tried_again(
    tmp_path: Path, bad: bytes | BadExport | Unreachable, reason: str
) -> None:
    """The others are on offer meanwhile, and it takes its place in the order afterwards."""
    source = source_of(0, 1, 2)
    source.files["exports/1.zip"] = bad
    run = await mirror_of(source, FolderShelf(tmp_path)).run()
    assert run.missing == (reason,)
    assert index_of(tmp_path) == ["exports/0.zip", "exports/2.zip"]
    assert files_in(tmp_path) == {"0.zip", "2.zip"}
    source.files["exports/1.zip"] = FILES["exports/1.zip"]
    assert (await mirror_of(source, FolderShelf(tmp_path)).run()).missing == ()
    assert index_of(tmp_path) == list(source.files)


async def test_unverified_copies_whatever_is_there(tmp_path: Path) -> None:
    """Whoever reads the mirror checks it: it is the original's signature that counts."""
    source = MemoryExports("laos", {"exports/a.zip": b"anything"})
    run = await mirror_of(source, FolderShelf(tmp_path), verified=False).run()
    assert (run.missing, (tmp_path / "a.zip").read_bytes()) == ((), b"anything")


async def test_a_lost_connection_ends_the_round_early(tmp_path: Path) -> None:
    """What came before is on offer."""
    source = source_of(0)
    source.files |= {f"exports/x{n}.zip": Unreachable("no answer") for n in range(20)}
    run = await mirror_of(source, FolderShelf(tmp_path)).run()
    assert (run.listed, run.missing, len(source.fetched)) == (1, ("unreachable",), 4)


@pytest.mark.parametrize(
    "line",
    [
        "../1.zip",
        "exports/../1.zip",
        "exports/..",
        "/etc/passwd",
        "https://elsewhere.example/1.zip",
        "exports/a/1.zip",
        "elsewhere/1.zip",
        "exports/.hidden.zip",
        ".partial-1",
        "exports/index.txt",
        "exports/-rf",
        "exports/a b.zip",
        "exports/" + "a" * 256,
        "1.zip",
    ],
)
async def test_an_index_that_leads_elsewhere_is_refused_whole(tmp_path: Path, line: str) -> None:
    """Nothing is written, not even what could be."""
    source = source_of(0, 1)
    source.files[line] = FILES["exports/2.zip"]
    folder = tmp_path / "exports"
    with pytest.raises(Unreachable):
        await mirror_of(source, FolderShelf(folder)).run()
    assert files_in(folder) == set()


async def test_an_index_of_impossible_length_is_refused(tmp_path: Path) -> None:
    """Before anything is fetched."""
    source = MemoryExports("laos", {f"exports/{n}.zip": b"" for n in range(MAX_LISTED + 1)})
    with pytest.raises(Unreachable, match="lines"):
        await mirror_of(source, FolderShelf(tmp_path)).run()
    assert source.fetched == []


async def test_an_older_index_does_not_take_back_what_is_here(tmp_path: Path) -> None:
    """A stick that was forgotten in a drawer; one that merely lost its oldest files may come."""
    shelf = FolderShelf(tmp_path)
    await mirror_of(source_of(1, 2, 3), shelf).run()
    with pytest.raises(Unreachable, match="older"):
        await mirror_of(source_of(0, 1, 2), shelf).run()
    assert index_of(tmp_path) == [f"exports/{n}.zip" for n in (1, 2, 3)]
    await mirror_of(source_of(3), shelf).run()
    assert index_of(tmp_path) == ["exports/3.zip"]
    await mirror_of(source_of(4), shelf).run()
    assert index_of(tmp_path) == ["exports/4.zip"]


async def test_a_mirror_can_be_mirrored_from_a_stick(tmp_path: Path) -> None:
    """Whatever the folder is called there."""
    await mirror_of(source_of(0, 1), FolderShelf(tmp_path / "stick")).run()
    source = FolderExports("the stick", tmp_path / "stick")
    await mirror_of(source, FolderShelf(tmp_path / "exports")).run()
    assert index_of(tmp_path / "exports") == index_of(tmp_path / "stick")
    assert files_in(tmp_path / "exports") == {"0.zip", "1.zip"}


# Fewer than elsewhere: each example writes to a disk, and waits for it.
@settings(max_examples=25)
@given(listed=st.lists(st.lists(st.integers(0, 4), unique=True).map(sorted), max_size=5))
async def test_the_mirror_ends_as_its_source_is(
    tmp_path_factory: pytest.TempPathFactory, listed: list[list[int]]
) -> None:
    """Whatever the index said before, unless it went back."""
    folder = tmp_path_factory.mktemp("mirror")
    shelf = FolderShelf(folder)
    for numbers in listed:
        before = index_of(folder) if (folder / "index.txt").exists() else []
        wanted = [f"exports/{n}.zip" for n in numbers]
        back = before and wanted and wanted[-1] in before and before[-1] not in wanted
        try:
            await mirror_of(source_of(*numbers), shelf).run()
        except Unreachable:
            assert back
            assert index_of(folder) == before
        else:
            assert not back
            assert files_in(folder) == {f"{n}.zip" for n in numbers}
        check(folder)
