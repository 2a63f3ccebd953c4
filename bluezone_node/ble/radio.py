"""Open the radio that a specification names, and the clock that goes with it."""

from pathlib import Path
from typing import NamedTuple

from bluezone_node.ble.virtual import open_air
from bluezone_node.errors import RadioUnavailable
from bluezone_node.ports import Clock, Radio

ADAPTERS = Path("/sys/class/bluetooth")


class OpenRadio(NamedTuple):
    radio: Radio
    clock: Clock
    """The machine's, or for a simulated air the air's: use no other beside this radio."""


async def open_radio(spec: str, adapters: Path = ADAPTERS) -> OpenRadio:
    """Open ``air:ADDRESS#DEVICE``, ``bluez:hci0``, or with ``auto`` the first real adapter.

    *adapters* is where Linux lists Bluetooth adapters.

    Raises:
        RadioUnavailable: the message says why, and the hint what to do.
    """
    kind, _, rest = spec.partition(":")
    if kind == "auto" and not rest:
        raise _no_bluez(_first_adapter(adapters))
    if kind == "bluez" and rest:
        raise _no_bluez(rest)
    if kind == "air" and rest:
        return OpenRadio(*await open_air(spec))
    raise RadioUnavailable(
        f"{spec!r} names no radio", hint="use auto, bluez:hci0 or air:ADDRESS#DEVICE"
    )


def _first_adapter(adapters: Path) -> str:
    found = sorted(path.name for path in adapters.glob("hci*")) if adapters.is_dir() else []
    if not found:
        raise RadioUnavailable(
            "this machine has no Bluetooth adapter",
            hint="without one, use a simulated air: bluezone-node air serve SCENARIO, "
            "then --radio air:ADDRESS#DEVICE",
        )
    return found[0]


def _no_bluez(adapter: str) -> RadioUnavailable:
    return RadioUnavailable(
        f"this version cannot use {adapter}: it has no BlueZ radio yet",
        hint="use a simulated air: --radio air:ADDRESS#DEVICE",
    )
