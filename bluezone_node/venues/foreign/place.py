"""What the code of another country's poster says, and whether that country's app would take it."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from bluezone_node.errors import BadInput


class ForeignKind(StrEnum):
    """Whose posters."""

    NZ = "nz"
    """NZ COVID Tracer, New Zealand."""
    NHS = "nhs"
    """NHS COVID-19, England and Wales."""
    CWA = "cwa"
    """Corona-Warn-App, Germany."""
    CROWDNOTIFIER = "crowdnotifier"
    """NotifyMe and SwissCovid, Switzerland."""
    NSW = "nsw"
    """Service NSW, New South Wales."""


@dataclass(frozen=True, slots=True)
class ForeignPlace:
    """A place as its code names it. Only `nhs` codes are signed: whoever prints another is free
    in what it says."""

    kind: ForeignKind
    name: str = field(default="", repr=False)
    address: str = field(default="", repr=False)
    """Several lines where the country writes them so."""
    id: str = field(default="", repr=False)
    """What that country's notices know the place by; hexadecimal where it is bytes."""
    listed_as: str = ""
    """What they write for it where it is published; empty where that is `id`, or changes."""
    valid: bool = False
    reason: str = ""
    """Why it is not valid: a machine name; empty where it is."""
    why: str = ""
    """The same as a sentence."""
    window: tuple[datetime, datetime] | None = None
    """When the place is open for check-ins, where the code says so: [start, end)."""

    def refused(self, because: BadInput) -> "ForeignPlace":
        """Return it as one that its country's app would not take."""
        return replace(self, valid=False, reason=because.reason, why=str(because))
