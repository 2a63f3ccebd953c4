"""The installed packages under a real systemd: first program of a machine with its own kernel."""

import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.packaging.debian import Root
from tests.patience import STORY_PATIENCE
from tests.vm.machine import find_machine
from tests.vm.packages import Unavailable, may_install
from tests.vm.uml import Kernel

pytestmark = pytest.mark.vm

GUEST = Path(__file__).parent / "guest"
VM = Path(__file__).resolve().parents[1] / "vm"
MEMORY_MB = 1024
DISK_SIZE = "1200M"
"""Of which the file on the host takes what is written."""

PROOFS = {
    "starts": "the node is enabled and started, and systemd hears that it is on the air",
    "hardened": "it may read the clock, ask the bus and write its data, and nothing else tried",
    "sealed_credential": "a key sealed by systemd-creds is handed over; a missing one was no fault",
    "restarts_by_hand": "systemctl restart gives a new node that runs",
    "killed": "a killed node is started again",
    "hung": "a stopped node starves the watchdog and is started again",
    "fed": "a node that works is left alone by the watchdog",
    "lost_radio": "a node that lost its radio has Bluetooth restarted and is started again",
    "lost_again": "Bluetooth is not restarted twice in ten minutes; the node is tried again",
    "stopped_while_lost": "who stops a node in that state is not overruled",
    "upgraded": "an upgrade stops the old program and starts the new on the old data",
    "authority_answers": "the authority is woken by a visitor, and a restart refuses nobody",
    "bluez": "the service on a real bluetoothd hears another node",
    "purged": "a purge stops everything and leaves neither data nor user",
}


@pytest.fixture(scope="module")
def proofs(
    packages: dict[str, Path], root: Root, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Any]]:
    """What the machine found, by proof: it is booted once."""
    folder = tmp_path_factory.mktemp("service")
    try:
        machine = find_machine(lambda line: print(line, file=sys.stderr))
    except Unavailable as reason:
        if os.environ.get("CI") == "true" and may_install():
            raise
        pytest.skip(str(reason))
    if machine.emulated:
        pytest.skip("an emulated machine is too slow for this one; it takes User-Mode Linux")
    out = folder / "out"
    out.mkdir()
    root.dpkg("--install", packages["bluezone-node"], packages["bluezone-authority"])
    _furnish(root, machine.kernel, out)
    console = _boot(machine.kernel, root, out / "console.log")
    results = out / "results.jsonl"
    lines = results.read_text().splitlines() if results.is_file() else []
    assert lines, f"no proof was given; the machine said:\n{console[-3000:]}"
    return {line["proof"]: line for line in map(json.loads, lines)}


def _furnish(root: Root, kernel: Kernel, out: Path) -> None:
    """Lay beside the installed packages what the machine and its proofs need."""
    proof = root.path / "proof"
    shutil.copytree(GUEST, proof)
    shutil.copytree(VM / "radio", proof / "tests/vm/radio")
    (proof / "out").write_text(str(out))
    shutil.copytree(kernel.modules, root.path / "lib/modules" / kernel.version)
    enabled = root.run("systemctl", "enable", "/proof/proof.service")
    assert enabled.returncode == 0, enabled.stderr


def _boot(kernel: Kernel, root: Root, console: Path) -> str:
    """Run the machine until it switches itself off; return what it said."""
    # A disk, and not the folder itself: the guest has a cache for it, and owners that hold.
    disk = console.with_name("disk")
    subprocess.run(
        ["mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-d", root.path, disk, DISK_SIZE],
        check=True,
    )
    with console.open("wb") as said:
        running = subprocess.Popen(
            [
                *(str(kernel.image), f"mem={MEMORY_MB}M", f"ubd0={disk}", "root=/dev/ubda", "rw"),
                *("init=/lib/systemd/systemd", "con=null", "con0=null,fd:1"),
                *("quiet", "loglevel=4", "panic=-1", "systemd.mask=getty.target"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
        try:
            running.wait(STORY_PATIENCE)
        except subprocess.TimeoutExpired:
            said.write(b"\nswitched off: it took too long\n")
        finally:
            # Its own group: a User-Mode Linux is many processes of the host.
            with suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
            running.wait()
            disk.unlink()
    return console.read_text(errors="replace")


@pytest.mark.parametrize("proof", PROOFS, ids=lambda proof: PROOFS[proof].replace(" ", "-"))
def test_under_systemd(proofs: dict[str, dict[str, Any]], proof: str) -> None:
    """Each judged in the machine, with its evidence beside it."""
    found = proofs.get(proof, {"ok": False, "trace": "the machine did not get that far"})
    assert found["ok"], json.dumps(found, indent=1).replace("\\n", "\n")
