"""What the commands of warrants do at the registrar."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from bluezone_node.commands.authority.options import ROLES, clock_of
from bluezone_node.errors import BadConfig

if TYPE_CHECKING:
    from bluezone_node.authority.places.directory import Directory
    from bluezone_node.authority.places.openings import Openings
    from bluezone_node.authority.places.warrants import Warrants

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Registrar:
    """Its services that have to do with warrants."""

    directory: "Directory"
    warrants: "Warrants"
    openings: "Openings"


def at_registrar(folder: Any, clock_spec: str, act: Callable[[Registrar], T]) -> T:
    """Return what *act* returns.

    Raises:
        BadConfig: the authority has no keys for places.
    """

    async def run() -> T:
        from bluezone_node.wiring.authority import open_authority

        async with clock_of(clock_spec) as clock:
            with open_authority(folder, clock, ROLES["registrar"]) as parts:
                if parts.register is None or parts.places is None:
                    raise BadConfig(
                        "This authority has no keys for places.",
                        hint="`bluezone-node trust init` makes them, once",
                    )
                register = parts.register
                return act(Registrar(parts.places.directory, register.warrants, register.openings))

    return asyncio.run(run())
