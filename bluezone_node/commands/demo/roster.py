"""Who was at the market, how that came to be known, and of whom each should be warned."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import click

from bluezone_node.commands.demo.cast import Document

NOBODY = "–"


@dataclass(frozen=True, slots=True)
class Visitor:
    """One of those whom the story is about."""

    name: str
    """Of the person."""
    device: str
    """That keeps the visit; empty: none does."""
    how: str
    """By which way they checked in."""
    warned_of: str
    """The case whom they should be warned of, `NOBODY` or what else should come of it."""
    proved: bool = False
    """Whether the warning should say that the kiosk's code confirms the visit."""


VISITORS = (
    Visitor("Lan", "lan", "poster, own device", "Hùng"),
    Visitor("Minh", "minh", "own code, the kiosk's screen", "Hùng", proved=True),
    Visitor("Tư", "tu", "wearable held to the kiosk", "Hùng"),
    Visitor("Dũng", "", "identity card at the kiosk", "hotline"),
    Visitor("Bà Năm", "chau", "slip, her grandson's device", "Hùng", proved=True),
    Visitor("Quý", "quy", "poster, at eleven", NOBODY),
    Visitor("Hoa", "hoa", "poster of a pharmacy", NOBODY),
    Visitor("Sáu", "sau", "poster, a family of three", "Tâm"),
    Visitor("Tâm", "tam", "wearable, radio alone", NOBODY),
)
DEVICES = tuple(each.device for each in VISITORS if each.device)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it for one of them."""

    there: str
    warned_of: str
    proved: bool

    def is_right(self, visitor: Visitor) -> bool:
        """Tell whether it is what should have come of it."""
        return (self.warned_of, self.proved) == (visitor.warned_of, visitor.proved)


def outcome_of(
    visits: Sequence[Document],
    alerts: Sequence[Document],
    cases: Mapping[str, tuple[datetime, datetime]],
) -> Outcome:
    """Return what a device says. *cases*: from when until when a notice holds, by the case."""
    there = NOBODY
    for visit in visits[-1:]:
        there = f"{_clock(visit['came'])}–{_clock(visit['left']) if visit['left'] else '…'}"
    of = [
        case
        for alert in alerts
        for case, (start, end) in cases.items()
        if start <= datetime.fromisoformat(alert["start"]) < end
    ]
    unknown = len(alerts) - len(of)
    told = [*of, *["?"] * unknown]
    return Outcome(there, ", ".join(told) or NOBODY, any(map(is_proved, alerts)))


def is_proved(alert: Document) -> bool:
    """Tell whether a code of the kiosk confirms the visit that *alert* is about."""
    presence = alert["presence"]
    return presence is not None and bool(presence["proved"])


def draw(rows: Iterable[tuple[Visitor, Outcome]]) -> None:
    """Print the table, which fits into 80 columns."""
    _row("ai / who", "ghi nhận / checked in by", "có mặt / there", "được báo / warned of")
    for visitor, outcome in rows:
        right = outcome.is_right(visitor)
        mark = click.style("✓", fg="green") if right else click.style("✗ NOT SO", fg="red")
        warned = outcome.warned_of + (", proved" if outcome.proved else "")
        _row(visitor.name, visitor.how, outcome.there, f"{warned:<14} {mark}")


def _row(*cells: str) -> None:
    click.echo("  ".join(f"{cell:<{width}}" for cell, width in zip(cells, _WIDTHS, strict=True)))


_WIDTHS = (8, 29, 14, 0)


def _clock(at: str) -> str:
    return f"{datetime.fromisoformat(at).astimezone():%H:%M}"
