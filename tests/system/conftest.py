"""What a newcomer runs first, for all who look at what it left."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import STORY_PATIENCE


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a demo in which both stories were told to their end."""
    folder = tmp_path_factory.mktemp("demo")
    done = subprocess.run(
        [sys.executable, "-m", "bluezone_node", "demo", "--dir", str(folder)],
        capture_output=True,
        text=True,
        timeout=STORY_PATIENCE,
        check=False,
    )
    (folder / "story.txt").write_text(done.stdout + done.stderr)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder
