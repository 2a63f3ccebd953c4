"""The console's two languages: Vietnamese unless somebody asks for English.

The source text of every sentence is English and stands where it is used; the Vietnamese stands
in ``locale/vi.po`` and is read when the server starts.  No compiled catalogue is kept, so none
can be out of date.
"""

import gettext
from collections.abc import Mapping
from datetime import date, datetime, timedelta, timezone
from functools import cache
from importlib.resources import files
from io import BytesIO

from babel.dates import format_date, format_datetime
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent

LANGUAGES = ("vi", "en")
"""The first one is spoken where nothing else is asked for."""

VIETNAM = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")
"""Vietnam's time since 1975, without summer time: no database of zones is needed for it."""

_LOCALES = {"vi": "vi_VN", "en": "en_GB"}
"""British English writes the day before the month, as Vietnamese does."""


class Language:
    """One language: its sentences, and how it writes times and numbers."""

    def __init__(self, name: str, catalogue: gettext.NullTranslations) -> None:
        self.name = name
        self.gettext = catalogue.gettext
        self.ngettext = catalogue.ngettext
        self._locale = _LOCALES[name]

    def moment(self, at: datetime) -> str:
        """Return *at* as a clock in Vietnam shows it: 14:05, 22/11/2026."""
        return format_datetime(at.astimezone(VIETNAM), "HH:mm, dd/MM/yyyy", locale=self._locale)

    def span(self, start: datetime, end: datetime) -> str:
        """Return [start, end) as clocks in Vietnam show it: 14:05 – 15:20, 22/11/2026."""
        same = start.astimezone(VIETNAM).date() == end.astimezone(VIETNAM).date()
        first = self.clock(start) if same else self.moment(start)
        return f"{first} – {self.moment(end)}"

    def clock(self, at: datetime) -> str:
        """Return the time of day of *at* in Vietnam."""
        return format_datetime(at.astimezone(VIETNAM), "HH:mm", locale=self._locale)

    def day(self, day: date) -> str:
        return format_date(day, "dd/MM/yyyy", locale=self._locale)

    def weekday(self, day: date) -> str:
        """Return *day* with its name: Thứ Bảy, 21/11/2026."""
        return format_date(day, "EEEE, dd/MM/yyyy", locale=self._locale)

    def short_day(self, day: date) -> str:
        return format_date(day, "dd/MM", locale=self._locale)

    def number(self, value: float) -> str:
        return format_decimal(value, locale=self._locale)

    def percent(self, share: float) -> str:
        return format_percent(share, locale=self._locale)

    def duration(self, seconds: float) -> str:
        """Return a length of time in its largest unit, rounded down."""
        minutes = int(seconds // 60)
        if minutes < 60:
            return self.ngettext("%(num)d minute", "%(num)d minutes", minutes) % {"num": minutes}
        hours = minutes // 60
        if hours < 48:
            return self.ngettext("%(num)d hour", "%(num)d hours", hours) % {"num": hours}
        days = hours // 24
        return self.ngettext("%(num)d day", "%(num)d days", days) % {"num": days}

    def among(self, names: Mapping[str, str]) -> str:
        """Return the text in this language of a name that the settings give in each."""
        return names[self.name]


@cache
def languages() -> dict[str, Language]:
    """Return the languages by their names."""
    with files(__package__).joinpath("locale/vi.po").open("rb") as file:
        catalogue = read_po(file, locale="vi")
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return {
        "vi": Language("vi", gettext.GNUTranslations(compiled)),
        "en": Language("en", gettext.NullTranslations()),
    }


def choose(cookie: str | None, accepted: str | None) -> str:
    """Return the language to answer in.

    Args:
        cookie: what was chosen on a page before.
        accepted: the header ``Accept-Language``.
    """
    if cookie in LANGUAGES:
        return str(cookie)
    ranked: list[tuple[float, int, str]] = []
    for place, part in enumerate((accepted or "")[:500].split(",")):
        tag, _, weight = part.partition(";")
        name = tag.strip().partition("-")[0].lower()
        if name in LANGUAGES:
            ranked.append((-_weight(weight), place, name))
    wanted = [name for weight, _, name in sorted(ranked) if weight < 0]
    return wanted[0] if wanted else LANGUAGES[0]


def _weight(text: str) -> float:
    text = text.strip().removeprefix("q=")
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0
