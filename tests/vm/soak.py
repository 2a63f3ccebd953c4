"""``python -m tests.vm.soak``: the soak scenario for as long as one likes, with its figures."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from tests.vm.machine import find_machine


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--kind", choices=["legacy", "extended"], default="legacy")
    parser.add_argument("--folder", type=Path, help="Where all is kept. Default: a new one.")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="bluezone-soak-"))
    print(f"everything is in {folder}", file=sys.stderr)
    machine = find_machine(lambda line: print(line, file=sys.stderr))
    outcome = machine.run(
        "soak", folder, str(options.minutes), options.kind, timeout=options.minutes * 60 + 300
    )
    for name, verdict in outcome.checks.items():
        print("ok  " if verdict["ok"] else "FAIL", name, json.dumps(verdict))
    for note in outcome.notes:
        if note["note"] == "soak":
            print(json.dumps(note, indent=1))
    if not outcome.finished:
        print(outcome.why(), file=sys.stderr)
    well = outcome.finished and all(verdict["ok"] for verdict in outcome.checks.values())
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
