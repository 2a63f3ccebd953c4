"""What somebody who was at a place reads of a notice, in each language: shown before it goes out.

Devices have sentences of their own for level and advice; these say the same.
"""

from bluezone_node.authority.ports.notices import StoredNotice
from bluezone_node.venues.notices import Advice, NoticeLevel
from bluezone_node.web.console.language import Language, languages


def readings(notice: StoredNotice, place: str) -> list[tuple[str, list[str]]]:
    """Return language and lines, Vietnamese first, whoever looks at it."""
    return [(name, _lines(language, notice, place)) for name, language in languages().items()]


def _lines(language: Language, notice: StoredNotice, place: str) -> list[str]:
    _ = language.gettext
    headings = {
        NoticeLevel.INFORM: _("For your information"),
        NoticeLevel.MONITOR: _("Watch your health"),
        NoticeLevel.CONTACT: _("You are a contact of a confirmed case (F1)"),
    }
    advice = {
        Advice.NONE: "",
        Advice.WATCH: _("Watch your health for 14 days: fever, cough, tiredness."),
        Advice.TEST: _("Get tested, and keep away from others until you know the result."),
        Advice.STAY_HOME: _("Stay at home, keep away from others, and call."),
    }
    where = f"{place}, {notice.room}" if notice.room else place
    lines = [
        headings[NoticeLevel(notice.level)],
        _("You were at %(place)s while a confirmed case was there: %(span)s.")
        % {"place": where, "span": language.span(notice.start, notice.until)},
        advice[Advice(notice.advice)],
        _("Call: %(phone)s") % {"phone": notice.phone} if notice.phone else "",
        notice.texts.get(language.name, ""),
    ]
    return [line for line in lines if line]
