"""From when to when: two days to choose from and two times to type, as health workers say them.

“On Saturday from seven to nine”: days are chosen by their weekday, so that tomorrow cannot be; a
time is typed by the 24-hour clock, in any of the ways in which it is written in Vietnam.  A
browser's own fields for both follow its language, and ask for AM and PM of who means neither.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta

from bluezone_node.venues.names import folded
from bluezone_node.web.console.forms import Form
from bluezone_node.web.console.language import VIETNAM, Language

FIELDS = ("from_day", "from_time", "to_day", "to_time")
"""*to_day* may be empty: the day on which it began."""

_HOUR = r"\s*(?:h|gio|g)\s*"
_TIME = re.compile(rf"(\d{{1,2}})(?:(?:[:.]|{_HOUR})(\d{{2}})?|(\d{{2}})|(?:{_HOUR})?\s*(ruoi))?")
"""7, 7h, 7h30, 7:30, 7.30, 7 giờ 30, 730, 0730, 7 giờ rưỡi; all but digits is folded."""


def days(
    language: Language, now: datetime, back: int, typed: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Return the last *back* days to choose from, newest first, and those *typed* before."""
    today, _ = now.astimezone(VIETNAM).date(), language.gettext
    names = {0: _("today"), 1: _("yesterday")}
    listed = {}
    for ago in range(back):
        day = today - timedelta(days=ago)
        words = language.weekday(day)
        listed[day.isoformat()] = f"{words} ({names[ago]})" if ago in names else words
    for field in ("from_day", "to_day"):
        if text := typed.get(field):
            listed.setdefault(text, text)
    return list(listed.items())


def typed_window(start: datetime, end: datetime) -> dict[str, str]:
    """Return [start, end) as it would be typed."""
    first, last = start.astimezone(VIETNAM), end.astimezone(VIETNAM)
    same = first.date() == last.date()
    return {
        "from_day": first.date().isoformat(),
        "from_time": f"{first:%H:%M}",
        "to_day": "" if same else last.date().isoformat(),
        "to_time": f"{last:%H:%M}",
    }


def read_window(
    form: Form, language: Language, now: datetime, errors: dict[str, str]
) -> tuple[datetime, datetime]:
    """Return the window that was typed; what of it cannot be is told in *errors*, by field."""
    _ = language.gettext
    no_day = _("Choose the day.")
    start_day = _day(form["from_day"], "from_day", no_day, errors)
    end_day = _day(form["to_day"], "to_day", no_day, errors) if form["to_day"] else start_day
    sentence = _("Type a time of the 24-hour clock, such as 7:00, 7h30 or 19h.")
    start = datetime.combine(start_day, _time(form, "from_time", sentence, errors), VIETNAM)
    end = datetime.combine(end_day, _time(form, "to_time", sentence, errors), VIETNAM)
    if not errors and end <= start:
        errors["to_time"] = _(
            "This is before the time when it began. If it ended after midnight, choose the day."
        )
    elif not errors and end > now:
        told = {"now": language.moment(now)}
        errors["to_time"] = _("This time is still to come: it is %(now)s now.") % told
    return start, end


def clock_time(text: str) -> time | None:
    """Return the time of day that *text* is; None: it is none."""
    found = _TIME.fullmatch(folded(text))
    if found is None:
        return None
    hour, minute = int(found[1]), 30 if found[4] else int(found[2] or found[3] or 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None


def _day(text: str, field: str, sentence: str, errors: dict[str, str]) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        errors[field] = sentence
        return date.min + timedelta(days=1)


def _time(form: Form, field: str, sentence: str, errors: dict[str, str]) -> time:
    found = clock_time(form[field])
    if found is None:
        errors[field] = sentence
    return found or time()
