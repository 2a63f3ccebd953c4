"""How far each published file got on its way to a device, and each source of them."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class ExportState(Enum):
    """How far an export got. What is not matched is tried again while it is on offer."""

    SEEN = "seen"
    """Listed by its source; not fetched yet."""
    VERIFIED = "verified"
    """Fetched, and signed by a key of its source; not matched yet."""
    MATCHED = "matched"
    """Every key of it was looked up in the log: done."""
    FAILED = "failed"
    """It could not be used, for the reason given."""


@dataclass(frozen=True, slots=True)
class ExportRecord:
    """One line of the coverage ledger: no export is skipped silently."""

    source: str
    name: str
    state: ExportState
    at: datetime
    """When this state was reached."""
    keys: int = 0
    revised_keys: int = 0
    matched_keys: int = 0
    end_timestamp: int = 0
    """Unix seconds from the verified export; 0 where it never was verified."""
    reason: str = ""
    """Machine name of the failure."""
    attempts: int = 1
    """Times it was fetched."""


@dataclass(frozen=True, slots=True)
class SourceState:
    """What is remembered of a source between syncs."""

    source: str
    last_success: datetime | None = None
    last_attempt: datetime | None = None
    problem: str = ""
    """Machine name of what is wrong now; empty when all is well."""
