"""The packages under test, built once by the command that a person types."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Both packages by name, for this machine."""
    out = tmp_path_factory.mktemp("dist")
    built = subprocess.run(
        [sys.executable, "deb/build.py", "--out", str(out)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    paths = [Path(line) for line in built.stdout.split()]
    return {path.name.split("_")[0]: path for path in paths}
