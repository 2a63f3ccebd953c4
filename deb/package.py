"""A folder of files, made a Debian package: the same input gives the same bytes."""

import gzip
import hashlib
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

SCRIPTS = ("preinst", "postinst", "prerm", "postrm")


def write_control(templates: Path, root: Path, values: Mapping[str, str]) -> None:
    """Fill *templates* into ``DEBIAN`` of *root*, which must hold all its files already."""
    files = list(_files(root))
    control = root / "DEBIAN"
    control.mkdir(mode=0o755)
    kibibytes = sum(-(-path.lstat().st_size // 1024) for path in files)
    text = (templates / "control").read_text(encoding="utf-8")
    (control / "control").write_text(
        text.format_map({**values, "size": str(kibibytes)}), encoding="utf-8"
    )
    if conffiles := (templates / "conffiles").read_text(encoding="utf-8"):
        (control / "conffiles").write_text(conffiles, encoding="utf-8")
    sums = (
        f"{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}"
        f"  {path.relative_to(root)}\n"
        for path in files
        if not path.is_symlink()
    )
    (control / "md5sums").write_text("".join(sums), encoding="utf-8")
    for name in SCRIPTS:
        if (script := templates / name).exists():
            install(script, control / name, 0o755)


def write_documents(
    package: str, root: Path, documents: list[Path], values: Mapping[str, str], epoch: int
) -> None:
    """Write what Debian wants to be told: changes, rights, and the manual."""
    folder = root / "usr/share/doc" / package
    stamp = subprocess.run(
        ["date", "--utc", "--rfc-email", f"--date=@{epoch}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    entry = (
        f"{package} ({values['version']}) stable; urgency=medium\n\n"
        f"  * What changed stands in CHANGELOG.md.\n\n -- {values['maintainer']}  {stamp}\n"
    )
    folder.mkdir(parents=True)
    (folder / "changelog.gz").write_bytes(gzip.compress(entry.encode(), mtime=0))
    for document in documents:
        install(document, folder / document.name)


def install(source: Path, destination: Path, mode: int = 0o644) -> None:
    """Copy *source* to *destination*, making the folders above it."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    destination.write_bytes(source.read_bytes())
    destination.chmod(mode)


def pack(root: Path, package: Path, epoch: int) -> None:
    """Write *root*, which has its ``DEBIAN``, as the file *package*."""
    for path in [root, *root.rglob("*")]:
        if not path.is_symlink():
            executable = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if executable else 0o644)
        os.utime(path, (epoch, epoch), follow_symlinks=False)
    package.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        # Twenty times as fast as xz for a fifth more bytes, to a Raspberry Pi that unpacks it too.
        # One thread: how it cuts its blocks must not follow from the number of processors.
        [
            *("dpkg-deb", "--root-owner-group", "-Zzstd", "-z9", "--threads-max=1"),
            *("--build", root, package),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "SOURCE_DATE_EPOCH": str(epoch)},
    )


def _files(root: Path) -> Iterator[Path]:
    return (path for path in sorted(root.rglob("*")) if path.is_symlink() or path.is_file())
