"""A register of names with real processes: an authority that serves, a kiosk that asks it."""

import asyncio
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from bluezone_node.store.authority.folder import open_folder
from bluezone_node.wiring.kiosk import write_pin
from tests.authority_process import running
from tests.offices import ANH, CANARIES, Offices
from tests.patience import PATIENCE

pytestmark = pytest.mark.slow
PIN = "246810"


@contextmanager
def kiosk(offices: Offices, log: Path) -> Iterator[str]:
    """Run the clinic's kiosk; yield where its page is."""
    with log.open("w", encoding="utf-8") as told:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "bluezone_node", "kiosk", "--verbose"),
                *("--listen", "127.0.0.1:0", "--config", str(offices.config)),
            ],
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            stderr=told,
        )
    try:
        yield _address(log, process)
    finally:
        process.kill()
        process.wait()


def _address(log: Path, process: "subprocess.Popen[bytes]") -> str:
    while process.poll() is None:
        for line in log.read_text(encoding="utf-8").splitlines():
            if "the page is at " in line:
                return line.partition("http://")[2].rstrip("/")
    raise AssertionError(log.read_text(encoding="utf-8"))


def post(address: str, path: str, **fields: str) -> dict[str, Any]:
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    with closing(http.client.HTTPConnection(address, timeout=PATIENCE)) as connection:
        connection.request("POST", path, urlencode(fields), headers)
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
    return answer


def manager_page(address: str) -> str:
    """Sign in with the PIN, and return what the manager sees."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    with closing(http.client.HTTPConnection(address, timeout=PATIENCE)) as connection:
        connection.request("POST", "/pin?manager", urlencode({"pin": PIN}), form)
        signed = connection.getresponse()
        signed.read()
        cookie = signed.headers["Set-Cookie"].partition(";")[0]
        connection.request("GET", "/manager", headers={"Cookie": cookie})
        return connection.getresponse().read().decode()


def answered(offices: Offices) -> None:
    """Wait until the kiosk has sent its rows."""
    end = time.monotonic() + PATIENCE
    while offices.state()[0] != "answered":
        assert time.monotonic() < end, "the kiosk does not answer"


def test_a_name_goes_from_the_door_to_two_officers_and_nowhere_else(tmp_path: Path) -> None:
    """Typed at the door, asked for on the server, sent by the kiosk, read for a purpose."""
    offices = Offices(tmp_path)
    write_pin(offices.settings, PIN)
    log = tmp_path / "kiosk.log"

    def at_the_door() -> str:
        with kiosk(offices, log) as address:
            refused = post(address, "/phone", number=ANH.phone, party="1")
            assert refused["colour"] == "red", refused
            entered = post(address, "/phone", number=ANH.phone, name=ANH.name, party="1")
            assert entered["colour"] != "red", entered
        said = log.read_text(encoding="utf-8")
        number = offices.approved()
        with kiosk(offices, log) as address:
            answered(offices)
            seen = manager_page(address)
        read = offices.desk("warrant", "show", number[:8], "--purpose", "gọi F1")
        assert ANH.name in read.stdout
        assert "cơ quan y tế mở 1 dòng" in seen
        assert "Luật Phòng" in seen
        return said + seen + f"{entered}"

    async def story() -> str:
        async with running(open_folder(offices.home), "--role", "registrar") as authority:
            document = json.loads((tmp_path / "venue.json").read_text())
            document["authority"] = authority.url
            (tmp_path / "venue.json").write_text(json.dumps(document))
            said = await asyncio.to_thread(at_the_door)
            authority.stop()
            return said + await authority.stopped()

    said = asyncio.run(story())
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    said += b"".join(files).decode(errors="replace")
    for canary in CANARIES:
        assert canary not in said
