"""``authority serve --workers``: the real service, as several processes."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2 as httpx
import pytest

from tests.patience import PATIENCE, killing

pytestmark = pytest.mark.slow

# The library behind /metrics keeps its files open until the process ends.
WARNINGS = ("-W", "error", "-W", "ignore:unclosed file:ResourceWarning")
COMMAND = [sys.executable, *WARNINGS, "-m", "bluezone_node", "authority"]


@dataclass
class Service:
    """A parent and its workers."""

    url: str
    process: subprocess.Popen[bytes]

    def workers(self) -> set[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return {int(pid) for pid in children.read_text().split()}

    def answers(self) -> bool:
        """Ask as every browser does: again where the connection was cut before an answer began.

        A worker that is told to end in the moment in which it takes a connection cuts it.
        """
        with httpx.Client(timeout=PATIENCE) as client:
            try:
                answer = client.get(f"{self.url}/jwks")
            except (httpx.RemoteProtocolError, httpx.ReadError):
                answer = client.get(f"{self.url}/jwks")
            return answer.status_code == 200


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / "authority"
    subprocess.run([*COMMAND, "init", str(path)], check=True, capture_output=True)
    return path


@contextmanager
def serving(home: Path, environ: dict[str, str] | None = None) -> Iterator[Service]:
    """Run a service of two workers; see that it ends well, and all of it."""
    command = [*COMMAND, "serve", "--dir", str(home), "--listen", "127.0.0.1:0"]
    with (
        subprocess.Popen(
            [*command, "--workers", "2", "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **(environ or {})},
        ) as process,
        killing(process),
    ):
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        service = Service(json.loads(line)["listening"], process)
        try:
            workers = service.workers()
            yield service
            workers |= service.workers()
        finally:
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert out == b""
    assert b"Traceback" not in err
    assert b"Warning" not in err
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))


def until(true: Callable[[], object]) -> None:
    """Wait for what other processes do."""
    give_up = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < give_up
        time.sleep(0.05)


def test_a_death_and_a_reload_are_no_interruption(home: Path) -> None:
    """It answers when it says so, while one of two is dead, and while all are replaced."""
    with serving(home) as service:
        first = service.workers()
        assert len(first) == 3
        assert service.answers()
        os.kill(min(first), signal.SIGKILL)
        assert service.answers()
        until(lambda: len(service.workers() - {min(first)}) == 3)
        second = service.workers()
        service.process.send_signal(signal.SIGHUP)
        until(lambda: service.answers() and not service.workers() & second)
        assert service.answers()


def test_workers_do_not_outlive_their_parent(home: Path) -> None:
    """Killed the hard way, it leaves no process that serves unwatched."""
    command = [*COMMAND, "serve", "--dir", str(home), "--listen", "127.0.0.1:0", "--json"]
    with (
        subprocess.Popen(
            [*command, "--workers", "1"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process,
        killing(process),
    ):
        assert process.stdout is not None
        service = Service(json.loads(process.stdout.readline())["listening"], process)
        workers = service.workers()
        process.kill()
    assert len(workers) == 2
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))


def test_systemd_hears_of_all_workers_from_the_parent(home: Path, tmp_path: Path) -> None:
    """Ready once, alive as long as they answer, stopping: as one process would tell it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(PATIENCE)
        with serving(home, {"NOTIFY_SOCKET": str(tmp_path / "notify")}):
            heard = {manager.recv(64), manager.recv(64)}
            assert heard == {b"READY=1", b"WATCHDOG=1"}
            assert manager.recv(64) == b"WATCHDOG=1"
        manager.settimeout(0)
        assert manager.recv(64) in {b"STOPPING=1", b"WATCHDOG=1"}


def test_what_is_wrong_is_said_once(home: Path) -> None:
    """By the parent, before any worker starts."""
    (home / "keys" / "export.pem").unlink()
    done = subprocess.run(
        [*COMMAND, "serve", "--dir", str(home), "--listen", "127.0.0.1:0", "--workers", "2"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.count("error:") == 1
    assert "export.pem cannot be read" in done.stderr
