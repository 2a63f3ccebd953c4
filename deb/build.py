"""Builds the Debian packages: ``make deb``, or ``python deb/build.py --help``.

Two packages (docs/adr/0013-debian-package.md): ``bluezone-node`` holds the program with a node's
libraries, a kiosk's too, and their services; ``bluezone-authority`` adds the server's libraries
and service.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from email.parser import HeaderParser
from pathlib import Path

import package
from program import (
    GLIBC,
    HOME,
    MACHINES,
    ROOT,
    Target,
    compile_all,
    install,
    own_wheel,
    write_environment,
)

HERE = Path(__file__).resolve().parent
UNITS = {
    "bluezone-node": (
        "bluezone-node.service",
        "bluezone-node-recover.service",
        "bluezone-kiosk.service",
        "bluezone-kiosk-renewed.path",
        "bluezone-kiosk-renewed.service",
    ),
    "bluezone-authority": (
        "bluezone-authority.service",
        "bluezone-authority.socket",
        "bluezone-authority-backup.service",
        "bluezone-authority-backup.timer",
    ),
}
# The larger holds all of the smaller, of which it is then relieved.
EXTRAS = {"bluezone-node": "kiosk", "bluezone-authority": "kiosk,authority,postgres,s3"}
MAINTAINER = "bluezone-node maintainers <maintainers@bluezone-node.invalid>"


def main() -> None:
    """Build both packages; print their paths."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="folder of the packages")
    parser.add_argument(
        "--arch", choices=sorted(MACHINES), default=_here(), help="architecture they are for"
    )
    parser.add_argument(
        "--python", default="3.11", help="Python of the release they are for (3.11: Debian 12)"
    )
    chosen = parser.parse_args()
    target = Target(chosen.arch, chosen.python)
    if shutil.which(f"python{target.python}") is None:
        sys.exit(
            f"error: python{target.python} is needed to compile for it\n"
            f"hint: build on the Debian release that has it, or name another with --python"
        )
    epoch = _epoch()
    # Our own wheel's time stamps follow it as well.
    os.environ["SOURCE_DATE_EPOCH"] = str(epoch)
    with tempfile.TemporaryDirectory(prefix="bluezone-deb-") as name:
        work = Path(name)
        wheel = own_wheel(work)
        node, authority = work / "bluezone-node", work / "bluezone-authority"
        for root in (node, authority):
            root.mkdir()
            install(wheel, EXTRAS[root.name], target, root)
        _drop_common(authority, node)
        for root in (node, authority):
            compile_all(target, root)
        write_environment(target, node)
        _add_node_files(node)
        for root in (node, authority):
            print(_finish(root, target, chosen.out, epoch))


def _drop_common(larger: Path, smaller: Path) -> None:
    """Remove from *larger* what *smaller* brings: dpkg lets a file belong to one package only."""
    for path in smaller.rglob("*"):
        if not path.is_dir():
            (larger / path.relative_to(smaller)).unlink()
    for path in sorted(larger.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def _add_node_files(root: Path) -> None:
    (root / "usr/bin").mkdir(parents=True)
    (root / "usr/bin/bluezone-node").symlink_to(HOME / "bin/bluezone-node")
    templates = HERE / root.name
    package.install(templates / "config.toml", root / "etc/bluezone-node/config.toml")
    package.install(templates / "recover", root / "usr/lib/bluezone-node/recover", 0o755)


def _finish(root: Path, target: Target, out: Path, epoch: int) -> Path:
    """Add what both packages have, and pack them."""
    for unit in UNITS[root.name]:
        package.install(ROOT / "systemd" / unit, root / "usr/lib/systemd/system" / unit)
    for kind in ("sysusers", "tmpfiles"):
        source = ROOT / "systemd" / f"{root.name}.{kind}.conf"
        package.install(source, root / f"usr/lib/{kind}.d" / f"{root.name}.conf")
    values = {
        "version": _version(),
        "architecture": target.architecture,
        "python": f"python{target.python}",
        "glibc": GLIBC,
        "maintainer": _maintainer(),
    }
    documents = [ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
    package.write_documents(
        root.name, root, documents if root.name == "bluezone-node" else [], values, epoch
    )
    _write_copyright(root)
    package.install(HERE / "lintian-overrides", root / "usr/share/lintian/overrides" / root.name)
    package.write_control(HERE / root.name, root, values)
    path = out / f"{root.name}_{values['version']}_{target.architecture}.deb"
    package.pack(root, path, epoch)
    return path


def _write_copyright(root: Path) -> None:
    """Say whose work the package holds; the texts of the licences lie beside each library."""
    lines = [
        "bluezone-node: Copyright its contributors, named in the history of its repository.",
        "Licensed under the Apache License 2.0, which on Debian systems is in",
        "/usr/share/common-licenses/Apache-2.0.",
        "",
        "It comes with these libraries. Their licences lie in *.dist-info below",
        f"{HOME}/lib.",
        "",
    ]
    for metadata in sorted(root.rglob("*.dist-info/METADATA")):
        about = HeaderParser().parsestr(metadata.read_text(encoding="utf-8"))
        licence = about["License-Expression"] or about["License"] or "see its METADATA"
        lines.append(f"{about['Name']} {about['Version']}: {licence.splitlines()[0]}")
    path = root / "usr/share/doc" / root.name / "copyright"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _version() -> str:
    version: str = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    return version


def _maintainer() -> str:
    """Return whom users write to, as Debian's own tools are told it."""
    if "DEBEMAIL" not in os.environ:
        return MAINTAINER
    return f"{os.environ.get('DEBFULLNAME', 'bluezone-node')} <{os.environ['DEBEMAIL']}>"


def _epoch() -> int:
    """Return the time that all files get: of the last commit, so that two builds agree."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(given)
    committed = subprocess.run(
        ["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if committed.returncode == 0:
        return int(committed.stdout)
    return int((ROOT / "CHANGELOG.md").stat().st_mtime)


def _here() -> str:
    return subprocess.run(
        ["dpkg", "--print-architecture"], capture_output=True, text=True, check=True
    ).stdout.strip()


if __name__ == "__main__":
    main()
