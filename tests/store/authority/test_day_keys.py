"""The keys of days in their folder, made by several at once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bluezone_node.store.authority.day_keys import FOLDER, FolderDayKeys


def test_of_several_that_make_a_key_one_counts_for_all(tmp_path: Path) -> None:
    """A key that one has published is never replaced by another's, and nothing else is left."""

    def make(_: int) -> list[bytes]:
        keys = FolderDayKeys(tmp_path)
        for day in range(100, 115):
            keys.make(day)
        return [keys.public()[day] for day in range(100, 115)]

    with ThreadPoolExecutor(8) as threads:
        seen = list(threads.map(make, range(8)))

    assert all(each == seen[0] for each in seen)
    names = sorted(path.name for path in (tmp_path / FOLDER).iterdir())
    assert names == [f"{day}.key" for day in range(100, 115)]
