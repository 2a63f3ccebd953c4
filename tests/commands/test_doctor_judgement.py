"""What ``doctor`` makes of what it was told, without any Bluetooth."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bluezone_node.ble.bluez_adapter import Adapter
from bluezone_node.ble.bluez_look import Overheard
from bluezone_node.commands.doctor import bluetooth, bluez, hearing, machine
from bluezone_node.commands.doctor.bluez import Version
from bluezone_node.commands.doctor.finding import Finding
from bluezone_node.config import Settings

PI = Adapter(
    name="hci0",
    powered=True,
    blocked=False,
    scanning=False,
    advertises=True,
    extended=False,
    monitors=False,
    tx_power=None,
    advertisements=0,
    room=5,
    br_edr=True,
)
DONGLE = replace(PI, name="hci1", extended=True, room=4)
GOOD_KERNEL = "6.12.47+rpt-rpi-v8"
OLD = replace(PI, advertises=False, room=0)
RADIO: dict[str, Any] = {
    "listening": True,
    "advertising": True,
    "listened_seconds": 7300.0,
    "heard": 12,
    "foreign": 34,
    "refused": {},
    "rotations": 9,
    "detail": "Bluetooth 4 advertising, listening in bursts, 50% of the time",
    "samples_per_minute": 29.6,
    "fault": "",
    "repairs": {},
}
TIME = {"known": True, "vouched_by": "the network", "problem": "", "jumps": 0}


def node(**changes: Any) -> dict[str, Any]:
    return {"radio_name": "bluez:hci0", "radio": RADIO | changes, "time": TIME}


def by_subject(findings: Any) -> dict[str, Finding]:
    return {finding.subject: finding for finding in findings}


# BlueZ


@pytest.mark.parametrize(
    ("version", "good", "advised"),
    [(Version(5, 66), True, False), (Version(5, 82), True, False), (Version(5, 55), True, True)],
)
def test_an_untried_bluez_is_said_and_not_held_against_the_node(
    version: Version, good: bool, advised: bool
) -> None:
    """It may work; nobody looked."""
    finding = bluetooth.service(version)
    assert (finding.good, bool(finding.cure)) == (good, advised)


def test_the_version_is_asked_of_whatever_program_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """bluetoothctl first; one that fails or says nothing of use is passed over."""
    for name, script in (("first", "exit 1"), ("second", "echo bluetoothctl: 5.82")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    programs = tuple(str(tmp_path / name) for name in ("absent", "first", "second"))
    monkeypatch.setattr(bluez, "PROGRAMS", programs)
    assert bluez.installed_version() == Version(5, 82)
    monkeypatch.setattr(bluez, "PROGRAMS", programs[:2])
    assert bluez.installed_version() is None
    assert "no installed program says" in bluetooth.service(None).found


def test_a_program_that_does_not_answer_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time limit holds."""
    (tmp_path / "slow").write_text("#!/bin/sh\nexec sleep 60\n")
    (tmp_path / "slow").chmod(0o755)
    monkeypatch.setattr(bluez, "PROGRAMS", (str(tmp_path / "slow"),))
    monkeypatch.setattr(bluez, "PATIENCE", 0.1)
    assert bluez.installed_version() is None


# Adapter


def test_the_adapter_is_the_one_that_the_node_would_take() -> None:
    """The named one, or the first that can advertise."""
    assert bluetooth.adapter_of([OLD, DONGLE], None) is DONGLE
    assert bluetooth.adapter_of([OLD, DONGLE], "hci0") is OLD
    assert bluetooth.adapter_of([OLD], None) is None
    (finding,) = bluetooth.adapter([OLD], None)
    assert (finding.good, finding.found) == (False, "hci0 cannot advertise")


def test_an_adapter_that_only_the_kernel_knows(tmp_path: Path) -> None:
    """bluetoothd lost it: another cure than for a machine without one."""
    for name in ("hci0", "hci0:64"):
        (tmp_path / "sys/class/bluetooth" / name).mkdir(parents=True)
    (finding,) = bluetooth.adapter([], None, tmp_path)
    assert finding.found == "the kernel has hci0, bluetoothd has none"


@pytest.mark.parametrize(("hard", "cure"), [("0", "rfkill unblock"), ("1", "find the switch")])
def test_a_switch_on_the_machine_has_another_cure(tmp_path: Path, hard: str, cure: str) -> None:
    """No program turns it."""
    switch = tmp_path / "sys/class/bluetooth/hci0/rfkill3"
    switch.mkdir(parents=True)
    (switch / "hard").write_text(f"{hard}\n")
    blocked = replace(PI, powered=False, blocked=True)
    (finding,) = bluetooth.adapter([blocked], None, tmp_path)
    assert not finding.good
    assert cure in finding.cure


# Advertising and listening


@pytest.mark.parametrize(
    ("adapter", "version", "every"),
    [
        (PI, Version(5, 66), "130 ms"),
        (DONGLE, Version(5, 66), "1280 ms"),
        (DONGLE, Version(5, 77), "200 to 270 ms"),
        (DONGLE, Version(5, 82), "200 to 270 ms"),
        (DONGLE, None, "1280 ms"),
        (replace(DONGLE, monitors=True), Version(5, 66), "200 to 270 ms"),
    ],
)
def test_how_often_it_is_sent(adapter: Adapter, version: Version | None, every: str) -> None:
    """By the controller's generation, BlueZ's version and whether experimental features are on."""
    finding = bluetooth.advertising(adapter, version, GOOD_KERNEL, on_air=False)
    assert finding.good
    assert every in finding.found
    assert bool(finding.cure) == (finding.found.count("1280") and version is not None)


def test_other_programs_took_all_the_room() -> None:
    """A fault, unless one of them is the node's own."""
    full = replace(PI, advertisements=5, room=0)
    assert not bluetooth.advertising(full, None, GOOD_KERNEL, on_air=False).good
    assert bluetooth.advertising(full, None, GOOD_KERNEL, on_air=True).good


@pytest.mark.parametrize(
    ("kernel", "version", "refused"),
    [
        ("6.18.34+rpt-rpi-2712", Version(5, 82), True),
        ("6.12.93+rpt-rpi-v8", None, True),
        ("6.18.34+rpt-rpi-2712", Version(5, 87), False),
        ("6.18.36+rpt-rpi-2712", Version(5, 82), False),
        ("6.18.341", Version(5, 82), False),
        ("custom", Version(5, 82), False),
    ],
)
def test_a_kernel_that_refuses_every_advertisement(
    kernel: str, version: Version | None, refused: bool
) -> None:
    """Known by its number; a node that is on the air all the same proves the contrary."""
    assert bluetooth.advertising(PI, version, kernel, on_air=False).good != refused
    assert bluetooth.advertising(PI, version, kernel, on_air=True).good


def test_what_experimental_would_bring() -> None:
    """Both figures, for the way that the node will listen."""
    kiosk = bluetooth.listening(PI, wearable=False)
    assert "some 30 samples" in kiosk.found
    assert "220" in kiosk.cure
    assert "some 4 samples" in bluetooth.listening(PI, wearable=True).found
    monitored = bluetooth.listening(replace(PI, monitors=True), wearable=False)
    assert "220" in monitored.found
    assert not monitored.cure


# The running node


def test_a_node_that_works() -> None:
    """How it listens, how much, and how often each neighbour."""
    found = by_subject(hearing.of_node(node()))
    assert all(finding.good for finding in found.values())
    assert "listening in bursts" in found["node"].found
    assert found["hearing"].found == (
        "12 of our frames and 34 of others in 2 h of listening; "
        "each neighbour 30 times in the last minute"
    )


def test_a_node_that_is_being_mended() -> None:
    """The fault, what was done so far, and where the rest stands."""
    found = by_subject(
        hearing.of_node(
            node(
                fault="the adapter is switched off",
                advertising=False,
                repairs={"scan restarted": 3},
            )
        )
    )
    assert not found["node"].good
    assert "the adapter is switched off" in found["node"].found
    assert "scan restarted 3 times" in found["node"].found
    assert not found["on the air"].good


def test_a_node_without_the_time_is_not_blamed_for_being_off_the_air() -> None:
    """It waits for the time on purpose; the time is the finding."""
    waiting = node(advertising=False) | {
        "time": TIME | {"known": False, "problem": "nothing vouches for the clock"}
    }
    assert "on the air" not in by_subject(hearing.of_node(waiting))
    finding = machine.time_of_node(waiting)
    assert not finding.good
    assert "nothing vouches" in finding.found


@pytest.mark.parametrize(("listened", "good"), [(20.0, True), (120.0, False)])
def test_silence_says_something_after_a_while(listened: float, good: bool) -> None:
    """Whoever has just begun to listen is not yet deaf."""
    silent = node(heard=0, foreign=0, samples_per_minute=None, listened_seconds=listened)
    assert by_subject(hearing.of_node(silent))["hearing"].good == good


@pytest.mark.parametrize(
    ("br_edr", "problem", "good", "advised"),
    [
        (True, "", True, ""),
        (None, "", True, "btmgmt info"),
        (False, "the adapter sends the identifier alone", False, "ControllerMode = dual"),
        (True, "no card of the place is valid today", False, "journalctl"),
    ],
)
def test_whether_the_tag_of_a_place_goes_out(
    br_edr: bool | None, problem: str, good: bool, advised: str
) -> None:
    """An adapter for LE alone is the cause where it is one; else what the node says."""
    finding = bluetooth.place(replace(PI, br_edr=br_edr), problem)
    assert finding.good == good
    assert advised in finding.cure
    assert bool(finding.cure) == bool(advised)


def test_a_hall_of_neighbours_stays_short_on_the_screen() -> None:
    """The strongest are named, the rest counted."""
    near = [{"mark": f"{n:04x}", "rssi": -50 - n, "seconds_ago": 1.2} for n in range(40)]
    (finding,) = hearing.of_neighbours({"mark": "beef", "near": near})
    assert "this node is beef" in finding.found
    assert "0009 (-59 dBm, 1 s ago) and 30 more" in finding.found
    (alone,) = hearing.of_neighbours({"mark": "beef", "near": []})
    assert "nobody" in alone.found


def test_an_older_daemon_has_no_marks() -> None:
    """What it does not understand it says so, and nothing is made up."""
    assert list(hearing.of_neighbours({"error": "unknown question"})) == []
    assert list(hearing.of_neighbours({"mark": "", "near": []})) == []


def test_refused_frames_prove_a_receiver_too() -> None:
    """Whatever it was: something was received."""
    assert hearing.of_adapter("hci0", Overheard(0, 0, 1)).good
    assert not hearing.of_adapter("hci0", Overheard(0, 0, 0)).good


@pytest.mark.parametrize(
    ("scan", "profile", "advised"),
    [("wearable", "people", True), ("wearable", "worn", False), ("kiosk", "people", False)],
)
def test_what_is_worn_is_told_apart_from_what_hangs(scan: str, profile: str, advised: bool) -> None:
    """The profile is named, and advised where it does not fit how the radio is used."""
    settings = msgspec.convert({"node": {"scan": scan, "profile": profile}}, Settings)
    finding = machine.rules(settings)
    assert finding.good
    assert f"profile {profile}" in finding.found
    assert ("worn" in finding.cure) is advised
