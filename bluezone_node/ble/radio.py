"""Open the radio that a specification names, and the clock that goes with it."""

from typing import NamedTuple

from bluezone_node.ble.rhythm import KIOSK, WEARABLE
from bluezone_node.ble.virtual import open_air
from bluezone_node.errors import RadioUnavailable
from bluezone_node.ports import Clock, Radio


class OpenRadio(NamedTuple):
    radio: Radio
    clock: Clock
    """The machine's, or for a simulated air the air's: use no other beside this radio."""
    tx_power: int | None = None
    """Radiated power that the controller reports, dBm; None where it does not say."""


async def open_radio(spec: str, clock: Clock, *, wearable: bool = False) -> OpenRadio:
    """Open ``air:ADDRESS#DEVICE``, ``bluez:hci0``, or with ``auto`` the first real adapter.

    *clock*: the machine's, for a real radio.
    *wearable*: save the battery (a simulated air decides for itself when its devices listen).

    Raises:
        RadioUnavailable: the message says why, and the hint what to do.
    """
    kind, _, rest = spec.partition(":")
    if kind == "air" and rest:
        return OpenRadio(*await open_air(spec))
    if (kind == "auto" and not rest) or (kind == "bluez" and rest):
        # bleak takes a quarter of a second to import: on a simulated air none of it is needed.
        from bluezone_node.ble.bluez_open import open_bluez

        rhythms = WEARABLE if wearable else KIOSK
        radio = await open_bluez(rest or None, rhythms, clock)
        return OpenRadio(radio, clock, radio.tx_power)
    raise RadioUnavailable(
        f"{spec!r} names no radio", hint="use auto, bluez:hci0 or air:ADDRESS#DEVICE"
    )
