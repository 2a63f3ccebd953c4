"""Which scenarios the suite plays, each in a machine of its own, and for how long at most."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    scenario: str
    arguments: tuple[str, ...] = ()
    seconds: float = 300.0
    """After which the machine is switched off; about twice what a loaded machine of 2 cores needs.

    Emulated, it is given five times as long."""

    @property
    def checks(self) -> Mapping[str, str]:
        """Name of each check → what it means, as a sentence."""
        checks: Mapping[str, str] = import_module(f"tests.vm.scenarios.{self.scenario}").CHECKS
        return checks


GROUPS = (
    # The longest first, so that none is left over at the end.
    Group("adapters", "adapters", seconds=420),
    Group("services", "services", seconds=420),
    Group("on_air", "on_air", seconds=300),
    Group("soak", "soak", ("1.2",), 300),
    Group("rotation-legacy", "rotation", ("legacy", "1000"), 400),
    Group("story", "story", seconds=300),
    Group("rotation-extended", "rotation", ("extended", "1000"), 400),
    Group("meeting", "meeting", seconds=180),
)

SIDE_BY_SIDE = 3
"""Machines at a time, on two cores: each of them mostly waits for the air."""
