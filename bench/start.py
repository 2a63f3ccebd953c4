"""How long `bluezone-node status` takes from the shell, beside an empty Python.

python -m bench.start
"""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

ROUNDS = 15


def wall(*command: str, environment: dict[str, str]) -> float:
    """Return the wall seconds of one run of *command*."""
    began = time.perf_counter()
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def main() -> None:
    with TemporaryDirectory(prefix="bench-") as folder:
        environment = {**os.environ, "BLUEZONE_STATE_DIR": folder, "BLUEZONE_CONFIG": os.devnull}
        program = str(Path(sys.executable).with_name("bluezone-node"))
        wall(program, "status", environment=environment)  # makes the database
        ours, empty = [], []
        for _ in range(ROUNDS):
            ours.append(wall(program, "status", environment=environment))
            empty.append(wall(sys.executable, "-c", "pass", environment=environment))
    status, python = statistics.median(ours), statistics.median(empty)
    print(f"bluezone-node status  {status:.3f} s   (at most 0.4 s)")
    print(f"python -c pass        {python:.3f} s   status takes {status / python:.1f} times that")


if __name__ == "__main__":
    main()
