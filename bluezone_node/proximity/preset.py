"""A preset: rules with their numbers, dated and with their source.

Policy is data: presets are JSON files beside this module, read by `bluezone_node.presets`; the
families of rules that they fill with numbers are in ``rules``.
"""

from dataclasses import dataclass
from datetime import date

from bluezone_node.proximity.model import Infectiousness, ReportType
from bluezone_node.proximity.rules.verdict import Rules


@dataclass(frozen=True, slots=True)
class Preset:
    """One country's or body's rules, with their parameters and where they come from."""

    name: str
    title: str
    source: str
    date: date
    """When the source was in force or published."""
    note: str
    """What a reader should know: what it assumes, and where it departs from its source."""
    kind: str
    """Family of rules: ``gaen-v2``, ``cwa-v2``, ``nhs`` or ``f1``."""
    rules: Rules

    def infectiousness_of(self, days_since_onset: int | None) -> Infectiousness:
        """Return the infectiousness on a day; None where the key does not tell the onset."""
        return self.rules.infectiousness.of(days_since_onset)

    @property
    def report_type_when_missing(self) -> ReportType:
        """What a key that does not tell its report type is taken for."""
        return self.rules.report_type_when_missing
