"""The packages under test, and a clean Debian for them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.packaging.debian import Root, clean_root
from tests.vm.packages import Unavailable, may_install

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Both packages by name, for this machine, built once by the command that a person types."""
    out = tmp_path_factory.mktemp("dist")
    built = subprocess.run(
        [sys.executable, "deb/build.py", "--out", str(out)],
        cwd=ROOT,
        # It fetches libraries, and believes those whom this machine believes.
        env={name: value for name, value in os.environ.items() if name != "SSL_CERT_FILE"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    paths = [Path(line) for line in built.stdout.split()]
    return {path.name.split("_")[0]: path for path in paths}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Root]:
    """A clean Debian, which each module changes as it likes."""
    folder = tmp_path_factory.mktemp("debian")
    try:
        root = clean_root(folder / "root")
    except Unavailable as reason:
        # A build server that could have had it must not pass without.
        if os.environ.get("CI") == "true" and may_install():
            raise
        pytest.skip(str(reason))
    yield root
    shutil.rmtree(root.path)
