"""What the kiosk's pages are made of."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from bluezone_node.node.kiosk.desk import Desk
from bluezone_node.node.kiosk.place import Place
from bluezone_node.node.kiosk.screen import Screen
from bluezone_node.ports import Clock
from bluezone_node.posters.slip import Paper
from bluezone_node.web.kiosk.condition import Condition
from bluezone_node.web.kiosk.gate import Gate

Result = TypeVar("Result")


class OnDesk(Protocol):
    """Runs a piece of work on the desk, off the event loop, one after the other."""

    async def __call__(self, work: Callable[[Desk], Result]) -> Result: ...


@dataclass(frozen=True, slots=True)
class KioskParts:
    """What the pages are made of."""

    place: Place
    screen: Screen
    on_desk: OnDesk
    gate: Gate
    clock: Clock
    condition: Callable[[], Condition]
    written: Callable[[bool], None]
    """Told after each entry whether it is on the disk."""
    tap: Callable[[], Awaitable[bytes]]
    """Returns what the device that is held to the kiosk is known by, or refuses in words."""
    paper: Paper = 80
    """Millimetres of the receipt printer's roll."""
