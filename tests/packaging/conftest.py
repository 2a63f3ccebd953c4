"""The packages under test, and a clean Debian for them."""

import hashlib
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


MADE_OF = ("bluezone_node", "deb", "docs", "systemd", "*.md", "*.toml", "LICENSE", "*.txt")
"""Of this repository; the libraries are in constraints.txt, one of the last."""


@pytest.fixture(scope="session")
def packages(request: pytest.FixtureRequest) -> dict[str, Path]:
    """Both packages by name, for this machine, built by the command that a person types.

    They are kept for the next run (the machines' run follows upon the others', and building takes
    half a minute), for as long as nothing changes that they are made of.
    """
    assert request.config.cache is not None
    kept = request.config.cache.mkdir("packages") / _digest_of_sources()
    if not kept.is_dir():
        _build(kept)
    return {path.name.split("_")[0]: path for path in kept.glob("*.deb")}


def _digest_of_sources() -> str:
    digest = hashlib.sha256(sys.version.encode())
    for pattern in MADE_OF:
        for top in sorted(ROOT.glob(pattern)):
            for path in [top] if top.is_file() else sorted(top.rglob("*")):
                if path.is_file() and "__pycache__" not in path.parts:
                    digest.update(f"{path.relative_to(ROOT)}\0{path.stat().st_mode}\0".encode())
                    digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _build(kept: Path) -> None:
    shutil.rmtree(kept.parent)
    out = kept.with_suffix(".new")
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
    assert {Path(line).parent for line in built.stdout.split()} == {out}
    # In one step, so that what is there is whole.
    out.rename(kept)


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
