"""The radio, as services see it."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from bluezone_node.proximity.model import Beacon, Sighting
from bluezone_node.venues.sighting import VenueSighting
from bluezone_node.venues.tags import AirTag

HeardFrame = Sighting | VenueSighting
"""What a radio hears of ours: people's identifiers, and places' tags."""


@dataclass(frozen=True, slots=True)
class RadioCondition:
    """What a radio knows about itself; counters are since it was opened."""

    listening: bool
    advertising: bool
    listened_seconds: float
    """Time, at the clock's pace, in which the receiver was on."""
    heard: int
    """Identifiers of people."""
    foreign: int
    """Well-formed advertisements of others: they prove that the receiver works."""
    refused: Mapping[str, int]
    """Malformed or unusable frames, by reason."""
    rotations: int
    """Times that address and identifier changed together."""
    detail: str = ""
    """One line for a person: which way of scanning, which adapter."""
    samples_per_minute: float | None = None
    """Measured: how often one neighbour was heard in the last whole minute (median over all); None
    where nobody was near."""
    fault: str = ""
    """What is wrong now and is being mended, in words; empty: nothing."""
    repairs: Mapping[str, int] = field(default_factory=dict)
    """Steps that were taken to mend it, by name."""
    tags: int = 0
    """Tags of places heard."""
    announcing: bool = False
    """Whether the tag of this place is on the air, beside the identifier."""


class Radio(Protocol):
    """A short-range radio that says who we are and hears who is near."""

    @property
    def name(self) -> str:
        """The specification it was opened with, such as ``bluez:hci0``."""

    async def advertise(self, beacon: Beacon | None, tag: AirTag | None = None) -> None:
        """Put *beacon*, and *tag* beside it, on the air in the place of all that was; None: stop.

        Each goes out under a fresh random address of its own.  Address, identifier and tag change
        together or not at all: an observer must never see one survive the other.

        A radio that is being mended puts them on the air when it can, and one that can send a
        single thing sends the beacon: see ``condition``.

        Raises:
            RadioUnavailable: the radio is gone. What was on the air may have stopped.
        """

    def hear(self) -> AsyncIterator[HeardFrame]:
        """Yield every frame of ours heard, in order, until the radio is closed.

        Raises:
            RadioUnavailable: the radio is gone.
        """

    def condition(self) -> RadioCondition: ...

    async def check(self) -> None:
        """Look whether the radio does its work, and take one step of mending where it does not.

        To be called every ten seconds or so; returns within half a minute.

        Raises:
            RadioUnavailable: the radio is gone, and nothing is left that a program could try.
        """

    async def close(self) -> None:
        """Stop advertising and listening. Safe to call twice."""
