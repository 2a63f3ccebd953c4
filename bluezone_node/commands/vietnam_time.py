"""Times as people in Vietnam write them: day before month, and always UTC+7."""

from contextlib import suppress
from datetime import datetime

import click

from bluezone_node.venues.card import VIETNAM

_FORM = "%d/%m/%Y %H:%M"


class VietnamTime(click.ParamType[datetime]):
    """A day and a time on Vietnam's clocks: ``22/11/2026 14:30``, or ``2026-11-22T14:30``."""

    name = "DD/MM/YYYY HH:MM"

    def convert(
        self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        if isinstance(value, datetime):
            return value
        text = " ".join(value.split())
        with suppress(ValueError):
            return datetime.strptime(text, _FORM).replace(tzinfo=VIETNAM)
        try:
            given = datetime.fromisoformat(text)
        except ValueError:
            self.fail("write it as in '22/11/2026 14:30', Vietnam's time", param, ctx)
        return given if given.tzinfo else given.replace(tzinfo=VIETNAM)


def in_vietnam(at: datetime) -> str:
    """Return *at* as it is written in Vietnam; the zone is to be said beside it."""
    return f"{at.astimezone(VIETNAM):%H:%M %d/%m/%Y}"


def window_in_vietnam(start: datetime, end: datetime) -> str:
    """Return [start, end) in one phrase, the zone said."""
    first, last = start.astimezone(VIETNAM), end.astimezone(VIETNAM)
    until = f"{last:%H:%M}" if first.date() == last.date() else in_vietnam(last)
    return f"{in_vietnam(first)} – {until} (giờ Việt Nam, UTC+7)"
