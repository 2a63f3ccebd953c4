"""What every family of rules takes and gives."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bluezone_node.alerts import AlertLevel
from bluezone_node.proximity.distance import Estimate
from bluezone_node.proximity.model import ExposureWindow, Infectiousness, ReportType

COUNTED = frozenset(
    {
        ReportType.CONFIRMED_TEST,
        ReportType.CONFIRMED_CLINICAL,
        ReportType.SELF_REPORT,
        ReportType.RECURSIVE,
    }
)
"""Report types that can weigh at all; REVOKED and UNKNOWN never do (GAEN daily summaries)."""

MAPPED_DAYS = 14
"""Days since onset that an infectiousness map can tell, either way (GAEN)."""


@dataclass(frozen=True, slots=True)
class InfectiousnessMap:
    """How infectious a person was, by days since the onset of symptoms."""

    standard: tuple[tuple[int, int], ...]
    """Ranges of days, both ends included."""
    high: tuple[tuple[int, int], ...]
    missing: Infectiousness
    """Where the onset is not told, or more than `MAPPED_DAYS` away."""

    def of(self, days_since_onset: int | None) -> Infectiousness:
        """Return the infectiousness *days_since_onset* (negative: before); None: not told."""
        if days_since_onset is None or abs(days_since_onset) > MAPPED_DAYS:
            return self.missing
        if any(first <= days_since_onset <= last for first, last in self.high):
            return Infectiousness.HIGH
        if any(first <= days_since_onset <= last for first, last in self.standard):
            return Infectiousness.STANDARD
        return Infectiousness.NONE


@dataclass(frozen=True, slots=True)
class Contact:
    """What a definition of close contact asks for: within *metres*, for *minutes* of a day."""

    metres: float
    minutes: float


USUAL_CONTACT = Contact(2.0, 15.0)
"""What most definitions asked for in 2020, WHO's and the ECDC's among them: what the picture and
the chance of a contact go by where rules themselves speak of decibels only."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules say of one day."""

    score: float
    """In the unit of the rules."""
    level: AlertLevel
    encounters: tuple[int, int] | None = None
    """Distinct encounters of low and of high risk, where the rules count them."""


class Rules(Protocol):
    """A family of rules with its parameters."""

    @property
    def infectiousness(self) -> InfectiousnessMap: ...

    @property
    def report_type_when_missing(self) -> ReportType:
        """What a key that does not tell its report type is taken for; UNKNOWN: not counted."""

    @property
    def max_age_days(self) -> int:
        """Days after which an exposure no longer matters; 0: never."""

    @property
    def lowest_level(self) -> AlertLevel:
        """The level in total where no day has one."""

    @property
    def contact(self) -> Contact:
        """What makes a contact by these rules, or what is nearest to them."""

    def counts(self, window: ExposureWindow) -> bool:
        """Tell whether *window* can weigh at all."""

    def judge(self, windows: Sequence[ExposureWindow], estimates: Sequence[Estimate]) -> Verdict:
        """Judge one day by those of its windows that count, or by the distances in them."""
