"""Debian's stock kernel in QEMU, without hardware virtualisation: the machine where UML is not.

Nothing to compile, and the very kernel that people run; but programs take five to ten times longer.
The kernel package is unpacked, not installed.  A small first file system leads to the host's files.
"""

import gzip
import lzma
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.vm.packages import Say, Unavailable, apt, find, install, may_install
from tests.vm.uml import Kernel

META_PACKAGE = "linux-image-amd64"
"""Not the cloud kernel: that has no Bluetooth."""

_XZ = b"\xfd7zXZ\x00"
_ELF = b"\x7fELF"

_INIT = """\
#!/bin/busybox sh
b=/bin/busybox
$b mkdir -p /proc /newroot
$b mount -t proc proc /proc
while read -r module; do $b insmod "/modules/$module"; done </modules/order
options=trans=virtio,version=9p2000.L,ro,cache=loose,msize=262144
$b mount -t 9p -o $options host /newroot || $b poweroff -f
for word in $($b cat /proc/cmdline); do case $word in first=*) first=${word#first=};; esac; done
$b mount -t devtmpfs devtmpfs /newroot/dev
$b umount /proc
exec $b switch_root /newroot "$first"
"""


def stock_kernel(cache: Path, say: Say) -> Kernel:
    """Return Debian's kernel from *cache*, fetching it there first where it is missing.

    Raises:
        Unavailable: no QEMU, or no kernel package.
    """
    if not find("qemu-system-x86_64"):
        install(["qemu-system-x86"], say)
    folder = cache / "stock"
    if not (folder / "version").is_file():
        if may_install():
            apt("update", "-qq")
        package = _newest()
        say(f"fetching {package} (once)")
        cache.mkdir(parents=True, exist_ok=True)
        fetched = Path(tempfile.mkdtemp(prefix=".stock-", dir=cache))
        _fetch(package, fetched)
        shutil.rmtree(folder, ignore_errors=True)
        fetched.rename(folder)
    return Kernel(folder / "kernel", folder, (folder / "version").read_text().strip())


def command(kernel: Kernel, folder: Path, init: Path, memory_mb: int) -> list[str]:
    """Return the command that boots *kernel*; *folder* is the one it may write to."""
    kernel_line = (
        "console=ttyS0 quiet panic=-1 cryptomgr.notests=1 mitigations=off nokaslr nowatchdog "
        f"apparmor=0 first={init}"
    )
    host = "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap"
    return [
        *("qemu-system-x86_64", "-accel", "tcg,thread=multi", "-smp", "2", "-cpu", "max"),
        *("-m", str(memory_mb), "-display", "none", "-nodefaults", "-no-reboot"),
        *("-serial", "stdio", "-kernel", str(kernel.image)),
        *("-initrd", str(kernel.root / "first.gz"), "-append", kernel_line),
        *("-virtfs", host),
        *("-virtfs", f"local,path={folder},mount_tag=out,security_model=none"),
        *("-device", "virtio-rng-pci"),
    ]


def _newest() -> str:
    listed = subprocess.run(
        ["apt-cache", "depends", META_PACKAGE], capture_output=True, text=True, check=False
    ).stdout
    for line in listed.splitlines():
        kind, _, package = line.strip().partition(": ")
        if kind == "Depends" and package.startswith("linux-image-"):
            return package
    raise Unavailable(f"no package {META_PACKAGE}")


def _fetch(package: str, folder: Path) -> None:
    apt("download", "-qq", package, folder=str(folder))
    archive = next(folder.glob("*.deb"))
    subprocess.run(["dpkg", "-x", archive, folder], check=True)
    archive.unlink()
    version = next((folder / "lib/modules").iterdir()).name
    subprocess.run(["depmod", "-b", folder, version], check=True, capture_output=True)
    packed = next((folder / "boot").glob("vmlinuz-*"))
    # QEMU starts an ELF kernel at once; one that unpacks itself takes seconds under emulation.
    (folder / "kernel").write_bytes(_unpacked(packed.read_bytes()) or packed.read_bytes())
    _first_files(folder, version)
    (folder / "version").write_text(version + "\n")


def _unpacked(image: bytes) -> bytes | None:
    """Return the ELF kernel that is packed in *image*; None where it is not packed with xz."""
    at = image.find(_XZ)
    while at >= 0:
        try:
            kernel = lzma.LZMADecompressor(lzma.FORMAT_XZ).decompress(image[at:])
        except lzma.LZMAError:
            kernel = b""
        if kernel.startswith(_ELF):
            return kernel
        at = image.find(_XZ, at + 1)
    return None


def _first_files(folder: Path, version: str) -> None:
    """Pack the first file system: busybox and the modules that lead to the host's files."""
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        (root / "bin").mkdir()
        (root / "modules").mkdir()
        shutil.copy(find("busybox") or "", root / "bin" / "busybox")
        init = root / "init"
        init.write_text(_INIT)
        init.chmod(0o755)
        modprobe = find("modprobe") or "modprobe"
        wanted = ("virtio_pci", "9p", "9pnet_virtio", "overlay")
        listed = subprocess.run(
            [modprobe, "-d", folder, "-S", version, "--show-depends", "-a", *wanted],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        order = [line.split()[1] for line in listed.splitlines() if line.startswith("insmod ")]
        order = list(dict.fromkeys(order))
        for path in order:
            shutil.copy(path, root / "modules")
        names = "\n".join(Path(path).name for path in order)
        (root / "modules" / "order").write_text(names + "\n")
        files = "\n".join(str(p.relative_to(root)) for p in [root, *sorted(root.rglob("*"))])
        packed = subprocess.run(
            ["busybox", "cpio", "-o", "-H", "newc"],
            cwd=root,
            input=files.encode(),
            capture_output=True,
            check=True,
        ).stdout
        (folder / "first.gz").write_bytes(gzip.compress(packed, 1))
