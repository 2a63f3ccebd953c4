"""``bluezone-node air serve`` as a process."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bluezone_node.ble.virtual import open_air
from bluezone_node.proximity.model import Beacon
from tests.patience import PATIENCE

pytestmark = pytest.mark.slow

SCENARIO = """
start = 2026-03-02T08:00:00Z
pace = 100
devices = [
    { name = "an", path = [{ at = "0s", x = 0, y = 0 }] },
    { name = "binh", path = [{ at = "0s", x = 1, y = 0 }] },
]
"""


def command(folder: Path, *arguments: str) -> list[str]:
    (folder / "scenario.toml").write_text(SCENARIO)
    return [
        sys.executable,
        "-c",
        "from bluezone_node.commands import main; main()",
        "air",
        "serve",
        *arguments,
    ]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running air and the address that it printed."""
    with subprocess.Popen(
        command(tmp_path, "scenario.toml", "--log", "air.jsonl"),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_serves_until_told_to_stop_and_tidies_up(
    served: tuple[subprocess.Popen[str], str], tmp_path: Path, number: int
) -> None:
    """Nodes in other processes meet there; a signal ends it cleanly, with the log complete."""
    process, spec = served
    assert spec == f"air:{tmp_path / 'air.sock'}"
    an, clock = await open_air(f"{spec}#an")
    binh, _ = await open_air(f"{spec}#binh")
    for turn in range(5):
        await an.advertise(Beacon(bytes([turn]) * 16, bytes(4)))
        await clock.sleep(10)
    async with asyncio.timeout(PATIENCE):
        while binh.condition().heard <= 100:
            await clock.sleep(1)
    os.kill(process.pid, number)
    assert process.wait(timeout=PATIENCE) == 0
    assert not (tmp_path / "air.sock").exists()
    lines = [json.loads(line) for line in (tmp_path / "air.jsonl").read_text().splitlines()]
    assert len({line["address"] for line in lines}) == len({line["payload"] for line in lines}) == 5
    assert {line["device"] for line in lines} == {"an"}
    assert all(line["pdus"] > 10 and line["start"] < line["end"] for line in lines)
    await an.close()
    await binh.close()


@pytest.mark.parametrize(
    ("arguments", "status", "complaint"),
    [
        (("missing.toml",), 1, "missing.toml"),
        (("broken.toml",), 1, "broken.toml: not TOML"),
        (("latin.toml",), 1, "not a text file in UTF-8"),
        (("scenario.toml", "--listen", "example.org:80"), 69, "on this machine only"),
        (("scenario.toml", "--listen", "no/such/folder/air.sock"), 69, "no air can be opened"),
        (("scenario.toml", "--listen", "x" * 120), 69, "no air can be opened"),
    ],
)
def test_what_cannot_be_served_is_refused_in_a_sentence(
    tmp_path: Path, arguments: tuple[str, ...], status: int, complaint: str
) -> None:
    """The exit status tells a bad file from a radio that cannot be had; no traceback."""
    (tmp_path / "broken.toml").write_text("start = ")
    (tmp_path / "latin.toml").write_bytes(b"name = '\xe9'")
    ended = subprocess.run(
        command(tmp_path, *arguments),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ended.returncode == status
    assert complaint in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""
