"""Which scenarios the suite plays, each in a machine of its own, and for how long at most."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    scenario: str
    arguments: tuple[str, ...] = ()

    @property
    def checks(self) -> Mapping[str, str]:
        """Name of each check → what it means, as a sentence."""
        checks: Mapping[str, str] = import_module(f"tests.vm.scenarios.{self.scenario}").CHECKS
        return checks


GROUPS = (
    # The longest first, so that none is left over at the end.
    Group("adapters", "adapters"),
    Group("services", "services"),
    Group("on_air", "on_air"),
    Group("soak", "soak", ("1.2",)),
    Group("rotation-legacy", "rotation", ("legacy", "1000")),
    Group("story", "story"),
    Group("rotation-extended", "rotation", ("extended", "1000")),
    Group("meeting", "meeting"),
)

SIDE_BY_SIDE = 3
"""Machines at a time, on two cores: each of them mostly waits for the air."""
