"""``doctor`` finds what is wrong, for real, and says what to do about it."""

import asyncio
import json
import os
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bluezone_node.ble.frame import encode
from bluezone_node.commands import cli
from bluezone_node.commands.doctor import hearing, machine
from bluezone_node.config import load
from bluezone_node.control import ask
from bluezone_node.proximity.model import Beacon
from tests.bluez import stage as stages
from tests.bluez.kernel import LE, information, kernel_tells
from tests.bluez.stage import Stage, host
from tests.patience import PATIENCE

PEER = encode(Beacon(bytes(range(16)), b"\1\2\3\4")).hex()
HEADPHONES = "0201060303aafe" + "06ff4c00071901"
SETTINGS = """\
[node]
state_dir = "{state}"
radio = "{radio}"
time = "trusted"
"""


@dataclass
class Diagnosis:
    exit_status: int
    said: str
    document: dict[str, Any] = field(default_factory=dict)

    def __getitem__(self, subject: str) -> dict[str, Any]:
        (found,) = [each for each in self.document["findings"] if each["subject"] == subject]
        return found  # type: ignore[no-any-return]

    @property
    def subjects(self) -> list[str]:
        return [each["subject"] for each in self.document["findings"]]


NOBODY = 65534


def settings(where: Path, radio: str = "auto", folder: Path | None = None) -> Path:
    """Write settings into *where*; the node's folder is in *folder*, or there too."""
    path = where / "config.toml"
    path.write_text(SETTINGS.format(state=(folder or where) / "state", radio=radio))
    return path


async def doctor(config: Path) -> Diagnosis:
    """Run the command, which has a loop of its own."""
    arguments = ["doctor", "--json", "--config", str(config)]
    done = await asyncio.to_thread(CliRunner().invoke, cli, arguments)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return Diagnosis(done.exit_code, done.stderr, json.loads(done.stdout))


async def test_without_a_bus_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No D-Bus, no Bluetooth: one finding with its cure, and no traceback."""
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path / 'nobody'}")
    found = await doctor(settings(tmp_path))
    assert found.exit_status == 1
    assert not found["radio"]["good"]
    assert "D-Bus" in found["radio"]["found"]
    assert "apt install dbus bluez" in found["radio"]["cure"]
    assert "adapter" not in found.subjects


async def test_without_bluetoothd_it_says_so(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bus on which nobody is org.bluez."""
    await host(stage, monkeypatch)
    await stage("die", host="an")
    found = await doctor(settings(tmp_path))
    assert "bluetoothd does not run" in found["radio"]["found"]
    assert "systemctl enable --now bluetooth" in found["radio"]["cure"]


@pytest.mark.slow
async def test_a_bluetoothd_that_hangs_does_not_hang_it(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every question has a time limit."""
    await host(stage, monkeypatch)
    await stage("hang", host="an")
    found = await doctor(settings(tmp_path))
    assert "not answered" in found["radio"]["found"]
    assert "restart bluetooth" in found["radio"]["cure"]


async def test_a_user_who_may_not_is_told_how_to(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bus whose policy keeps bluetoothd to others."""
    policy = '<policy context="mandatory"><deny send_destination="org.bluez"/></policy>'
    closed = stages._CONFIG.replace("</busconfig>", f"{policy}</busconfig>")
    monkeypatch.setattr(stages, "_CONFIG", closed)
    await host(stage, monkeypatch)
    found = await doctor(settings(tmp_path))
    assert found["radio"]["found"] == "this user may not speak with bluetoothd"
    assert "--groups bluetooth" in found["radio"]["cure"]


async def test_no_adapter(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """bluetoothd runs and has none."""
    await host(stage, monkeypatch)
    await stage("unplug", adapter="an/hci0")
    found = await doctor(settings(tmp_path))
    assert found["radio"]["good"]
    assert found["adapter"]["found"] == "no Bluetooth adapter"
    assert "disable-bt" in found["adapter"]["cure"]
    assert "hearing" not in found.subjects


async def test_another_adapter_than_the_one_named(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that is there is named, and the setting that takes it."""
    await host(stage, monkeypatch)
    found = await doctor(settings(tmp_path, radio="bluez:hci7"))
    assert found["adapter"]["found"] == "there is no hci7, but hci0"
    assert 'node.radio = "auto"' in found["adapter"]["cure"]


async def test_an_adapter_that_would_cut_the_tag_of_a_place(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is a fault where the device stands at a place, and no matter where it does not."""
    monkeypatch.setattr(hearing, "LISTEN", 0.01)
    await host(stage, monkeypatch)
    config = settings(tmp_path)
    with kernel_tells(monkeypatch, information(0, LE)):
        assert "place" not in (await doctor(config)).subjects
        config.write_text(config.read_text() + '[kiosk]\nvenue = "venue.json"\n')
        found = await doctor(config)
    assert not found["place"]["good"]
    assert "hci0 is for Bluetooth LE alone" in found["place"]["found"]
    assert "ControllerMode = dual" in found["place"]["cure"]


async def test_an_adapter_switched_off(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said, it is not switched on, and nothing is tried with it."""
    await host(stage, monkeypatch)
    await stage("power", adapter="an/hci0", on=False)
    found = await doctor(settings(tmp_path))
    assert found["adapter"] | {"cure": ""} == {
        "subject": "adapter",
        "good": False,
        "found": "hci0 is switched off",
        "cure": "",
    }
    assert "bluetoothctl power on" in found["adapter"]["cure"]
    assert not {"advertising", "hearing"} & set(found.subjects)
    assert not await stage.calls("an", "Set Powered", "StartDiscovery")


async def test_an_adapter_blocked_by_rfkill(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another cure than for one that is merely off."""
    await host(stage, monkeypatch, experimental=True)
    await stage("block", adapter="an/hci0", on=True)
    found = await doctor(settings(tmp_path))
    assert not found["adapter"]["good"]
    assert found["adapter"]["cure"] == "sudo rfkill unblock bluetooth"


@pytest.mark.slow
async def test_without_a_node_it_listens_itself(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For some seconds, to everyone, saying that it does so; nothing is left behind."""
    await host(stage, monkeypatch)
    await stage("beacon", name="peer", payload=PEER, ms=50)
    await stage("beacon", name="headphones", payload=HEADPHONES, ms=50)
    found = await doctor(settings(tmp_path))
    assert "listening with hci0" in found.said
    assert found["hearing"]["good"]
    assert "as no node runs: 1 of our frames and 1 of others" in found["hearing"]["found"]
    assert not found["node"]["good"]
    state = await stage("state", adapter="an/hci0")
    assert (state["scan"], state["advertisements"]) == ("off", 0)


@pytest.mark.slow
async def test_a_deaf_adapter(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Silence is a fault here: whoever asks can put a telephone beside it."""
    await host(stage, monkeypatch)
    await stage("beacon", name="headphones", payload=HEADPHONES, ms=50)
    await stage("deaf", adapter="an/hci0", on=True)
    found = await doctor(settings(tmp_path))
    assert not found["hearing"]["good"]
    assert "telephone" in found["hearing"]["cure"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize(("closed", "owner"), [("state", "root"), ("", "bluezone")])
def test_a_folder_of_another_user(tmp_path: Path, closed: str, owner: str) -> None:
    """Whoever forgot sudo -u is told, instead of being told that no node runs."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as shared:
        (Path(shared) / "state").mkdir(mode=0o700)
        Path(shared).chmod(0o755)
        (Path(shared) / closed).chmod(0o700)
        loaded = load(settings(tmp_path, folder=Path(shared)))
        os.seteuid(NOBODY)
        try:
            (finding,) = machine.store(loaded)
            assert machine.belongs_to_another(loaded)
        finally:
            os.seteuid(0)
    assert not finding.good
    assert finding.cure == f"sudo -u {owner} bluezone-node doctor"


async def test_data_at_rest_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unencrypted is said and is no fault; a key that is named and cannot be read is."""
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path / 'nobody'}")
    config = settings(tmp_path)
    found = await doctor(config)
    assert found["at rest"]["good"]
    assert "NOT encrypted" in found["at rest"]["found"]
    config.write_text(config.read_text() + f'key_file = "{tmp_path / "absent"}"\n')
    found = await doctor(config)
    assert not found["database"]["good"]
    assert not found["at rest"]["good"]


async def test_settings_that_cannot_be_read(tmp_path: Path) -> None:
    """Nothing else can be said then."""
    config = tmp_path / "config.toml"
    config.write_text("[node]\nradoi = 1\n")
    found = await doctor(config)
    assert found.exit_status == 1
    assert found.subjects == ["settings"]


class Nodes:
    """Daemons as processes, each on a machine of its own."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self._stage = stage
        self._folder = folder
        self._processes: list[asyncio.subprocess.Process] = []

    async def start(self, name: str) -> Path:
        """Start a node on a new machine *name*; return its settings when it is on the air."""
        folder = self._folder / f"of-{name}"
        folder.mkdir()
        config = settings(folder, radio="bluez:hci0")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bluezone_node", "run", "--config", str(config)),
            stderr=asyncio.subprocess.DEVNULL,
            env=self.environment(name) | {"DBUS_SYSTEM_BUS_ADDRESS": self._stage.bus(name)},
        )
        self._processes.append(process)
        await self.until(config, lambda status: status["radio"]["advertising"])
        return config

    def environment(self, name: str) -> dict[str, str]:
        return os.environ | {"DBUS_SYSTEM_BUS_ADDRESS": self._stage.bus(name)}

    async def until(self, config: Path, fits: Any, question: str = "status") -> None:
        async with asyncio.timeout(PATIENCE):
            while True:
                answer = await asyncio.to_thread(ask, config.parent / "state", question)
                if answer and fits(answer):
                    return
                await asyncio.sleep(0.05)

    async def doctor(self, name: str, config: Path) -> Diagnosis:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bluezone_node", "doctor", "--json", "--config", str(config)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self.environment(name),
        )
        out, err = await asyncio.wait_for(process.communicate(), PATIENCE)
        return Diagnosis(process.returncode or 0, err.decode(), json.loads(out))

    async def end(self) -> None:
        for process in self._processes:
            process.terminate()
            await asyncio.wait_for(process.wait(), PATIENCE)


@pytest.mark.slow
async def test_two_nodes_see_on_each_others_screen_whether_they_are_heard(
    stage: Stage, tmp_path: Path
) -> None:
    """Two daemons on two machines: the mark of one stands among the neighbours of the other."""
    await stage.host("an", hci0="legacy")
    await stage.host("binh", hci0="ext", experimental=True)
    nodes = Nodes(stage, tmp_path)
    try:
        an, binh = await nodes.start("an"), await nodes.start("binh")
        for config in (an, binh):
            await nodes.until(config, lambda answer: answer["near"], "neighbours")
        of_an, of_binh = await nodes.doctor("an", an), await nodes.doctor("binh", binh)
    finally:
        await nodes.end()
    mark = of_an.document["neighbours"]["mark"]
    assert mark
    assert mark in {each["mark"] for each in of_binh.document["neighbours"]["near"]}
    assert f"this node is {mark} just now" in of_an["neighbours"]["found"]
    assert f"{mark} (" in of_binh["neighbours"]["found"]
    assert of_an["node"]["good"]
    assert "listening in bursts" in of_an["node"]["found"]
    assert "listening with a monitor" in of_binh["node"]["found"]
    assert of_an["on the air"]["good"]
    assert of_an["hearing"]["good"]
    assert "1 registered" in of_an["advertising"]["found"]
    assert of_an["time"]["found"] == "known, by its owner"
    assert [each["subject"] for each in of_an.document["findings"] if not each["good"]] == [
        "sources"
    ]
