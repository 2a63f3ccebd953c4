"""The authority's command line, as processes."""

import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
import pytest

from bluezone_node.authority.ports.exposures import Changes, Exposure
from bluezone_node.client import HttpAuthority, HttpExports
from bluezone_node.crypto.certificate import keys_hmac
from bluezone_node.crypto.signing import load_public_key
from bluezone_node.export.container import open_verified
from bluezone_node.export.signature import SignatureState
from bluezone_node.ports import Publication
from bluezone_node.store.authority import exposure_tables, exposures
from bluezone_node.store.authority.database import open_sqlite
from bluezone_node.store.authority.folder import open_folder
from tests import program
from tests.authorities import keys_of_days
from tests.patience import PATIENCE, killing
from tests.program import Done

STOPPED_WITHIN = 30.0
"""Seconds after which systemd would kill it (TimeoutStopSec); it gives its guests two."""
COMMAND = [sys.executable, "-W", "error", "-m", "bluezone_node", "authority"]


def run(*arguments: object) -> Done:
    """Run a command of the authority."""
    return program.run("authority", *arguments)


def answer(*arguments: object) -> Any:
    """Run a command that must succeed; return its JSON."""
    done = run(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@contextmanager
def serving(*arguments: object, listen: str = "127.0.0.1:0") -> Iterator[str]:
    """Run a server; yield its address; see that SIGTERM ends it well, and that it said little."""
    command = [*COMMAND, "serve", *map(str, arguments), "--listen", listen, "--json"]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process,
        killing(process),
    ):
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        try:
            yield json.loads(line)["listening"]
        finally:
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert out == b""
    assert err.decode().splitlines()[0].startswith("listening on http://127.0.0.1:")
    assert b"Traceback" not in err


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / "authority"
    answer("init", path)
    return path


def test_init_prints_what_a_node_needs(tmp_path: Path) -> None:
    """A piece of configuration on stdout, the rest on stderr; a second time nothing changes."""
    done = run("init", tmp_path / "a")
    assert done.returncode == 0
    assert "public_keys" in done.stdout
    assert "[[sources]]" in done.stdout
    assert "serve --dir" in done.stderr
    again = run("init", tmp_path / "a")
    assert again.returncode == 1
    assert again.stderr.startswith("error: ")
    assert "not empty" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["status"], 2, "--dir"),
        (["status", "--dir", "/nonexistent/x"], 1, "authority init"),
        (["serve", "--dir", "{home}", "--listen", "nowhere"], 1, "HOST:PORT"),
        (["serve", "--dir", "{home}", "--listen", "127.0.0.1:99999"], 1, "HOST:PORT"),
        (["serve", "--dir", "{home}", "--clock", "sundial"], 1, "no clock"),
        (["code", "issue", "--dir", "{home}", "--symptom-date", "1999-01-01"], 1, "last 28 days"),
        (["code", "issue", "--dir", "{home}", "--symptom-date", "soon"], 2, "symptom-date"),
        (["code", "issue", "--dir", "{home}", "--type", "maybe"], 2, "maybe"),
        (["serve", "--config", "{home}/broken.toml"], 1, "period_minutes must divide a day"),
    ],
)
def test_misuse_is_one_sentence(home: Path, arguments: list[str], status: int, says: str) -> None:
    """No traceback, and the usual exit status."""
    (home / "broken.toml").write_text("[export]\nperiod_minutes = 7\n")
    done = run(*[argument.format(home=home) for argument in arguments])
    assert done.returncode == status
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_code_is_all_that_stdout_gets(home: Path) -> None:
    """So that a script can take it; the rest is for people."""
    done = run("code", "issue", "--dir", home, "--type", "likely")
    assert done.stdout.strip().isdecimal()
    assert len(done.stdout.strip()) == 8
    assert "valid until" in done.stderr
    status = answer("status", "--dir", home)
    assert status["registrar"]["codes_open"] == 1
    assert "codes open: 1" in run("status", "--dir", home).stdout


def test_a_folder_that_others_can_read_is_refused(home: Path) -> None:
    """With the command that mends it."""
    home.chmod(0o755)
    done = run("status", "--dir", home)
    assert done.returncode == 1
    assert f"chmod 700 {home}" in done.stderr


def test_a_port_in_use_is_said(home: Path) -> None:
    """One sentence, exit status 1."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = run("serve", "--dir", home, "--listen", address)
    assert done.returncode == 1
    assert f"Cannot listen on {address}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
async def test_registrar_and_publisher_run_apart(tmp_path: Path) -> None:
    """Two folders, two processes; the publisher knows the registrar by its public keys only."""
    registrar, publisher = tmp_path / "registrar", tmp_path / "publisher"
    answer("init", registrar, "--role", "registrar")
    made = answer("init", publisher, "--role", "publisher")
    assert not list(publisher.glob("keys/registrar*"))
    with serving("--dir", registrar, "--role", "registrar") as registrar_url:
        settings = publisher / "authority.toml"
        text = settings.read_text().replace("registrar.jwks.json", f"{registrar_url}/jwks")
        settings.write_text(text.replace("period_minutes = 240", "period_minutes = 60"))
        with serving("--dir", publisher, "--role", "publisher") as publisher_url:
            asked = [*COMMAND, "code", "issue", "--dir", str(registrar), "--json"]
            issued = json.loads(await asyncio.to_thread(subprocess.check_output, asked))
            now = datetime.now(UTC)
            keys, secret = keys_of_days(1, 2, now=now), os.urandom(16)
            async with HttpAuthority(registrar_url, publisher_url) as authority:
                claimed = await authority.claim(issued["code"], os.urandom(32))
                certificate = await authority.certify(claimed.token, keys_hmac(keys, secret))
                # The registrar is told to change its key; it goes on running.
                rotate = ("keys", "rotate", "--dir", registrar, "--overlap", "0")
                rotated = await asyncio.to_thread(answer, *rotate)
                renewed = await authority.certify(claimed.token, keys_hmac(keys, secret))
                named = [jwt.get_unverified_header(text)["kid"] for text in (certificate, renewed)]
                assert named == ["v1", rotated["key_id"]]
                for signed in (certificate, renewed):
                    publication = Publication(keys, "vn.moh", signed, secret, None)
                    assert (await authority.publish(publication)).inserted == 2
            async with HttpExports("home", f"{publisher_url}/exports") as exports:
                assert await exports.index() == []
    assert not (registrar / "authority.db").exists()
    assert not (publisher / "registry.db").exists()
    assert answer("status", "--dir", publisher)["publisher"]["exposures"] == 2
    assert load_public_key(made["public_key"])


@pytest.mark.slow
def test_an_exporter_killed_at_any_moment_leaves_nothing_broken(home: Path) -> None:
    """Killed again and again while it writes, then left alone: every file whole, none missing."""
    folder = open_folder(home)
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    draw = random.Random(8).randbytes
    engine = open_sqlite(folder.authority_db, exposure_tables.LAYOUT)
    start = int(now.timestamp()) // 86400 * 144 - 288
    published = [
        Exposure(
            draw(16),
            start,
            144,
            2,
            "confirmed",
            0,
            datetime.fromtimestamp(now.timestamp() - 3600 * n, UTC),
            draw(32),
        )
        for n in range(10, 200)
    ]
    exposures.SqlExposures(engine).publish([], lambda _stored, _drawn: Changes(added=published))
    engine.dispose()
    for delay in (0.4, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2):
        with subprocess.Popen([*COMMAND, "export", "run", "--dir", str(home)]) as process:
            with suppress(subprocess.TimeoutExpired):
                process.wait(delay)
            process.kill()
    answer("export", "run", "--dir", home)
    key = load_public_key(folder.export_public_key.read_bytes())
    found: set[bytes] = set()
    names = (home / "exports/index.txt").read_text().split()
    for name in names:
        export = open_verified((home / name).read_bytes(), [key])
        assert export.signature is SignatureState.VERIFIED
        assert export.key_count >= 1000
        found |= {key.key for batch in export.key_batches() for key in batch}
    assert {exposure.key for exposure in published} <= found
    files = {f"exports/{file.name}" for file in (home / "exports").glob("*.zip")}
    assert files == set(names)
    again = answer("export", "run", "--dir", home)
    assert (again["windows"], again["written"], again["removed"]) == (0, 0, 0)


@pytest.mark.slow
async def test_sigterm_ends_a_server_within_seconds_even_with_a_guest(home: Path) -> None:
    """A connection that is open and silent does not hold it up."""
    with serving("--dir", home) as url:
        host, port = url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST /v1/publish HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n")
        await writer.drain()
        before = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - before < STOPPED_WITHIN
    writer.close()
    assert await reader.read() == b""
