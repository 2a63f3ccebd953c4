"""Look at Bluetooth for whoever asks why it does not work, and leave it as it was."""

from dataclasses import dataclass

from bleak.backends.scanner import AdvertisementData

from bluezone_node.ble.bluez_adapter import Adapter, list_adapters, read_adapter
from bluezone_node.ble.bluez_bus import BluezAbsent, BluezError, BluezRefused, connect
from bluezone_node.ble.bluez_scanner import BluezScanner, ScanFailed, take
from bluezone_node.ble.receiver import Receiver
from bluezone_node.ble.rhythm import Way
from bluezone_node.errors import RadioUnavailable
from bluezone_node.ports import Clock

_ACCESS_DENIED = "org.freedesktop.DBus.Error.AccessDenied"


@dataclass(frozen=True, slots=True)
class Overheard:
    """What one turn of listening to everyone brought."""

    ours: int
    """Frames that a node would log."""
    foreign: int
    """Advertisements of others."""
    refused: int
    """Frames that a node would not log, and count by reason."""


async def examine() -> list[Adapter]:
    """Return every adapter as it is now, without waiting for one to appear.

    Raises:
        RadioUnavailable: no bus, no bluetoothd, none that answers, or not to this user.
    """
    bus = await connect()
    try:
        names = await list_adapters(bus)
        found = [await read_adapter(bus, name) for name in names]
    except BluezError as error:
        raise unavailable(error) from error
    finally:
        bus.close()
    return [adapter for adapter in found if adapter is not None]


async def overhear(adapter: str, seconds: float, clock: Clock) -> Overheard:
    """Listen to everyone for some *seconds*, and keep nothing but the counts.

    Raises:
        RadioUnavailable: *adapter* cannot listen.
    """
    receiver = Receiver()

    def report(advertisement: AdvertisementData) -> None:
        take(receiver, clock.now(), advertisement)

    scanner = BluezScanner(adapter, Way.BURSTS, report)
    try:
        await scanner.start(everyone=True)
        await clock.sleep(seconds)
        await scanner.stop()
    except ScanFailed as failed:
        raise RadioUnavailable(
            f"{adapter} cannot listen: {failed}", hint="sudo systemctl restart bluetooth"
        ) from failed
    return Overheard(receiver.heard, receiver.foreign, sum(receiver.refused.values()))


def unavailable(error: BluezError) -> RadioUnavailable:
    """Return *error* as a person can act on it."""
    if isinstance(error, BluezAbsent):
        return RadioUnavailable(
            str(error), hint="sudo apt install bluez; sudo systemctl enable --now bluetooth"
        )
    if isinstance(error, BluezRefused) and error.name == _ACCESS_DENIED:
        return RadioUnavailable(
            "this user may not speak with bluetoothd",
            hint="on systems that keep Bluetooth to a group: sudo usermod --append --groups "
            "bluetooth USER, for the service USER is bluezone; then start it again",
        )
    return RadioUnavailable(str(error), hint="sudo systemctl restart bluetooth")
