"""A node that is given a key, as processes: what the card holds, and what commands can read."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bluezone_node.crypto.identifiers import all_identifiers
from bluezone_node.masterkey import CREDENTIAL_NAME
from bluezone_node.store.node import open_node_store
from tests.lives import on_disk
from tests.patience import PATIENCE
from tests.system.test_node_process import Stage

pytestmark = pytest.mark.slow


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    stage = Stage(tmp_path)
    await stage.air()
    await stage.node("binh")
    yield stage
    await stage.end()


@pytest.fixture
def credentials(tmp_path: Path) -> dict[str, str]:
    """The environment of a service to which systemd hands the key."""
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / CREDENTIAL_NAME).write_bytes(os.urandom(32))
    return {"CREDENTIALS_DIRECTORY": str(folder)}


async def stopped_after(stage: Stage, heard: int, **environment: str) -> None:
    """Run the node until it has heard so much, then stop it."""
    an = await stage.node("an", **environment)
    await stage.on_air("an", heard=heard)
    an.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(an.wait(), PATIENCE) == 0


async def told(stage: Stage, *words: str, **environment: str) -> tuple[int | None, str, str]:
    """Return exit status, standard output and standard error of a command."""
    process = await stage.start(*words, BLUEZONE_STATE_DIR=str(stage.folder / "an"), **environment)
    out, err = await asyncio.wait_for(process.communicate(), PATIENCE)
    return process.returncode, out.decode(), err.decode()


async def test_a_node_that_is_given_a_key_leaves_nothing_to_read(
    stage: Stage, credentials: dict[str, str]
) -> None:
    """What it wrote in the open is sealed at its start, and it goes on hearing."""
    path = stage.folder / "an" / "node.db"
    await stopped_after(stage, heard=5)
    with open_node_store(path) as store:
        keys = [key.key for key in store.own_keys()]
    with open_node_store(stage.folder / "binh" / "node.db") as store:
        others = [rpi for key in store.own_keys() for rpi in all_identifiers(key)]
    before = on_disk(path)
    assert all(key in before for key in keys)
    assert any(rpi in before for rpi in others)

    await stopped_after(stage, heard=5, **credentials)

    after = on_disk(path)
    assert not any(secret in after for secret in (*keys, *others))
    status, out, _ = await told(stage, "status", "--json", **credentials)
    document = json.loads(out)
    assert (status, document["at_rest"]["encrypted"]) == (0, True)
    assert document["at_rest"]["key_source"] == "systemd_credential"
    _, out, _ = await told(stage, "encounters", "--json", "--since", "2000-01-01", **credentials)
    assert json.loads(out)["encounters"]


async def test_without_its_key_a_sealed_node_says_so_and_can_be_erased(
    stage: Stage, credentials: dict[str, str]
) -> None:
    """Daemon and commands end with one sentence; erasing needs no key."""
    await stopped_after(stage, heard=1, **credentials)
    for words in (("run", "--radio", f"air:{stage.address}#an"), ("status",), ("alerts", "list")):
        status, _, err = await told(stage, *words)
        assert status == 1
        assert "is encrypted, and its key is not at hand" in err
        assert "Traceback" not in err
    assert (await told(stage, "erase", "--yes"))[0] == 0
    assert (await told(stage, "status"))[0] == 0


async def test_systemd_is_asked_to_wait_while_the_log_is_sealed(
    stage: Stage, credentials: dict[str, str], tmp_path: Path
) -> None:
    """Two weeks may take longer than a start is given."""
    await stopped_after(stage, heard=1)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        await stopped_after(stage, heard=1, NOTIFY_SOCKET=str(tmp_path / "notify"), **credentials)
        assert manager.recv(100).startswith(b"EXTEND_TIMEOUT_USEC=")
