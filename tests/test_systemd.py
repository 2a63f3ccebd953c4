"""What systemd passes to a service is taken by the process it was meant for, and by no other."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from bluezone_node.errors import BadConfig
from bluezone_node.systemd import FIRST_PASSED, passed_socket
from tests.patience import PATIENCE, killing

AUTHORITY = [sys.executable, "-m", "bluezone_node", "authority"]
# The shell keeps its process number when it becomes the server, as systemd's child does.
AS_SYSTEMD_STARTS_IT = 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@" 3<&0 0</dev/null'


@pytest.mark.parametrize(
    "environ",
    [{}, {"LISTEN_FDS": "1"}, {"LISTEN_PID": "1", "LISTEN_FDS": "1"}],
    ids=["nothing", "for-nobody", "for-another"],
)
def test_a_socket_meant_for_another_process_is_left_alone(environ: dict[str, str]) -> None:
    """A child inherits the variables of its parent, whose sockets are none of its business."""
    assert passed_socket(environ) is None


@pytest.mark.parametrize("count", ["", "0", "2", "many"])
def test_any_other_number_of_sockets_is_refused(count: str) -> None:
    """One sentence: the server would not know on which to answer."""
    with pytest.raises(BadConfig, match="exactly one socket"):
        passed_socket({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": count})


def test_a_socket_that_is_not_for_tcp_is_refused() -> None:
    """Limits are kept by address, and a Unix socket has none."""
    code = (
        "from bluezone_node.systemd import passed_socket\n"
        "from bluezone_node.errors import BadConfig\n"
        "try: passed_socket()\n"
        "except BadConfig as error: print(error)\n"
    )
    ours, theirs = socket.socketpair()
    with ours, theirs:
        done = subprocess.run(
            ["sh", "-c", AS_SYSTEMD_STARTS_IT, "sh", sys.executable, "-c", code],
            stdin=theirs.fileno(),
            capture_output=True,
            text=True,
            check=True,
        )
    assert done.stdout == "the socket that the service manager passed is not for TCP\n"


@pytest.mark.slow
@pytest.mark.parametrize("workers", [[], ["--workers", "2"]], ids=["alone", "workers"])
def test_an_authority_serves_on_the_socket_that_it_was_passed(
    tmp_path: Path, workers: list[str]
) -> None:
    """Whatever its settings say; who connected before it ran is answered; and it says ready."""
    assert FIRST_PASSED == 3
    home = str(tmp_path / "authority")
    subprocess.run([*AUTHORITY, "init", home], check=True, capture_output=True)
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        socket.create_connection(listening.getsockname()) as early,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager,
    ):
        manager.bind(str(tmp_path / "n.sock"))
        manager.settimeout(PATIENCE)
        early.settimeout(PATIENCE)
        early.sendall(b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n")
        with (
            subprocess.Popen(
                [
                    *("sh", "-c", AS_SYSTEMD_STARTS_IT, "sh", *AUTHORITY, "serve", "--dir", home),
                    *("--json", *workers),
                ],
                stdin=listening.fileno(),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, "NOTIFY_SOCKET": str(tmp_path / "n.sock")},
            ) as server,
            killing(server),
        ):
            assert server.stdout is not None
            address = json.loads(server.stdout.readline())["listening"]
            assert address == f"http://127.0.0.1:{listening.getsockname()[1]}"
            assert manager.recv(100) == b"READY=1"
            assert early.recv(12) == b"HTTP/1.1 200"
            with urllib.request.urlopen(f"{address}/healthz") as answered:
                assert answered.status == 200
            server.send_signal(signal.SIGTERM)
            while (said := manager.recv(100)) == b"WATCHDOG=1":
                pass
            assert said == b"STOPPING=1"
            assert server.wait(PATIENCE) == 0
        # Whoever knocks while it restarts is not turned away: the manager still listens.
        socket.create_connection(listening.getsockname()).close()
