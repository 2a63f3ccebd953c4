"""Debian's User-Mode Linux, with the Bluetooth that it was packaged without.

The package ``user-mode-linux`` is a whole kernel that runs as an ordinary process: no
virtualisation, no root, programs in it at nearly the speed of the host.  It was configured without
Bluetooth, but it takes modules, unsigned and without symbol versions.  So only bluetooth, hci_vhci
(a controller played by a program) and rfkill are compiled, about thirty files, from Debian's kernel
source of exactly the same version.
"""

import gzip
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.vm.packages import COMPILER, Say, Unavailable, apt, install, may_install, missing

RECIPE = "1"
"""Part of the name in the cache: a changed recipe builds anew."""

OPTIONS = """
CONFIG_BT=m
CONFIG_BT_BREDR=y
CONFIG_BT_LE=y
CONFIG_BT_HCIVHCI=m
CONFIG_RFKILL=m
CONFIG_DEBUG_INFO_NONE=y
# CONFIG_LOCALVERSION_AUTO is not set
"""

SOURCE_NEEDED = (
    *("*/Makefile*", "*/Kbuild*", "*/Kconfig*"),
    *("{0}/scripts/*", "{0}/include/*", "{0}/arch/um/*", "{0}/arch/x86/*", "{0}/kernel/*"),
    *("{0}/tools/include/*", "{0}/security/selinux/include/*"),
    *("{0}/net/bluetooth/*", "{0}/net/rfkill/*", "{0}/drivers/bluetooth/*"),
)
"""Of the 1.4 GB of a kernel only what its build system and these modules read."""

MODULES = ("net/rfkill", "net/bluetooth", "drivers/bluetooth")
COMPILED = ("net/rfkill/rfkill.ko", "net/bluetooth/bluetooth.ko", "drivers/bluetooth/hci_vhci.ko")
PACKAGED = ("kernel/crypto", "kernel/fs/overlayfs")
"""What the guest loads besides: Bluetooth's own use of cmac and ecdh, and its root."""


@dataclass(frozen=True, slots=True)
class Kernel:
    image: Path
    """The kernel: a program to run (User-Mode Linux) or to boot (QEMU)."""
    root: Path
    """Holds ``lib/modules/VERSION``."""
    version: str

    @property
    def modules(self) -> Path:
        return self.root / "lib" / "modules" / self.version


def user_mode_linux(cache: Path, say: Say) -> Kernel:
    """Return the kernel from *cache*, building it there first where it is missing (a minute).

    Raises:
        Unavailable: Debian's packages do not fit together, or cannot be had.
    """
    folder = cache / f"uml-{RECIPE}"
    if not (folder / "version").is_file():
        if os.uname().machine != "x86_64":
            raise Unavailable("User-Mode Linux is for x86-64 only")
        install(missing(COMPILER), say)
        if may_install():
            apt("update", "-qq")
        say("building the Bluetooth modules of a User-Mode Linux (once, about a minute)")
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="bluezone-uml-") as work:
            built = shutil.move(_build(Path(work)), cache / f".uml-{os.getpid()}")
        # In one step, so that what is there is whole.
        shutil.rmtree(folder, ignore_errors=True)
        Path(built).rename(folder)
    return Kernel(folder / "linux.uml", folder, (folder / "version").read_text().strip())


def _build(work: Path) -> Path:
    apt("download", "-qq", "user-mode-linux", folder=str(work))
    packaged = work / "packaged"
    _run("dpkg", "-x", next(work.glob("user-mode-linux_*.deb")), packaged, folder=work)
    version = next((packaged / "usr/lib/uml/modules").iterdir()).name
    series = "linux-source-" + ".".join(version.split(".")[:2])
    apt("download", "-qq", f"{series}={_exact(series, version)}", folder=str(work))
    source = _unpack(work, series)
    _configure(source, packaged, version)
    for folder in MODULES:
        # Without the symbols of the packaged kernel modpost cannot check ours: loading will.
        _run(
            *("make", "-s", "ARCH=um", f"-j{os.cpu_count()}", "KBUILD_MODPOST_WARN=1"),
            *(f"M={folder}", "modules"),
            folder=source,
        )
    return _gather(work / "built", source, packaged, version)


def _exact(package: str, version: str) -> str:
    """Return the version of the Debian *package* whose kernel is *version*."""
    listed = subprocess.run(
        ["apt-cache", "madison", package], capture_output=True, text=True, check=False
    ).stdout
    offered = [line.split("|")[1].strip() for line in listed.splitlines() if line.count("|") == 2]
    fitting = [one for one in offered if one.startswith(f"{version}-")]
    if not fitting:
        raise Unavailable(f"Debian no longer has {package} {version}, which its UML was made of")
    return fitting[0]


def _unpack(work: Path, series: str) -> Path:
    package = next(work.glob(f"{series}_*.deb"))
    tar = ["dpkg", "--fsys-tarfile", str(package)]
    member = ["tar", "-xO", f"./usr/src/{series}.tar.xz"]
    wanted = [pattern.format(series) for pattern in SOURCE_NEEDED]
    chain = (tar, member, ["xz", "-dc", "-T0"], ["tar", "-x", "--wildcards", *wanted])
    running: list[subprocess.Popen[bytes]] = []
    for command in chain:
        upstream = running[-1].stdout if running else None
        last = command is chain[-1]
        running.append(
            subprocess.Popen(
                command, cwd=work, stdin=upstream, stdout=None if last else subprocess.PIPE
            )
        )
        if upstream:
            upstream.close()
    statuses = [process.wait() for process in running]
    if any(statuses):
        raise Unavailable(f"{package.name} could not be unpacked")
    package.unlink()
    return work / series


def _configure(source: Path, packaged: Path, version: str) -> None:
    with gzip.open(packaged / "usr/share/doc/user-mode-linux/config.gz", "rt") as own:
        (source / ".config").write_text(own.read() + OPTIONS)
    _run("make", "-s", "ARCH=um", "olddefconfig", folder=source)
    _run("make", "-s", "ARCH=um", f"-j{os.cpu_count()}", "modules_prepare", folder=source)
    release = (source / "include/config/kernel.release").read_text().strip()
    if release != version:
        raise Unavailable(f"the source calls itself {release}, the packaged kernel {version}")


def _gather(built: Path, source: Path, packaged: Path, version: str) -> Path:
    modules = built / "lib" / "modules" / version
    (modules / "extra").mkdir(parents=True)
    for name in COMPILED:
        shutil.copy(source / name, modules / "extra")
    theirs = packaged / "usr/lib/uml/modules" / version
    for name in PACKAGED:
        shutil.copytree(theirs / name, modules / name)
    for name in ("modules.builtin", "modules.order"):
        shutil.copy(theirs / name, modules)
    _run("depmod", "-b", built, version, folder=built)
    shutil.copy(packaged / "usr/bin/linux.uml", built)
    (built / "version").write_text(version + "\n")
    return built


def _run(*command: str | Path, folder: Path) -> None:
    done = subprocess.run(
        [str(part) for part in command], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()[-3:]
        raise Unavailable(f"{command[0]} failed while building the kernel: {' / '.join(said)}")
