"""What a newcomer runs first, for all who look at what it left."""

import subprocess
import sys
from pathlib import Path

import pytest

LONGEST = 300.0
"""Seconds until the stories are given up; they take a minute on a machine of their own."""


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a demo in which both stories were told to their end."""
    folder = tmp_path_factory.mktemp("demo")
    done = subprocess.run(
        [sys.executable, "-m", "bluezone_node", "demo", "--dir", str(folder)],
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )
    (folder / "story.txt").write_text(done.stdout + done.stderr)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder
