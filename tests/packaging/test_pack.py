"""The same files make the same package, whenever and wherever it is built."""

import os
import shutil
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "deb"))
from package import pack, write_control

TEMPLATE = """\
Package: p
Version: {version}
Architecture: all
Maintainer: m <m@example.org>
Installed-Size: {size}
Description: p
"""


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is not installed")
def test_neither_time_nor_umask_nor_order_gets_into_a_package(tmp_path: Path) -> None:
    """Files made in another order, at another time, with other rights give the same bytes."""
    templates = tmp_path / "templates"
    templates.mkdir()
    (templates / "control").write_text(TEMPLATE)
    (templates / "conffiles").write_text("")
    made = []
    for attempt, names in enumerate((("a", "b"), ("b", "a"))):
        root = tmp_path / f"root{attempt}"
        before = os.umask(0o022 if attempt else 0o077)
        try:
            (root / "usr/share").mkdir(parents=True)
            for name in names:
                (root / "usr/share" / name).write_text(name)
                os.utime(root / "usr/share" / name, (attempt, attempt))
            write_control(templates, root, {"version": "1"})
            pack(root, tmp_path / f"{attempt}.deb", epoch=1_700_000_000)
        finally:
            os.umask(before)
        made.append((tmp_path / f"{attempt}.deb").read_bytes())
    assert made[0] == made[1]
