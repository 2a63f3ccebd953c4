"""A program that runs in the machine: started, watched in /proc, stopped; its words are kept."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

Found = TypeVar("Found")

POLL = 0.05
STOP_WITHIN = 10.0

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Process:
    """*argv*, running; what it says goes to LOG/NAME.log, with *asked* only its errors."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        log: Path,
        *,
        asked: bool = False,
    ) -> None:
        self.name = name
        self.log = log / f"{name}.log"
        with self.log.open("ab") as words:
            self._popen = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if asked else words,
                stderr=words,
            )

    @property
    def pid(self) -> int:
        return self._popen.pid

    def first_line(self) -> str:
        """Return the first line on standard output of a process that is *asked* for it.

        Raises:
            RuntimeError: it ended instead.
        """
        assert self._popen.stdout is not None
        line = self._popen.stdout.readline().decode()
        if not line:
            raise RuntimeError(f"{self.name} ended at once: {self.words()[-500:]}")
        return line

    def words(self) -> str:
        return self.log.read_text(errors="replace")

    def type(self, line: str) -> None:
        """Type *line* into its standard input."""
        assert self._popen.stdin is not None
        self._popen.stdin.write(line.encode() + b"\n")
        self._popen.stdin.flush()

    def running(self) -> bool:
        return self._popen.poll() is None

    def signal(self, number: signal.Signals) -> None:
        self._popen.send_signal(number)

    def ended(self, timeout: float | None) -> int:
        """Wait for its end, for ever with None, and return its exit status.

        Raises:
            subprocess.TimeoutExpired: it goes on.
        """
        return self._popen.wait(timeout)

    def stop(self) -> None:
        """End it: politely, then not."""
        if self._popen.stdin is not None:
            self._popen.stdin.close()
        if not self.running():
            return
        self._popen.terminate()
        try:
            self._popen.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()

    # What it costs

    def cpu_seconds(self) -> float:
        """Return the CPU time it has used, user and system."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def resident_kib(self) -> int:
        """Return the memory it holds, KiB."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * _PAGE // 1024

    def descriptors(self) -> int:
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))


def until(look: Callable[[], Found | None], timeout: float, what: str) -> Found:
    """Look until there is something, and return it.

    Raises:
        TimeoutError: there was nothing in *timeout* seconds; says *what* was waited for.
    """
    deadline = time.monotonic() + timeout
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {timeout:.0f} s")
        time.sleep(POLL)
