"""What a stolen database, a log or an error gives of the people who work with the registrar."""

import logging
import os
import traceback
from base64 import b32encode
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest

from bluezone_node.authority.ports.accounts import OPERATOR
from bluezone_node.errors import BluezoneError
from bluezone_node.store.authority import registry_tables
from bluezone_node.store.authority.accounts import SqlAccounts
from bluezone_node.store.authority.audit import SqlAudit
from tests.kept import Kept
from tests.staff import PASSWORD, Staff


@pytest.fixture
def staff(tmp_path: Path) -> Iterator[Staff]:
    kept = Kept(tmp_path, None)
    engine = kept._open(registry_tables.LAYOUT)
    yield Staff(people=SqlAccounts(engine), entries=SqlAudit(engine), entropy=os.urandom)
    kept.close()


def used(staff: Staff) -> dict[str, bytes]:
    """Use accounts in every way; return all that must be nowhere, by what it is."""
    first = staff.add("an", "79")
    signed = staff.settle(first)
    second = staff.sign_in(first, PASSWORD)
    code = staff.code(first)
    renewed = staff.accounts.reset(OPERATOR, "an")
    again = staff.sign_in(renewed)
    secrets = {
        "chosen password": PASSWORD.encode(),
        "first password": first.password.encode(),
        "renewed password": renewed.password.encode(),
        "password typed for a name": b"typed-into-the-wrong-field",
    }
    for number, session in enumerate((signed, second, again)):
        secrets[f"token {number}"] = session.token.encode()
        secrets[f"csrf {number}"] = session.session.csrf.encode()
    for number, enrolment in enumerate((first, renewed)):
        text = parse_qs(urlsplit(enrolment.otpauth).query)["secret"][0]
        secrets[f"TOTP secret {number} in base 32"] = text.encode()
        secrets[f"TOTP secret {number}"] = pyotp.TOTP(text).byte_secret()
    for given in (
        ("typed-into-the-wrong-field", PASSWORD, code),
        ("an", "mistyped-canary", code),
        *(("an", "mistyped-canary", "000000"),) * 5,
    ):
        with pytest.raises(BluezoneError):
            staff.accounts.sign_in(*given, address="192.0.2.7")
    secrets["mistyped password"] = b"mistyped-canary"
    secrets["address"] = b"192.0.2.7"
    return secrets


def test_no_secret_is_in_the_files_of_the_database(staff: Staff, tmp_path: Path) -> None:
    """Neither in the tables nor in the write-ahead log; the canary's own name is."""
    secrets = used(staff)
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert any(b"user_locked" in data for data in files.values())
    assert any(name.endswith("-wal") for name in files)
    for what, secret in secrets.items():
        for name, data in files.items():
            assert secret not in data, f"{what} is in {name}"


def test_no_secret_is_in_logs_errors_or_the_trail(
    staff: Staff, caplog: pytest.LogCaptureFixture
) -> None:
    """Also with everything switched on, and in tracebacks."""
    caplog.set_level(logging.DEBUG)
    secrets = used(staff)
    told = [caplog.text, repr(list(staff.entries.walk())), repr(staff.people.users())]
    for given in (("an", PASSWORD, "123456"), ("nobody", PASSWORD, "")):
        try:
            staff.accounts.sign_in(*given)
        except BluezoneError as refused:
            told += [repr(refused), str(refused), refused.hint, *traceback.format_exc()]
    for what, secret in secrets.items():
        text = secret.decode("latin-1")
        assert not any(text in each or repr(secret)[2:-1] in each for each in told), what


def test_a_stolen_database_signs_in_nobody(staff: Staff) -> None:
    """What stands there is taken for nothing: neither as a token nor as a password or code."""
    enrolment = staff.add("an", "79")
    signed = staff.settle(enrolment)
    user = staff.people.user("an")
    assert user is not None
    found = staff.people.session(staff.accounts._sessions.digest(signed.token))
    assert found is not None
    stored, _ = found
    for token in (stored.digest.hex(), stored.digest.decode("latin-1")):
        assert staff.accounts.session(token) is None
    staff.pass_time(seconds=30)
    with pytest.raises(BluezoneError):
        staff.accounts.sign_in("an", user.password, staff.code(enrolment))
    sealed = pyotp.TOTP(b32encode(user.totp_secret[12:32]).decode())
    with pytest.raises(BluezoneError):
        staff.accounts.sign_in("an", PASSWORD, sealed.at(staff.clock.now()))
