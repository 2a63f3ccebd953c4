"""Which BlueZ and which kernel there are, and what they let a node do."""

import re
import subprocess
from typing import NamedTuple

PROGRAMS = (
    "bluetoothctl",
    "/usr/libexec/bluetooth/bluetoothd",
    "/usr/lib/bluetooth/bluetoothd",
)
"""Any of them says the version; Debian packs all in ``bluez``, others bluetoothctl apart."""

PATIENCE = 5.0
"""Seconds for a program that only prints its version: 10 ms, more from a slow SD card."""


class Version(NamedTuple):
    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


OLDEST_TRIED = Version(5, 66)
"""Debian 12 and Raspberry Pi OS bookworm."""

HONOURS_INTERVALS = Version(5, 77)
"""From here on the interval that is asked for is taken without ``--experimental``."""

REFUSING_KERNELS = {"6.12.93", "6.18.34", "6.18.35"}
"""They refuse every advertisement of a BlueZ before `TIDY`, which sends some bytes too many
(raspberrypi/linux issue 7473, bluez issue 2269). 6.18.36 bears with it again."""

TIDY = Version(5, 87)


def refuses(kernel: str, version: Version | None) -> bool:
    """Tell whether *kernel*, such as ``6.18.34+rpt-rpi-2712``, refuses what this BlueZ sends."""
    number = re.match(r"\d+\.\d+\.\d+", kernel)
    known = number is not None and number[0] in REFUSING_KERNELS
    return known and (version is None or version < TIDY)


def installed_version() -> Version | None:
    """Ask the installed programs; None where none of them is there and says it."""
    for program in PROGRAMS:
        try:
            done = subprocess.run(  # noqa: S603 - the names above
                [program, "--version"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        if found := re.search(r"(\d+)\.(\d+)", done.stdout):
            return Version(int(found[1]), int(found[2]))
    return None
