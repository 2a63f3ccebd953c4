"""What the machine needs of Debian: said in one line, and installed where that is allowed."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterable

Say = Callable[[str], None]

GUEST = {
    "bluetoothd": "bluez",
    "dbus-daemon": "dbus",
    "kmod": "kmod",
    "busybox": "busybox-static",
}
"""Program that proves it → package; nothing but these runs in the guest beside Python."""

COMPILER = {
    "gcc": "gcc",
    "make": "make",
    "bison": "bison",
    "flex": "flex",
    "bc": "bc",
    "xz": "xz-utils",
    "depmod": "kmod",
}
"""For the two or three modules that Debian's User-Mode Linux lacks."""

LIBC_HEADERS = "/usr/include/stdio.h"
"""gcc is there without them where only --no-install-recommends was asked for."""

_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Unavailable(Exception):
    """The machine cannot be had here, for the reason given."""


def missing(programs: dict[str, str]) -> list[str]:
    """Return the packages of those *programs* that are not installed, in order."""
    absent = [package for program, package in programs.items() if not find(program)]
    if programs is COMPILER and not os.path.exists(LIBC_HEADERS):  # noqa: PTH110
        absent.append("libc6-dev")
    return list(dict.fromkeys(absent))


def find(program: str) -> str | None:
    """Return the path of *program*; an ordinary user's PATH often lacks /usr/sbin."""
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:{_SYSTEM_PATH}")


def may_install() -> bool:
    """Tell whether packages can be installed here: root, on a system with apt."""
    return os.geteuid() == 0 and find("apt-get") is not None


def install(packages: Iterable[str], say: Say) -> None:
    """Install *packages*, or say what a person should type.

    Raises:
        Unavailable: not allowed here, or apt failed.
    """
    wanted = " ".join(packages)
    if not wanted:
        return
    if not may_install():
        raise Unavailable(
            f"packages are missing: sudo apt install --no-install-recommends {wanted}"
        )
    say(f"installing with apt: {wanted}")
    apt("update", "-qq")
    apt("install", "-y", "-qq", "--no-install-recommends", *wanted.split())


def apt(*arguments: str, folder: str | None = None) -> None:
    """Run apt-get.

    Raises:
        Unavailable: it failed; with its last line.
    """
    done = subprocess.run(
        ["apt-get", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise Unavailable(f"apt-get {arguments[0]} failed: {said[-1] if said else done.returncode}")
