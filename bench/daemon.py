"""What the node costs while 200 neighbours advertise: CPU, memory, and sightings per second.

python -m bench.daemon

A real node process on a real air process for a minute.  The CPU is also
given as a multiple of what decoding and folding the same frames costs by itself, in the same run.
"""

import asyncio
import os
import random
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bluezone_node.ble.frame import decode, encode
from bluezone_node.control import ask
from bluezone_node.intervals import from_unix
from bluezone_node.proximity.encounters import Fold
from bluezone_node.proximity.model import Beacon, Sighting

NEIGHBOURS = 200
SECONDS = 60
PACE = 1.85
"""Of 200 advertisers in one hall collisions leave some 460 packets a second, however often they
send. Time that runs faster brings 800 and more in each second of the wall."""

TICK = os.sysconf("SC_CLK_TCK")


def scenario(frames: list[bytes]) -> str:
    """Return a hall in which *frames* are on the air, and one node that listens."""
    text = f"start = 2026-03-02T01:00:00Z\npace = {PACE}\n[air]\nadvertising_interval_ms = 225\n"
    text += '[[devices]]\nname = "node"\npath = [{ at = "0m", x = 0, y = 0 }]\n'
    for number, frame in enumerate(frames):
        x, y = number % 20 - 10, number // 20 - 5
        text += (
            f'[[noise]]\nname = "n{number}"\npayload = "{frame.hex()}"\n'
            f'path = [{{ at = "0m", x = {x}, y = {y} }}]\n'
        )
    return text


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmRSS")


def bare_cost(frames: list[bytes], count: int) -> float:
    """Return the CPU seconds that decoding and folding *count* frames take, and nothing else."""
    fold, now = Fold(), time.time()
    began = time.process_time()
    for number in range(count):
        frame = decode(frames[number % len(frames)])
        fold.hear(Sighting(from_unix(now), frame.identifier, frame.metadata, -60, frame.protocol))
    return time.process_time() - began


async def on_air(state: Path) -> dict[str, Any]:
    """Return the node's status once it advertises."""
    async with asyncio.timeout(20):
        while True:
            answer = ask(state, "status")
            if answer and answer["radio"]["advertising"]:
                return answer
            await asyncio.sleep(0.1)


async def measure(folder: Path) -> None:
    chance = random.Random(1)
    frames = [encode(Beacon(chance.randbytes(16), chance.randbytes(4))) for _ in range(NEIGHBOURS)]
    (folder / "hall.toml").write_text(scenario(frames))
    address = f"air:{folder / 'air.sock'}"
    run = (sys.executable, "-m", "bluezone_node")
    air = await asyncio.create_subprocess_exec(
        *run,
        *("air", "serve", str(folder / "hall.toml"), "--listen", str(folder / "air.sock")),
        stdout=asyncio.subprocess.PIPE,
    )
    assert air.stdout is not None
    await air.stdout.readline()  # it says its address when it is ready
    state = folder / "node"
    node = await asyncio.create_subprocess_exec(
        *run,
        "run",
        "--radio",
        f"{address}#node",
        env={**os.environ, "BLUEZONE_STATE_DIR": str(state), "BLUEZONE_CONFIG": os.devnull},
    )
    try:
        answer = await on_air(state)
        heard, used, began = answer["radio"]["heard"], cpu_seconds(node.pid), time.monotonic()
        await asyncio.sleep(SECONDS)
        answer = ask(state, "status")
        assert answer is not None
        heard = answer["radio"]["heard"] - heard
        used, wall = cpu_seconds(node.pid) - used, time.monotonic() - began
        bare = bare_cost(frames, heard)
        print(f"sightings            {heard / wall:7.0f} /s from {NEIGHBOURS} neighbours")
        print(f"CPU of the node      {used / wall:7.1%} of one core   (at most 15 %)")
        print(f"  decode and fold    {bare / wall:7.1%}; the node is {used / bare:.1f} times that")
        print(f"resident memory      {resident_mb(node.pid):7.1f} MB            (at most 90 MB)")
    finally:
        for process in (node, air):
            process.terminate()
            await process.wait()


def main() -> None:
    with TemporaryDirectory(prefix="bench-") as folder:
        asyncio.run(measure(Path(folder)))


if __name__ == "__main__":
    main()
