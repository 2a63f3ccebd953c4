"""Bluetooth as ``doctor`` sees it: bluetoothd, the adapter, and what can be had of both."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bluezone_node.commands.doctor.bluez import HONOURS_INTERVALS, OLDEST_TRIED, Version, refuses
from bluezone_node.commands.doctor.finding import Finding

if TYPE_CHECKING:
    from bluezone_node.ble.bluez_adapter import Adapter

ADAPTERS = Path("sys/class/bluetooth")

GUIDE = "docs/install-pi.md"


def adapter_of(adapters: "Sequence[Adapter]", wanted: str | None) -> "Adapter | None":
    """Return the adapter that a node takes: *wanted*, or the first that can advertise."""
    usable = (each for each in adapters if each.advertises or not each.powered)
    named = (each for each in adapters if each.name == wanted)
    return next(usable if wanted is None else named, None)


def service(version: Version | None) -> Finding:
    """Judge a bluetoothd that has answered."""
    answers = "bluetoothd answers this user"
    if version is None:
        return Finding(
            "radio",
            True,
            f"{answers}; which version it is, no installed program says",
            "sudo apt install bluez: bluetoothctl says it",
        )
    if version < OLDEST_TRIED:
        return Finding(
            "radio",
            True,
            f"{answers}, version {version}: older than any that was tried",
            f"take {OLDEST_TRIED} or newer: Debian 12, Raspberry Pi OS bookworm",
        )
    return Finding("radio", True, f"{answers}, version {version}")


def adapter(
    adapters: "Sequence[Adapter]", wanted: str | None, root: Path = Path("/")
) -> Iterator[Finding]:
    """Judge whether there is an adapter and whether it works."""
    chosen = adapter_of(adapters, wanted)
    if chosen is None:
        yield _missing(adapters, wanted, root)
        return
    if chosen.blocked and switched_by_hand(chosen.name, root):
        yield Finding(
            "adapter",
            False,
            f"{chosen.name} is switched off by hand (rfkill, hard)",
            "find the switch or key for radio on the machine, or the setting in its firmware",
        )
    elif chosen.blocked:
        yield Finding(
            "adapter",
            False,
            f"{chosen.name} is switched off by rfkill",
            "sudo rfkill unblock bluetooth",
        )
    elif not chosen.powered:
        yield Finding(
            "adapter",
            False,
            f"{chosen.name} is switched off",
            "a running node switches it on; by hand: bluetoothctl power on",
        )
    else:
        others = [each.name for each in adapters if each is not chosen]
        beside = f" (there is {', '.join(others)} too)" if others else ""
        scanning = ", something scans with it" if chosen.scanning else ""
        yield Finding("adapter", True, f"{chosen.name} is on{scanning}{beside}")


def _missing(adapters: "Sequence[Adapter]", wanted: str | None, root: Path) -> Finding:
    if adapters:
        names = ", ".join(each.name for each in adapters)
        if wanted is None:
            return Finding(
                "adapter",
                False,
                f"{names} cannot advertise",
                "an adapter with Bluetooth LE (4.0 or newer) is needed",
            )
        return Finding(
            "adapter", False, f"there is no {wanted}, but {names}", 'node.radio = "auto"'
        )
    if names := ", ".join(kernel_adapters(root)):
        return Finding(
            "adapter",
            False,
            f"the kernel has {names}, bluetoothd has none",
            "sudo systemctl restart bluetooth; then journalctl -u bluetooth -b",
        )
    return Finding(
        "adapter",
        False,
        "no Bluetooth adapter",
        "plug one in; on a Raspberry Pi remove dtoverlay=disable-bt from "
        "/boot/firmware/config.txt, then journalctl -k -b | grep -i bluetooth",
    )


def advertising(
    chosen: "Adapter", version: Version | None, kernel: str, *, on_air: bool
) -> Finding:
    """Judge whether an identifier can be put on the air, and how often it is sent.

    *on_air*: one of the registered advertisements is the node's.
    """
    if not chosen.advertises:
        return Finding(
            "advertising",
            False,
            f"{chosen.name} cannot advertise",
            "an adapter with Bluetooth LE (4.0 or newer) is needed",
        )
    if not chosen.room and not on_air:
        return Finding(
            "advertising",
            False,
            f"no room: {chosen.advertisements} advertisements of other programs are registered",
            "end the program that advertises, or: sudo systemctl restart bluetooth",
        )
    if refuses(kernel, version) and not on_air:
        return Finding(
            "advertising",
            False,
            f"Linux {kernel} refuses what this BlueZ sends: nothing can be put on the air",
            "sudo apt full-upgrade, then restart: 6.18.36 and newer do not",
        )
    kind = "Bluetooth 5" if chosen.extended else "Bluetooth 4"
    every, cure = _interval(chosen, version)
    used = f"{chosen.advertisements} registered, room for {chosen.room} more"
    return Finding("advertising", True, f"{kind}, sent {every}; {used}", cure)


def _interval(chosen: "Adapter", version: Version | None) -> tuple[str, str]:
    if not chosen.extended:
        return "every 130 ms or so (the kernel's choice)", ""
    if chosen.monitors or (version is not None and version >= HONOURS_INTERVALS):
        return "every 200 to 270 ms", ""
    if version is None:
        return "every 200 to 270 ms, or every 1280 ms before BlueZ 5.77", ""
    return (
        "every 1280 ms: others hear little of it",
        f"bluetoothd --experimental, or BlueZ {HONOURS_INTERVALS}: every 200 to 270 ms ({GUIDE})",
    )


def place(chosen: "Adapter", problem: str) -> Finding:
    """Judge whether the tag of the place that this node stands at goes out whole.

    *problem*: what the running node says of it; empty: nothing, or none runs.
    """
    if chosen.br_edr is False:
        return Finding(
            "place",
            False,
            f"{chosen.name} is for Bluetooth LE alone: the kernel would cut the place's tag, so it "
            "is not sent",
            "ControllerMode = dual in /etc/bluetooth/main.conf, then sudo systemctl restart "
            "bluetooth; where nothing of the kind is set there, another adapter (docs/kiosk.md)",
        )
    if problem:
        return Finding(
            "place",
            False,
            f"its tag is not on the air: {problem}",
            "journalctl -u bluezone-node says since when",
        )
    if chosen.br_edr is None:
        return Finding(
            "place",
            True,
            f"whether {chosen.name} sends its tag whole, the kernel does not tell here",
            "btmgmt info: among its current settings br/edr must stand",
        )
    return Finding("place", True, f"{chosen.name} sends its tag whole")


def listening(chosen: "Adapter", *, wearable: bool) -> Finding:
    """Tell which way of listening the node takes, and what it brings.

    Samples of a neighbour that sends every 270 ms; measured for a kiosk (docs/adr/0015), for a
    wearable by its four seconds a minute.
    """
    bursts, monitored = (4, 15) if wearable else (30, 220)
    if chosen.monitors:
        return Finding(
            "listening", True, f"with a monitor, some {monitored} samples of a neighbour a minute"
        )
    return Finding(
        "listening",
        True,
        f"in bursts, some {bursts} samples of a neighbour a minute",
        f"bluetoothd --experimental brings some {monitored}: {GUIDE}",
    )


def kernel_adapters(root: Path) -> list[str]:
    """Return the adapters that the kernel knows, with or without bluetoothd."""
    names = [path.name for path in (root / ADAPTERS).glob("hci*")]
    return sorted(name for name in names if re.fullmatch(r"hci\d+", name))


def switched_by_hand(name: str, root: Path) -> bool:
    """Tell whether the rfkill switch of adapter *name* is a real one, which no program turns."""
    return any(
        switch.read_text().strip() == "1"
        for switch in (root / ADAPTERS / name).glob("rfkill*/hard")
    )
