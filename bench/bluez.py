"""The real radio on a real kernel and a real BlueZ, with controllers in software (tests/vm).

    python -m bench.bluez                       # this system's BlueZ
    python -m bench.bluez --root /srv/trixie    # that of another Debian, which lies in a folder

A root needs bluez, dbus, kmod, busybox-static, and this repository at /repo with its own
virtualenv in /repo/.venv.  A User-Mode Linux counts CPU time in ticks of 10 ms: coarse over a
second, fine over a minute.
"""

import argparse
import json
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from tests.vm.machine import Machine, Root, find_machine

SECONDS = 60
CROWD = 200
"""In a hall; measured for twice as long."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path)
    parser.add_argument("--seconds", type=int, default=SECONDS)
    options = parser.parse_args()
    machine = find_machine(lambda line: print(line, file=sys.stderr))
    if options.root:
        machine = _moved(machine, options.root)
    folder = Path(tempfile.mkdtemp(prefix="bluezone-bench-", dir=machine.root.folder / "tmp"))
    for kind in ("legacy", "extended"):
        for mode in ("plain", "experimental"):
            crowd = str(CROWD if kind == "legacy" else 0)
            outcome = machine.run(
                "measure",
                folder / f"{kind}-{mode}",
                kind,
                mode,
                str(options.seconds),
                crowd,
                timeout=900,
            )
            print(f"## {kind} controller, bluetoothd {mode}")
            for note in outcome.notes:
                print(json.dumps({key: value for key, value in note.items() if key != "at"}))
            if not outcome.finished:
                print(outcome.why())


def _moved(machine: Machine, folder: Path) -> Machine:
    """Return *machine* with another system's files; its modules are copied there."""
    root = Root(folder.resolve(), Path("/repo"), Path("/repo/.venv/bin/python"))
    kernel = replace(machine.kernel, root=root.folder / "bluezone-modules")
    shutil.copytree(machine.kernel.root / "lib", kernel.root / "lib", dirs_exist_ok=True)
    return replace(machine, root=root, kernel=kernel)


if __name__ == "__main__":
    main()
