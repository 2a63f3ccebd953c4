"""What is typed of a notice: into the form's fields, and out of them.

All of it stays text until it is read, so that a form that is wrong comes back as it was filled in.
"""

from datetime import datetime

from bluezone_node.authority.places.notice_orders import NoticeOrder
from bluezone_node.venues.notices import Advice, NoticeLevel
from bluezone_node.web.console import window
from bluezone_node.web.console.forms import Form
from bluezone_node.web.console.language import Language

FIELDS = (
    "room",
    *window.FIELDS,
    "level",
    "advice",
    "overlap",
    "tail",
    "phone",
    "vi",
    "en",
)
"""What is typed."""

MORE = ("vi", "en", "overlap", "tail")
"""Of them, those that few notices need: they are folded away."""

FIELD_OF = {
    "notice_window": "to_time",
    "notice_future": "to_time",
    "notice_too_old": "from_day",
    "notice_tail": "tail",
    "notice_overlap": "overlap",
    "notice_text": "vi",
    "notice_phone": "phone",
    "no_card": "room",
}
"""The field that a refusal is about; others are about the whole form."""


def typed_of(order: NoticeOrder) -> dict[str, str]:
    """Return *order* as it would be typed."""
    return {
        **window_of(order),
        "level": str(int(order.level)),
        "advice": str(int(order.advice)),
        "overlap": str(order.min_overlap or ""),
        "tail": "" if order.tail is None else str(order.tail),
        "phone": order.phone,
        "vi": order.texts.get("vi", ""),
        "en": order.texts.get("en", ""),
    }


def window_of(order: NoticeOrder) -> dict[str, str]:
    """Return where and when of *order* as it would be typed."""
    return {"room": order.room, **window.typed_window(order.start, order.end)}


def order_from(
    form: Form,
    language: Language,
    venue_id: bytes,
    proposal: bytes | None,
    now: datetime,
    errors: dict[str, str],
) -> NoticeOrder:
    """Return what the form orders; what cannot be read is told in *errors*."""
    _ = language.gettext
    start, end = window.read_window(form, language, now, errors)
    number = _("This is a number of minutes.")
    overlap = _minutes(form, "overlap", errors, number)
    tail = _minutes(form, "tail", errors, number)
    level, advice = form["level"], form["advice"]
    if level not in {str(int(each)) for each in NoticeLevel}:
        errors["level"], level = _("Choose one."), "1"
    if advice not in {str(int(each)) for each in Advice}:
        errors["advice"], advice = _("Choose one."), "0"
    return NoticeOrder(
        venue_id,
        start,
        end,
        NoticeLevel(int(level)),
        Advice(int(advice)),
        form["room"],
        overlap or 0,
        form["phone"],
        {each: form[each] for each in ("vi", "en") if form[each]},
        tail,
        proposal,
    )


def _minutes(form: Form, name: str, errors: dict[str, str], sentence: str) -> int | None:
    text = form[name]
    if not text:
        return None
    if text.isascii() and text.isdecimal() and len(text) < 5:
        return int(text)
    errors[name] = sentence
    return None
