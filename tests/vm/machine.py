"""The machine: a second Linux with Bluetooth controllers in software, booted beside the host.

It sees the host's files read-only, this repository and its virtualenv among them, so there is no
image to build; it runs one scenario of ``tests.vm.scenarios`` and switches itself off.
"""

import errno
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from tests.vm import qemu
from tests.vm.packages import GUEST, Say, Unavailable, install, missing
from tests.vm.uml import Kernel, user_mode_linux

REPOSITORY = Path(__file__).resolve().parents[2]

MEMORY_MB = 1536
"""Taken from the host only as far as it is used: about 300 MB."""

STARTS = 3
"""Attempts to start the kernel's program: it insists on fixed addresses, and on one host in some
hundred starts the memory was not to be had (EFAULT)."""

BACKEND_VARIABLE = "BLUEZONE_VM"
"""``uml`` or ``qemu`` insists on one of the two; unset: UML, and QEMU where UML cannot be had."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a scenario."""

    checks: Mapping[str, dict[str, Any]]
    """By name; each with ``ok`` and its evidence."""
    notes: tuple[dict[str, Any], ...]
    finished: bool
    """Whether the scenario ran to its end."""
    folder: Path = field(compare=False)
    """Every program's words, the air log, the console."""

    def why(self) -> str:
        """Return the last words of a machine that did not finish."""
        trace = next((n["trace"] for n in self.notes if n["note"] == "broke off"), "")
        console = self.folder / "console.log"
        said = console.read_text(errors="replace")[-1500:] if console.is_file() else ""
        return f"{trace or said}\n(everything that was said is in {self.folder})"


@dataclass(frozen=True, slots=True)
class Root:
    """The files that the machine sees: the host's, or those of another system in a folder of it."""

    folder: Path = Path("/")
    repository: Path = REPOSITORY
    """This repository, as seen in there."""
    python: Path = Path(sys.executable)
    """Its virtualenv's Python, as seen in there."""

    def inside(self, path: Path) -> Path:
        """Return how *path* of the host is called in there."""
        return Path("/") / path.relative_to(self.folder)


HOST = Root()


@dataclass(frozen=True, slots=True)
class Machine:
    kernel: Kernel
    emulated: bool
    """Whether it runs in QEMU, where programs take five to ten times longer."""
    root: Root = HOST

    def run(self, scenario: str, folder: Path, *arguments: str, timeout: float) -> Outcome:
        """Boot, run *scenario*, and return what came of it within *timeout* seconds.

        *folder* must be new, and within the root; it is the only one that the machine writes to.
        """
        folder.mkdir(parents=True, exist_ok=True)
        init = folder / "init"
        init.write_bytes((REPOSITORY / "tests/vm/guest/init").read_bytes())
        init.chmod(0o755)
        job = {
            "modules": self.root.inside(self.kernel.modules),
            "repository": self.root.repository,
            "python": self.root.python,
            "scenario": scenario,
            "arguments": " ".join(arguments),
        }
        lines = (f"{name}={shlex.quote(str(value))}" for name, value in job.items())
        (folder / "job").write_text("\n".join([*lines, f"out={shlex.quote(str(folder))}", ""]))
        command = (
            qemu.command(self.kernel, folder, init, MEMORY_MB)
            if self.emulated
            else _uml_command(self.kernel, self.root.folder, self.root.inside(init))
        )
        with (folder / "console.log").open("wb") as console:
            running = _boot(command, console)
            try:
                running.wait(timeout)
            except subprocess.TimeoutExpired:
                console.write(b"\nswitched off: it took too long\n")
            finally:
                # Its own group: a User-Mode Linux is many processes of the host.
                _end_group(running)
        return read_outcome(folder)


def find_machine(say: Say) -> Machine:
    """Return a machine that can be booted here, after building what is not in the cache yet.

    Raises:
        Unavailable: why not, and what a person could do.
    """
    install(missing(GUEST), say)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "bluezone-vm"
    wanted = os.environ.get(BACKEND_VARIABLE, "")
    if wanted != "qemu":
        try:
            return Machine(user_mode_linux(cache, say), emulated=False)
        except Unavailable as reason:
            if wanted == "uml":
                raise
            say(f"no User-Mode Linux: {reason}; trying QEMU")
    return Machine(qemu.stock_kernel(cache, say), emulated=True)


def read_outcome(folder: Path) -> Outcome:
    """Read what a scenario left in *folder*."""
    results = folder / "results.jsonl"
    lines = results.read_text().splitlines() if results.is_file() else []
    told = [json.loads(line) for line in lines]
    status = folder / "status"
    return Outcome(
        checks={line["check"]: line for line in told if "check" in line},
        notes=tuple(line for line in told if "note" in line),
        finished=status.is_file() and status.read_text().strip() == "0",
        folder=folder,
    )


def _uml_command(kernel: Kernel, root: Path, init: Path) -> list[str]:
    return [
        str(kernel.image),
        f"mem={MEMORY_MB}M",
        *("root=/dev/root", "rootfstype=hostfs", f"rootflags={root}", "ro", f"init={init}"),
        # con0 is the machine's console; only what matters of the kernel's own messages.
        *("con=null", "con0=null,fd:1", "quiet", "loglevel=4", "selinux=0", "panic=-1"),
    ]


def _boot(command: list[str], console: IO[bytes]) -> subprocess.Popen[bytes]:
    for attempt in range(STARTS):
        try:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,
            )
        except OSError as error:
            if error.errno != errno.EFAULT or attempt == STARTS - 1:
                raise
            time.sleep(1)
    raise AssertionError("unreachable")


def _end_group(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
