"""``authority code``, as typed."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bluezone_node.commands import cli
from bluezone_node.errors import AuthorityRefused, BadInput
from bluezone_node.store.authority.folder import make_folder

FILE = "test_type,phone\r\nconfirmed,0912000111\r\nlikely,\r\nmaybe,\r\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = make_folder(tmp_path / "a", ["registrar"]).path
    with (path / "authority.toml").open("a") as settings:
        settings.write('[registrar]\npublic_url = "https://codes.example.vn"\n')
    return path


def code(home: Path, *arguments: object) -> Result:
    line = ["authority", "code", *map(str, arguments), "--dir", str(home)]
    return CliRunner().invoke(cli, line)


def answer(home: Path, *arguments: object) -> dict[str, Any]:
    done = code(home, *arguments, "--json")
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_code_is_asked_about_replaced_and_taken_back(home: Path) -> None:
    """By its uuid, which is for people; the code alone is on stdout."""
    done = code(home, "issue", "--type", "likely", "--long")
    assert len(done.stdout.strip()) == 16
    uuid = done.stderr.strip().rpartition(" ")[2]
    found = answer(home, "status", uuid)
    assert (found["state"], found["kind"], found["realm"]) == ("open", "long", "VN")
    new = answer(home, "reissue", uuid)
    assert answer(home, "status", uuid)["state"] == "revoked"
    assert "void" in code(home, "revoke", new["uuid"]).stderr
    assert code(home, "status", new["uuid"]).stdout.startswith("revoked, long, until ")
    refused = code(home, "revoke", new["uuid"]).exception
    assert isinstance(refused, AuthorityRefused)
    assert refused.reason == "code_revoked"


def test_a_code_is_sent(home: Path) -> None:
    """By default to the outbox in the authority's folder."""
    issued = answer(home, "issue", "--phone", "0912000111")
    assert issued["sent"]
    (message,) = (home / "outbox").iterdir()
    assert f"/v#{issued['code']}" in message.read_text()


def test_a_number_need_not_stand_in_the_command(home: Path) -> None:
    """Every user of the machine can read commands, and the shell remembers them."""
    line = ["authority", "code", "issue", "--phone", "-", "--json", "--dir", str(home)]
    done = CliRunner().invoke(cli, line, input="0912000111\n")
    assert json.loads(done.stdout)["sent"]
    (message,) = (home / "outbox").iterdir()
    assert message.read_text().startswith("To: 84912000111\n")


def test_a_file_of_many_becomes_two_files(home: Path, tmp_path: Path) -> None:
    """Their owner's alone; rejected rows end with status 1, and totals are told."""
    (tmp_path / "in.csv").write_bytes(FILE.encode())
    done = code(home, "bulk", tmp_path / "in.csv", "--out", tmp_path / "out", "--json")
    assert done.exit_code == 1
    totals = json.loads(done.stdout)
    assert (totals["read"], totals["issued"], totals["rejected"]) == (3, 2, 1)
    issued, rejected = (tmp_path / "out" / name for name in ("issued.csv", "rejected.csv"))
    assert len(issued.read_text("utf-8-sig").splitlines()) == 3
    assert "4,maybe,," in rejected.read_text("utf-8-sig")
    for path, mode in ((issued, 0o600), (rejected, 0o600), (tmp_path / "out", 0o700)):
        assert path.stat().st_mode & 0o777 == mode


def test_nothing_is_overwritten_or_issued_twice(home: Path, tmp_path: Path) -> None:
    """A folder that is there, and a file that came before, are refused; nothing is left behind."""
    (tmp_path / "in.csv").write_bytes(FILE.replace("maybe", "likely").encode())
    assert code(home, "bulk", tmp_path / "in.csv", "--out", tmp_path / "out").exit_code == 0
    assert not (tmp_path / "out" / "rejected.csv").exists()
    again = code(home, "bulk", tmp_path / "in.csv", "--out", tmp_path / "out").exception
    assert isinstance(again, BadInput)
    assert again.reason == "exists"
    again = code(home, "bulk", tmp_path / "in.csv", "--out", tmp_path / "other").exception
    assert isinstance(again, AuthorityRefused)
    assert again.reason == "file_repeated"
    assert not (tmp_path / "other").exists()
    forced = code(home, "bulk", tmp_path / "in.csv", "--out", tmp_path / "other", "--force")
    assert forced.exit_code == 0
    assert "issued: 3" in forced.stdout


@contextmanager
def mast(on_message: Callable[[], None]) -> Iterator[str]:
    """Run a gateway that takes everything; yield its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            on_message()
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        running = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        running.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        running.join()


def test_who_breaks_off_learns_what_was_sent(home: Path, tmp_path: Path) -> None:
    """Ctrl-C ends the sending, and both files are written; then it means what it did before."""
    before = signal.getsignal(signal.SIGINT)
    rows = "".join(f"likely,09120001{n}\r\n" for n in range(10, 60))
    (tmp_path / "in.csv").write_text(f"test_type,phone\r\n{rows}")
    with mast(lambda: os.kill(os.getpid(), signal.SIGINT)) as url:
        with (home / "authority.toml").open("a") as settings:
            settings.write(f"[registrar.sms]\ngateway = '{url}'\n")
        done = code(home, "bulk", tmp_path / "in.csv", "--out", tmp_path / "out", "--json")
    assert done.exit_code == 1
    totals = json.loads(done.stdout)
    assert totals["read"] == totals["sent"] + totals["rejected"] == 50
    assert 1 <= totals["sent"] < 50
    rejected = (tmp_path / "out" / "rejected.csv").read_text("utf-8-sig")
    assert rejected.count("broken off") == totals["rejected"]
    assert signal.getsignal(signal.SIGINT) is before


def test_a_code_that_was_sent_is_told_of(home: Path) -> None:
    """Who is tired of waiting for the gateway is not told that nothing was done."""
    with mast(lambda: os.kill(os.getpid(), signal.SIGINT)) as url:
        with (home / "authority.toml").open("a") as settings:
            settings.write(f"[registrar.sms]\ngateway = '{url}'\n")
        assert answer(home, "issue", "--phone", "0912000111")["sent"]


def test_misuse_is_said(home: Path) -> None:
    """What is no uuid, and a province that there is not."""
    assert code(home, "status", "12345678").exit_code == 2
    refused = code(home, "issue", "--realm", "nowhere").exception
    assert isinstance(refused, AuthorityRefused)
    assert refused.reason == "unknown_realm"
