"""Who vouches for the machine's clock: the network, a real-time clock, or its owner.

A Raspberry Pi has no clock that runs while it is off.  Until a time server answers it takes up
the time at which it was last shut down, and nothing about that time looks wrong.
"""

import ctypes
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from bluezone_node.ports import Voucher

SYNCHRONISED = Path("run/systemd/timesync/synchronized")
"""Touched by systemd-timesyncd whenever it sets the clock, and gone after a reboot.  It tells
more than the kernel, whom timesyncd does not inform where the real-time clock runs in local
time, and who forgets after nine hours without network."""

REAL_TIME_CLOCKS = Path("sys/class/rtc")

RTC_AGREES = 900.0
"""Seconds by which a real-time clock may differ and still vouch: what a Raspberry Pi's crystal
(100 ppm) drifts in a hundred days without network.

Whether the two agree now is asked, and not whether the kernel set the clock from it at boot
(``hctosys``): many kernels of the Raspberry Pi leave that to hwclock(8), and any other does so
also from a clock without a battery, after which systemd moves on to the last shutdown."""

_STA_UNSYNC = 0x0040
_PHASE_LIMIT = 16_000_000
"""Microseconds of possible error from which the kernel itself gives the clock up (timex.h)."""


class _Timex(ctypes.Structure):
    """The head of struct timex, see adjtimex(2); the rest is room."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 256),
    )


def kernel_synchronised() -> bool:
    """Return whether the kernel says that something keeps its clock right.

    Where it may not be asked (a container, a service with ``ProtectClock=``) it does not say so.
    """
    timex = _Timex(modes=0)  # 0: only read
    try:
        answer = ctypes.CDLL(None).adjtimex(ctypes.byref(timex))
    except (OSError, AttributeError):
        return False
    unsure = timex.status & _STA_UNSYNC or timex.maxerror >= _PHASE_LIMIT
    return answer >= 0 and not unsure


class SystemWitness:
    """Looks at what this machine offers. Satisfies ``ports.Witness``."""

    def __init__(
        self,
        *,
        owner_vouches: bool,
        root: Path = Path("/"),
        kernel: Callable[[], bool] = kernel_synchronised,
    ) -> None:
        self._owner_vouches = owner_vouches
        self._root = root
        self._kernel = kernel

    def __call__(self, now: datetime) -> Voucher:
        if self._kernel() or (self._root / SYNCHRONISED).exists():
            return Voucher.NETWORK
        if any(abs(rtc - now.timestamp()) <= RTC_AGREES for rtc in self._real_time_clocks()):
            return Voucher.HARDWARE
        return Voucher.OWNER if self._owner_vouches else Voucher.NOBODY

    def _real_time_clocks(self) -> list[int]:
        """Return what the real-time clocks say, Unix seconds."""
        readings = []
        for file in (self._root / REAL_TIME_CLOCKS).glob("rtc*/since_epoch"):
            try:
                readings.append(int(file.read_text()))
            except (OSError, ValueError):
                # A clock whose battery died refuses to be read.
                continue
        return readings
