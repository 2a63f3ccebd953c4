"""Messages on their way: files for a modem, and a gateway that is really there."""

import json
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from bluezone_node.authority.ports.messages import MessageNotSent
from bluezone_node.authority.settings import SmsSettings
from bluezone_node.errors import BadConfig
from bluezone_node.store.authority.gateway import Gateway
from bluezone_node.store.authority.outbox import Outbox

PHONE, TEXT = "+84912000111", "Ma cua ban: https://a.vn/v#7x3k9p2m4q8rt5vw {phone}"


@dataclass
class Mast:
    """A gateway that answers *status* and notes what it was sent."""

    status: int = 200
    heard: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    silent: threading.Event | None = None
    """It answers only when this is set."""
    url: str = ""


@contextmanager
def mast(status: int = 200, silent: threading.Event | None = None) -> Iterator[Mast]:
    """Run a gateway on a port of the kernel's choice."""
    known = Mast(status, silent=silent)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            known.heard.append((self.path, dict(self.headers.items()), body))
            if known.silent is not None:
                known.silent.wait()
                return
            self.send_response(known.status)
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    running = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    running.start()
    known.url = f"http://127.0.0.1:{server.server_port}/send?account=1"
    try:
        yield known
    finally:
        if silent is not None:
            silent.set()
        server.shutdown()
        running.join()
        server.server_close()


def test_an_outbox_has_a_file_for_each_message(tmp_path: Path) -> None:
    """In the modem's form, its owner's alone, under a name that says nothing; nothing half."""
    outbox = Outbox(tmp_path / "outbox")
    for _ in range(2):
        outbox.send(PHONE, TEXT)
    files = list((tmp_path / "outbox").iterdir())
    assert len(files) == 2
    for file in files:
        assert file.read_text() == f"To: 84912000111\n\n{TEXT}\n"
        assert file.stat().st_mode & 0o777 == 0o600
        assert "912000111" not in file.name
        assert not file.name.startswith(".")
    assert (tmp_path / "outbox").stat().st_mode & 0o777 == 0o700


def test_an_outbox_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """Without the number."""
    (tmp_path / "outbox").write_text("not a folder")
    with pytest.raises(MessageNotSent, match="outbox") as failed:
        Outbox(tmp_path / "outbox").send(PHONE, TEXT)
    assert "912" not in str(failed.value)


def test_a_gateway_is_sent_json_with_a_secret() -> None:
    """In the fields that the settings name; what is filled in is not filled in again."""
    with mast() as there:
        settings = SmsSettings(
            gateway=there.url,
            header="X-Key",
            fields={"to": "{phone}", "content": "[{text}]", "from": "BYT"},
        )
        with closing(Gateway(settings, "s3cret")) as gateway:
            gateway.send(PHONE, TEXT)
    ((path, headers, body),) = there.heard
    assert path == "/send?account=1"
    assert headers["X-Key"] == "s3cret"
    assert headers["Content-Type"] == "application/json"
    assert json.loads(body) == {"to": PHONE, "content": f"[{TEXT}]", "from": "BYT"}


def test_a_gateway_is_sent_a_form() -> None:
    """Where it wants one; without a secret there is no header."""
    with mast() as there:
        settings = SmsSettings(gateway=there.url, format="form")
        with closing(Gateway(settings, "")) as gateway:
            gateway.send(PHONE, TEXT)
    ((_, headers, body),) = there.heard
    assert parse_qs(body.decode()) == {"to": [PHONE], "text": [TEXT]}
    assert "Authorization" not in headers


@pytest.mark.parametrize("status", [302, 400, 401, 500])
def test_whatever_is_no_success_is_a_failure(status: int, caplog: pytest.LogCaptureFixture) -> None:
    """A redirection is not followed: number, code and secret are for one address. Nothing of them
    is logged or raised."""
    caplog.set_level("INFO")
    with (
        mast(status) as there,
        closing(Gateway(SmsSettings(gateway=there.url), "s")) as gateway,
        pytest.raises(MessageNotSent, match=f"answered {status}") as failed,
    ):
        gateway.send(PHONE, TEXT)
    assert len(there.heard) == 1
    for secret in ("912000111", "7x3k9p2m"):
        assert secret not in f"{caplog.text}{failed.value}"


def test_a_gateway_that_is_gone_is_said() -> None:
    """At once."""
    with mast() as there:
        pass
    with (
        closing(Gateway(SmsSettings(gateway=there.url), "")) as gateway,
        pytest.raises(MessageNotSent, match="cannot be reached"),
    ):
        gateway.send(PHONE, TEXT)


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("http://:abc", ""),
        ("http://[::1", ""),
        ("http://a..vn", ""),
        ("http://a.vn", "khoá"),
        ("http://a.vn", "two\nlines"),
    ],
)
def test_what_nothing_can_be_sent_with_is_said_at_once(url: str, secret: str) -> None:
    """Not with the first message, when its code has been made; the secret is not told."""
    with pytest.raises(BadConfig) as refused:
        Gateway(SmsSettings(gateway=url), secret)
    assert not secret or secret not in str(refused.value)


def test_a_gateway_that_is_silent_is_given_up() -> None:
    """After the time that the settings say."""
    with mast(silent=threading.Event()) as there:
        settings = SmsSettings(gateway=there.url, timeout_seconds=1)
        with (
            closing(Gateway(settings, "")) as gateway,
            pytest.raises(MessageNotSent, match="in time"),
        ):
            gateway.send(PHONE, TEXT)
