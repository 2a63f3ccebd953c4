"""What an adapter is and how it is, read from bluetoothd in one answer."""

from dataclasses import dataclass
from pathlib import Path

from bluezone_node.ble.bluez_bus import (
    ADAPTER,
    ADVERTISING,
    MONITORS,
    BluezBus,
    BluezRefused,
    Properties,
)
from bluezone_node.ble.bluez_mgmt import br_edr

SYSTEM = Path("/sys/class/bluetooth")
"""Where the kernel lists adapters."""

_ROOT = "/org/bluez/"

_UNKNOWN_POWER = 127
"""Bluetooth Core Specification: the controller has no preference, or cannot tell."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """One look at an adapter."""

    name: str
    """``hci0``."""
    powered: bool
    blocked: bool
    """Switched off by rfkill: no program can switch it on before it is unblocked."""
    scanning: bool
    """Whether any program scans with it: see `Adapter1.Discovering`."""
    advertises: bool
    """Whether it can advertise at all."""
    extended: bool
    """Whether it has the advertising commands of Bluetooth 5."""
    monitors: bool
    """Whether bluetoothd offers advertisement monitors (``--experimental``)."""
    tx_power: int | None
    """Radiated power that the controller reports, dBm; None where it does not say."""
    advertisements: int
    """How many are registered, by all programs."""
    room: int
    """How many more could be."""
    br_edr: bool | None
    """Whether BR/EDR is on beside LE: without it a place's tag does not go out whole; None where
    the kernel does not tell."""

    @property
    def path(self) -> str:
        return path_of(self.name)


def path_of(name: str) -> str:
    return _ROOT + name


async def list_adapters(bus: BluezBus) -> list[str]:
    """Return the names of all adapters that bluetoothd knows, in the order of their numbers.

    Raises:
        BluezError: bluetoothd does not run, or does not answer.
    """
    objects = await bus.objects()
    names = [path.removeprefix(_ROOT) for path, found in objects.items() if ADAPTER in found]
    return sorted(names, key=lambda name: (len(name), name))


async def read_adapter(bus: BluezBus, name: str) -> Adapter | None:
    """Return how adapter *name* is, or None where there is none of that name.

    Raises:
        BluezError: bluetoothd does not run, or does not answer.
    """
    path = path_of(name)
    adapter = await _properties(bus, path, ADAPTER)
    if adapter is None:
        return None
    advertising = await _properties(bus, path, ADVERTISING)
    monitors = await _properties(bus, path, MONITORS)
    manager = advertising or {}
    capabilities = manager.get("SupportedCapabilities", {})
    power = capabilities.get("MaxTxPower")
    return Adapter(
        name=name,
        powered=bool(adapter.get("Powered")),
        blocked=adapter.get("PowerState") == "off-blocked" or _rfkill(name),
        scanning=bool(adapter.get("Discovering")),
        advertises=advertising is not None,
        # Only controllers with extended advertising have secondary channels.
        extended=bool(manager.get("SupportedSecondaryChannels")),
        monitors="or_patterns" in (monitors or {}).get("SupportedMonitorTypes", ()),
        tx_power=power if isinstance(power, int) and power != _UNKNOWN_POWER else None,
        advertisements=manager.get("ActiveInstances", 0),
        room=manager.get("SupportedInstances", 0),
        br_edr=br_edr(name),
    )


def _rfkill(name: str) -> bool:
    """Tell whether an rfkill switch of the adapter is on.

    bluetoothd says so from 5.65 on, and then to ``--experimental`` only; the kernel tells anyone.
    """
    switches = (SYSTEM / name).glob("rfkill*/*")
    return any(switch.name in ("soft", "hard") and _read(switch) == "1" for switch in switches)


def _read(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""


async def _properties(bus: BluezBus, path: str, interface: str) -> Properties | None:
    try:
        return await bus.properties(path, interface)
    except BluezRefused as refused:
        if refused.no_such_object or refused.name.endswith(".InvalidArgs"):
            return None
        raise
