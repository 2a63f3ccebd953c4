"""Where a demo is told: in a folder of its own, or not at all."""

from pathlib import Path

import pytest

from bluezone_node.commands.demo import LONGEST_FOLDER
from tests.commands.conftest import Run


@pytest.mark.parametrize("story", ["proximity", "market", "all"])
def test_a_folder_that_holds_something_is_refused(program: Run, tmp_path: Path, story: str) -> None:
    """In words, before any process is started; what is there stays as it is."""
    kept = tmp_path / "authority.toml"
    kept.write_text("an earlier demo's")
    status, out, told = program("demo", "--story", story, "--dir", tmp_path)
    assert status == 1
    assert out == ""
    assert "is not empty, and a demo begins from nothing" in told
    assert "delete it" in told
    assert [*tmp_path.iterdir()] == [kept]


def test_a_folder_that_is_too_deep_is_refused(program: Run, tmp_path: Path) -> None:
    """Its sockets could not be opened: said at once, and nothing is made."""
    deep = tmp_path / ("x" * LONGEST_FOLDER)
    status, _, told = program("demo", "--dir", deep)
    assert status == 1
    assert "too long a path" in told
    assert not deep.exists()


def test_a_folder_that_cannot_be_made_is_refused(program: Run) -> None:
    """A file stands in its way."""
    status, _, told = program("demo", "--dir", "/dev/null/demo")
    assert status == 1
    assert "Not a directory" in told
