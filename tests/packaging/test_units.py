"""The service units: understood by systemd, hardened, and in agreement with the program."""

import configparser
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from bluezone_node.errors import BadConfig, BluezoneError, NoPlace, RadioUnavailable

SYSTEMD = Path(__file__).resolve().parents[2] / "systemd"
SERVICES = sorted(SYSTEMD.glob("*.service"))
UNITS = [
    *SERVICES,
    *(unit for kind in ("path", "socket", "timer") for unit in sorted(SYSTEMD.glob(f"*.{kind}"))),
]
WORST_EXPOSURE = 2.0
"""Of systemd's scale from 0 (sealed) to 10 (root, with everything)."""

systemd_analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)


def settings(unit: str, section: str) -> configparser.SectionProxy:
    parser = configparser.RawConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(SYSTEMD / unit)
    return parser[section]


@systemd_analyze
@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_services_are_hardened(unit: Path) -> None:
    """systemd itself rates each of them, without running it."""
    rated = subprocess.run(
        [
            *("systemd-analyze", "security", "--offline=true", "--no-pager"),
            *(f"--threshold={int(WORST_EXPOSURE * 10)}", str(unit)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert rated.returncode == 0, rated.stdout[-200:] + rated.stderr


@systemd_analyze
def test_systemd_understands_every_line(tmp_path: Path) -> None:
    """An unknown or malformed setting would be ignored, with a warning that nobody reads."""
    for unit in UNITS:
        text = unit.read_text(encoding="utf-8")
        # verify looks whether the programs are there, which they are after an installation only.
        for program in ("/usr/bin/bluezone-node", "/usr/lib/bluezone-node/recover"):
            text = text.replace(f"ExecStart={program}", "ExecStart=/bin/true")
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(tmp_path / unit.name for unit in UNITS)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SYSTEMD_LOG_LEVEL": "warning"},
    )
    assert verified.stderr == ""
    assert verified.returncode == 0


def test_the_node_may_ask_the_kernel_about_its_adapter() -> None:
    """Without Bluetooth sockets a kiosk with an adapter for LE alone would not know of it."""
    families = settings("bluezone-node.service", "Service")["RestrictAddressFamilies"]
    assert "AF_BLUETOOTH" in families.split()


def test_a_lost_radio_and_nothing_else_is_left_to_the_unit_that_restarts_bluetooth() -> None:
    """The unit knows the failure by its exit status; all others restart the node alone."""
    service = settings("bluezone-node.service", "Service")
    lost = int(service["RestartPreventExitStatus"])
    assert lost == RadioUnavailable.exit_status != BluezoneError.exit_status
    assert service["Restart"] == "on-failure"
    unit = settings("bluezone-node.service", "Unit")
    recover = unit["OnFailure"]
    assert (SYSTEMD / recover).is_file()
    assert unit["PropagatesStopTo"] == recover


def test_a_kiosk_without_a_place_is_not_tried_for_ever() -> None:
    """It waits for whoever writes the setting; a file that may still come is waited for."""
    service = settings("bluezone-kiosk.service", "Service")
    unnamed = int(service["RestartPreventExitStatus"])
    assert unnamed == NoPlace.exit_status != BadConfig.exit_status
    assert service["Restart"] == "on-failure"


def test_no_node_is_given_up_for_good() -> None:
    """Nobody sits beside it for a year: systemd's own limit would leave it dead."""
    for unit in SERVICES:
        assert settings(unit.name, "Unit")["StartLimitIntervalSec"] == "0"


def test_data_is_its_own_and_of_a_user_without_rights() -> None:
    """0700, no capability, and a user that the package makes."""
    for name in ("bluezone-node", "bluezone-authority"):
        service = settings(f"{name}.service", "Service")
        assert service["StateDirectory"] == name
        assert service["StateDirectoryMode"] == "0700"
        assert service["CapabilityBoundingSet"] == ""
        assert f"u {service['User']} " in (SYSTEMD / f"{name}.sysusers.conf").read_text()
        assert (
            f"d /var/lib/{name} 0700 {service['User']} "
            in (SYSTEMD / f"{name}.tmpfiles.conf").read_text()
        )


def test_a_kiosk_is_beside_its_node_as_the_same_user() -> None:
    """One database, and a control socket that is its owner's alone; neither needs the other."""
    kiosk = settings("bluezone-kiosk.service", "Service")
    node = settings("bluezone-node.service", "Service")
    for shared in ("User", "Group", "StateDirectory", "StateDirectoryMode", "UMask"):
        assert kiosk[shared] == node[shared]
    assert kiosk["LoadCredentialEncrypted"] == node["LoadCredentialEncrypted"]
    wanted = settings("bluezone-kiosk.service", "Unit")["Wants"].split()
    assert wanted == ["bluezone-node.service", "bluezone-kiosk-renewed.path"]
    # A new card counts from the next start of both.
    watched = settings("bluezone-kiosk-renewed.path", "Path")["PathChanged"]
    assert watched == f"/var/lib/{kiosk['StateDirectory']}/venue.json"
    again = settings("bluezone-kiosk-renewed.service", "Service")["ExecStart"]
    assert again.endswith("try-restart --no-block bluezone-node.service bluezone-kiosk.service")
    # Where names are kept it asks the authority for warrants, which is not on this machine.
    assert "IPAddressDeny" not in kiosk


def test_the_authoritys_parent_outlives_its_workers() -> None:
    """systemd speaks to it alone, waits longer than it waits, and hears of it often enough."""
    from bluezone_node.web.worker import BEAT_SECONDS
    from bluezone_node.web.workers import SILENT_SECONDS, STOP_SECONDS

    service = settings("bluezone-authority.service", "Service")
    assert service["KillMode"] == "mixed"
    assert int(service["TimeoutStopSec"].removesuffix("s")) > STOP_SECONDS
    watchdog = int(service["WatchdogSec"].removesuffix("s"))
    assert watchdog > SILENT_SECONDS > 2 * BEAT_SECONDS
    # The shell's own: kill(1) is a package that a small machine may lack.
    assert service["ExecReload"] == "/bin/sh -c 'kill -HUP $MAINPID'"


def test_a_backup_is_made_with_a_key_that_the_server_cannot_read() -> None:
    """By the same user, in a folder of its own, no longer kept than the server keeps."""
    backup = settings("bluezone-authority-backup.service", "Service")
    server = settings("bluezone-authority.service", "Service")
    assert backup["User"] == server["User"]
    assert backup["LoadCredential"].startswith("backup.key:/etc/")
    assert "--key-file %d/backup.key --keep 14" in backup["ExecStart"]
    folders = backup["StateDirectory"].split()
    assert folders == ["bluezone-authority", "bluezone-authority-backup"]
