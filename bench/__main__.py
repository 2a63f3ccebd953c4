"""All figures, one after the other: ``make bench``."""

import subprocess
import sys

BENCHES = (
    "matching",
    "frame",
    "fold",
    "export",
    "export_speed",
    "daemon",
    "disk",
    "rest",
    "start",
    "air",
    "authority",
    "publish",
    "peak_day",
    "accounts",
    "nearness",
    "places",
    "posters",
    "notice",
    "kiosk",
)


def main() -> None:
    for name in BENCHES:
        print(f"\n== bench.{name}", flush=True)
        # A process of its own each: memory and caches of one must not colour the next.
        subprocess.run([sys.executable, "-m", f"bench.{name}"], check=True)


if __name__ == "__main__":
    main()
