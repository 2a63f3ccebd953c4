"""A clean Debian for tests: made once by debootstrap, kept in the cache, copied for each use."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.vm.packages import Unavailable, find, install, missing

RELEASE = "bookworm"
MIRROR = "http://deb.debian.org/debian"

PACKAGES = (
    # What the packages depend on; dpkg refuses to configure them where one is missing here.
    *("python3.11", "systemd", "bluez", "dbus", "ca-certificates", "libstdc++6", "zlib1g"),
    # Not theirs: modules of the test's kernel, and the order of its start.
    *("kmod", "udev"),
)

_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def clean_root(destination: Path) -> "Root":
    """Return a new copy of a clean Debian at *destination*.

    Raises:
        Unavailable: no root, no debootstrap where none may be installed, or no mirror.
    """
    master = _master()
    subprocess.run(["cp", "-a", "--reflink=auto", master, destination], check=True)
    return Root(destination)


class Root:
    """A Debian in a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def run(
        self, *command: str, user: str = "root", environ: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run *command* in it as *user*, in namespaces that end with it; never raises."""
        return subprocess.run(
            self.command(*command, user=user),
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": _PATH, "HOME": "/nonexistent", "LC_ALL": "C.UTF-8", **(environ or {})},
        )

    def command(self, *command: str, user: str = "root") -> list[str]:
        """Return what the host runs in order to run *command* in it as *user*."""
        inside = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--"]
        return [
            *(*inside, f"--root={self.path}"),
            *(become if user != "root" else []),
            *command,
        ]

    def dpkg(self, *arguments: str | Path) -> str:
        """Run dpkg in it, which must succeed; packages are named by their path on the host."""
        inside: list[str] = []
        for argument in arguments:
            if isinstance(argument, Path):
                shutil.copy(argument, self.path / "tmp")
                inside.append(f"/tmp/{argument.name}")
            else:
                inside.append(argument)
        done = self.run("dpkg", *inside)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def files(self) -> set[str]:
        """Return the paths of everything that a person would call a file of this system."""
        found = (str(path.relative_to(self.path)) for path in self.path.rglob("*"))
        return {
            path
            for path in found
            # What lives in memory or is dpkg's, and copies that useradd makes of what it changes.
            if not path.startswith(("tmp/", "proc/", "dev/", "run/", "var/lib/dpkg/", "var/log/"))
            and not (path.startswith("etc/") and path.endswith("-"))
        }


def _master() -> Path:
    if os.geteuid() != 0:
        raise Unavailable("a Debian root is made by root only")
    install(missing({"debootstrap": "debootstrap"}), lambda line: print(line, file=sys.stderr))
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    wanted = hashlib.sha256(" ".join((RELEASE, MIRROR, *PACKAGES)).encode()).hexdigest()[:8]
    master = cache / "bluezone-packaging" / f"{RELEASE}-{wanted}"
    if not master.is_dir():
        work = master.with_suffix(".new")
        shutil.rmtree(work, ignore_errors=True)
        work.parent.mkdir(parents=True, exist_ok=True)
        made = subprocess.run(
            [
                *(
                    find("debootstrap") or "",
                    "--variant=minbase",
                    f"--include={','.join(PACKAGES)}",
                ),
                *(RELEASE, str(work), MIRROR),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            said = made.stdout.strip().splitlines()
            raise Unavailable(f"debootstrap failed: {said[-1] if said else made.returncode}")
        shutil.rmtree(work / "var/cache/apt", ignore_errors=True)
        work.rename(master)
    return master
