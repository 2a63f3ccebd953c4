"""What a person is told: one value for every system that can raise an alert."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum, IntEnum


class AlertKind(Enum):
    PROXIMITY = "proximity"


class AlertLevel(IntEnum):
    NONE = 0
    LOW = 1
    HIGH = 2


@dataclass(frozen=True, slots=True)
class Alert:
    """An exposure of one day, with the evidence that decided it.

    ``(kind, day, rules)`` is its identity: raising it again with other evidence replaces it,
    raising it again with the same evidence tells nobody twice.
    """

    kind: AlertKind
    day: date
    """The UTC day of the exposure."""
    start: datetime
    end: datetime
    """The exposure lies within [start, end)."""
    level: AlertLevel
    score: float
    """In the unit of the rules that decided (see the preset)."""
    minutes_near: float
    minutes_middle: float
    minutes_far: float
    """By the attenuation thresholds of the rules."""
    confidence: str
    """'low', 'medium' or 'high': how sure, see proximity.risk."""
    packets: int
    """How many packets the judgement rests on."""
    rules: str
    """Name of the preset that decided."""
    report_type: str
    """Kind of diagnosis behind it: the most serious report type of the day, lower case."""
