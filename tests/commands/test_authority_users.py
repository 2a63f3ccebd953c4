"""``authority users``, as typed."""

import json
import logging
import os
import pty
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from click.testing import CliRunner, Result

from bluezone_node.clock import SystemClock
from bluezone_node.commands import cli
from bluezone_node.errors import AuthorityRefused, BluezoneError
from bluezone_node.store.authority.folder import make_folder, open_folder
from bluezone_node.wiring.authority import open_authority

pytestmark = pytest.mark.slow


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "a", ["registrar"]).path


def users(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["authority", "users", *arguments, "--dir", str(home)])


def made(home: Path, *arguments: str) -> dict[str, str]:
    done = users(home, *arguments, "--json")
    assert done.exit_code == 0, done.output
    found: dict[str, str] = json.loads(done.stdout)
    return found


def listed(home: Path) -> dict[str, dict[str, Any]]:
    return {user["name"]: user for user in json.loads(users(home, "list", "--json").stdout)}


def reason(done: Result) -> str:
    assert isinstance(done.exception, AuthorityRefused), done.output
    return done.exception.reason


def test_who_was_added_can_sign_in(home: Path) -> None:
    """With the first password and the code that an app makes of the address; on the same store."""
    enrolment = made(home, "add", "an", "--realm", "VN")
    assert set(enrolment) == {"name", "password", "otpauth"}
    secret = parse_qs(urlsplit(enrolment["otpauth"]).query)["secret"][0]
    with open_authority(open_folder(home), SystemClock(), ["registrar"]) as parts:
        assert parts.accounts is not None
        signed = parts.accounts.sign_in(
            "an", enrolment["password"], pyotp.TOTP(secret).at(datetime.now(UTC))
        )
    assert signed.session.actor.realm == "VN"
    assert signed.session.password_due


def test_a_first_password_is_not_written_into_a_pipe_unasked(home: Path) -> None:
    """Where standard output is no terminal nothing is done; with --show it is printed there."""
    refused = users(home, "add", "an", "--realm", "VN")
    assert refused.exit_code == 2
    assert "--show" in refused.output
    assert listed(home) == {}
    shown = users(home, "add", "an", "--realm", "VN", "--show")
    assert shown.exit_code == 0
    assert "otpauth://totp/" in shown.stdout
    assert "▀" not in shown.stdout
    assert "otpauth" not in shown.stderr


@pytest.mark.slow
def test_on_a_terminal_the_qr_code_is_drawn_and_not_spelt(home: Path) -> None:
    """What scrolls by can be scanned, and not read over a shoulder or copied by accident."""
    outer, inner = pty.openpty()
    command = [sys.executable, "-m", "bluezone_node", "authority", "users", "add", "an"]
    with subprocess.Popen(
        [*command, "--realm", "VN", "--dir", str(home)], stdout=inner, stderr=subprocess.DEVNULL
    ) as process:
        os.close(inner)
        seen = b""
        while True:
            try:
                seen += (piece := os.read(outer, 65536))
            except OSError:
                break
            if not piece:
                break
    os.close(outer)
    assert process.returncode == 0
    text = seen.decode()
    assert "first password" in text
    assert "▀" in text
    assert "otpauth" not in text


def test_the_list_says_how_people_stand(home: Path) -> None:
    """Not signed in yet, locked, disabled; nothing secret."""
    for name, role in (("an", "issuer"), ("binh", "supervisor"), ("chi", "admin")):
        enrolment = made(home, "add", name, "--realm", "VN", "--role", role)
    assert users(home, "disable", "chi").exit_code == 0
    with open_authority(open_folder(home), SystemClock(), ["registrar"]) as parts:
        assert parts.accounts is not None
        for _ in range(5):
            with pytest.raises(BluezoneError):
                parts.accounts.sign_in("binh", "wrong", "000000")
    table = users(home, "list").stdout
    first, second, third = table.splitlines()[1:]
    assert first.split(maxsplit=3) == ["an", "VN", "issuer", "has not signed in yet"]
    assert "locked until" in second
    assert "disabled since" in third
    assert enrolment["password"] not in table
    assert users(home, "unlock", "binh").exit_code == 0
    assert users(home, "enable", "chi").exit_code == 0
    assert "locked" not in users(home, "list").stdout
    assert "disabled" not in users(home, "list").stdout


def test_a_reset_makes_all_anew(home: Path) -> None:
    """Another password, another secret."""
    before, after = made(home, "add", "an", "--realm", "VN"), made(home, "reset", "an")
    assert before["name"] == after["name"]
    assert before["password"] != after["password"]
    assert before["otpauth"] != after["otpauth"]


def test_a_role_is_changed(home: Path) -> None:
    """And the province with it; those of the settings only."""
    made(home, "add", "an", "--realm", "VN")
    assert users(home, "role", "an", "--realm", "*", "--role", "admin").exit_code == 0
    assert (listed(home)["an"]["realm"], listed(home)["an"]["role"]) == ("*", "admin")
    refused = users(home, "role", "an", "--realm", "79", "--role", "issuer")
    assert reason(refused) == "unknown_realm"
    assert reason(users(home, "disable", "an")) == "last_admin"


def test_mistakes_are_said_in_a_sentence(home: Path) -> None:
    """Whichever command: nobody of that name, a name taken, a name that cannot be."""
    made(home, "add", "an", "--realm", "VN")
    for command in ("disable", "enable", "unlock"):
        assert reason(users(home, command, "nobody")) == "unknown_user"
    assert reason(users(home, "reset", "nobody", "--json")) == "unknown_user"
    assert reason(users(home, "add", "an", "--realm", "VN", "--json")) == "name_taken"
    assert reason(users(home, "add", "An Nguyễn", "--realm", "VN", "--json")) == "invalid_name"


def test_what_is_done_here_is_in_the_trail(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    """As of the command line; and neither there nor in the log is what was shown."""
    caplog.set_level(logging.DEBUG)
    enrolment = made(home, "add", "an", "--realm", "VN")
    users(home, "disable", "an")
    shown = CliRunner().invoke(cli, ["authority", "audit", "list", "--dir", str(home)]).stdout
    assert [line.split()[3:7] for line in shown.splitlines()[1:]] == [
        ["command", "line", "VN", "user_disabled"],
        ["command", "line", "VN", "user_added"],
    ]
    for secret in (enrolment["password"], enrolment["otpauth"][-50:]):
        assert secret not in shown + caplog.text
