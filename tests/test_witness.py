"""Who vouches for the machine's clock."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bluezone_node.ports import Voucher
from bluezone_node.witness import (
    REAL_TIME_CLOCKS,
    RTC_AGREES,
    SYNCHRONISED,
    SystemWitness,
    kernel_synchronised,
)

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def witness(root: Path, *, owner: bool = False, kernel: bool = False) -> SystemWitness:
    return SystemWitness(owner_vouches=owner, root=root, kernel=lambda: kernel)


def fit_clock(root: Path, reading: str, name: str = "rtc0") -> None:
    folder = root / REAL_TIME_CLOCKS / name
    folder.mkdir(parents=True)
    (folder / "since_epoch").write_text(reading)


def test_a_machine_that_has_nothing_vouches_for_nothing(tmp_path: Path) -> None:
    """A Raspberry Pi without network."""
    assert witness(tmp_path)(NOW) is Voucher.NOBODY


def test_the_kernels_word_and_timesyncds_file_are_the_networks(tmp_path: Path) -> None:
    """Either will do: the kernel forgets, the file stays."""
    assert witness(tmp_path, kernel=True)(NOW) is Voucher.NETWORK
    file = tmp_path / SYNCHRONISED
    file.parent.mkdir(parents=True)
    file.touch()
    assert witness(tmp_path, owner=True)(NOW) is Voucher.NETWORK


@pytest.mark.parametrize(
    ("off", "voucher"),
    [
        (0, Voucher.HARDWARE),
        (-RTC_AGREES, Voucher.HARDWARE),
        (RTC_AGREES + 1, Voucher.NOBODY),
        (7 * 3600, Voucher.NOBODY),
        (-NOW.timestamp(), Voucher.NOBODY),
    ],
)
def test_a_real_time_clock_vouches_where_it_agrees(
    tmp_path: Path, off: float, voucher: Voucher
) -> None:
    """One in local time, or whose battery is missing, does not."""
    fit_clock(tmp_path, f"{NOW.timestamp() + off:.0f}\n")
    assert witness(tmp_path)(NOW) is voucher


@pytest.mark.parametrize("reading", ["", "unknown\n"])
def test_a_real_time_clock_that_cannot_be_read_is_passed_over(tmp_path: Path, reading: str) -> None:
    """A second one may do better."""
    fit_clock(tmp_path, reading)
    assert witness(tmp_path)(NOW) is Voucher.NOBODY
    fit_clock(tmp_path, f"{NOW.timestamp():.0f}\n", "rtc1")
    assert witness(tmp_path)(NOW) is Voucher.HARDWARE


def test_the_owner_vouches_where_nothing_better_does(tmp_path: Path) -> None:
    """For a node that has neither network nor a real-time clock."""
    assert witness(tmp_path, owner=True)(NOW) is Voucher.OWNER
    fit_clock(tmp_path, f"{NOW.timestamp():.0f}\n")
    assert witness(tmp_path, owner=True)(NOW) is Voucher.HARDWARE


def test_the_kernel_can_be_asked() -> None:
    """The same every time, whatever it says on this machine."""
    assert kernel_synchronised() is kernel_synchronised()
