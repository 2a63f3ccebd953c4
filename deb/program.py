"""The program as it lies in /opt: a virtual environment made of pinned wheels, ready to run.

Nothing is built for its place and moved afterwards: a virtual environment is three files besides
its packages, and they are written with the paths that they will have.  So a package for another
architecture is made of that architecture's wheels, on any machine.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HOME = Path("/opt/bluezone-node")

GLIBC = "2.28"
"""The oldest C library for which wheels are taken; newest that the packages ask for (numpy)."""
OLDEST_GLIBC_MINOR = 17
"""manylinux2014, the oldest name in use."""

MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
"""Debian's name → the wheels'. Others have no ready-made wheels of all packages."""

SOURCES = ("bluezone_node", "pyproject.toml", "README.md", "LICENSE")
"""What our own wheel is made of, copied first: a build folder left in a clone goes into it else."""

UNNEEDED = (
    # sqlite-utils asks for pip, for a command of its own that installs plug-ins.
    *("pip", "pip-*.dist-info", "bin"),
    *("numpy/f2py", "numpy/_core/include", "numpy/_core/lib", "numpy/random/lib"),
    *("sqlalchemy/testing", "**/tests", "**/*.pyi", "**/*.pxd", "**/*.pyx", "**/__pycache__"),
    # What machine code was made of, and a decoder of pictures that no camera here sends.
    *("fontTools/**/*.c", "PIL/_avif.*", "pillow.libs/libavif*"),
    # Ways of writing dates and numbers of all the world; the console has Vietnamese and English.
    *(f"babel/locale-data/{name}.dat" for name in ("[!erv]*", "e[!n]*", "en_*", "r[!o]*")),
    *(f"babel/locale-data/{name}.dat" for name in ("ro[!o]*", "v[!i]*", "vi_*")),
    # pip's notes about an installation that dpkg looks after; they hold paths of this machine.
    *(f"*.dist-info/{name}" for name in ("RECORD", "INSTALLER", "REQUESTED", "WHEEL")),
    "*.dist-info/direct_url.json",
)
"""Patterns of what no program at run time reads: a third of the size."""


@dataclass(frozen=True, slots=True)
class Target:
    """The machine that the package is for."""

    architecture: str
    """Debian's name."""
    python: str
    """Its Python, ``3.11``: of the very minor version, or no package with machine code loads."""

    @property
    def site_packages(self) -> Path:
        return HOME / "lib" / f"python{self.python}" / "site-packages"

    @property
    def platforms(self) -> list[str]:
        machine = MACHINES[self.architecture]
        newest = int(GLIBC.split(".")[1])
        minors = range(newest, OLDEST_GLIBC_MINOR - 1, -1)
        return [*(f"manylinux_2_{minor}_{machine}" for minor in minors), f"manylinux2014_{machine}"]


def own_wheel(work: Path) -> Path:
    """Build our own package from this clone; return the wheel."""
    clean = work / "source"
    clean.mkdir()
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, clean / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, clean)
    _pip("wheel", "--no-deps", "--wheel-dir", str(work), str(clean))
    return next(work.glob("*.whl"))


def install(wheel: Path, extra: str, target: Target, root: Path) -> None:
    """Lay the packages of *wheel* with its *extra* below *root*, where the target has them."""
    packages = root / target.site_packages.relative_to("/")
    _pip(
        *("install", "--no-compile", "--only-binary=:all:", "--target", str(packages)),
        *("--python-version", target.python, "--implementation", "cp"),
        *(f"--platform={platform}" for platform in target.platforms),
        *("--constraint", str(ROOT / "constraints.txt")),
        f"{wheel}[{extra}]" if extra else str(wheel),
    )
    for path in sorted(_matching(packages, UNNEEDED)):
        if path.is_dir():
            shutil.rmtree(path)
        elif path.exists():
            path.unlink()
    for path in packages.rglob("*"):
        # Some wheels mark everything as a program, and a library is none.
        path.chmod(0o755 if path.is_dir() else 0o644)


def write_environment(target: Target, root: Path) -> None:
    """Write what makes a virtual environment of the packages, and the command."""
    home = root / HOME.relative_to("/")
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "python3").symlink_to(f"/usr/bin/python{target.python}")
    (home / "pyvenv.cfg").write_text(
        f"home = /usr/bin\ninclude-system-site-packages = false\nversion = {target.python}\n"
    )
    command = home / "bin" / "bluezone-node"
    # -I: nothing of the caller's environment or folder is imported, least of all by root.
    command.write_text(
        f"#!{HOME}/bin/python3 -I\nfrom bluezone_node.commands import main\n\nmain()\n"
    )
    command.chmod(0o755)


def compile_all(target: Target, root: Path) -> None:
    """Compile every module in place: the service's user cannot, and would at each start."""
    subprocess.run(
        [
            *(f"python{target.python}", "-m", "compileall", "-q"),
            # Only dpkg changes these files: their sources are not looked at when they are loaded.
            *("--invalidation-mode", "unchecked-hash", "-s", str(root), "-p", "/"),
            str(root / target.site_packages.relative_to("/")),
        ],
        check=True,
        # The order in which sets of constants are written follows from it.
        env={**os.environ, "PYTHONHASHSEED": "0"},
    )


def _matching(folder: Path, patterns: tuple[str, ...]) -> Iterator[Path]:
    for pattern in patterns:
        yield from folder.glob(pattern)


def _pip(*arguments: str) -> None:
    subprocess.run(
        [*(sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"), *arguments],
        check=True,
    )
