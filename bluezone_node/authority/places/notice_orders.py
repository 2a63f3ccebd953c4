"""What an officer says of an outbreak's notice, and what of it cannot be."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bluezone_node.authority.ports.accounts import SUPERVISOR, Actor
from bluezone_node.authority.ports.notices import StoredNotice
from bluezone_node.authority.ports.venues import Venue
from bluezone_node.errors import AuthorityRefused, BadInput
from bluezone_node.venues.card import CardFlag, check_line
from bluezone_node.venues.kinds import RULES, VenueKind
from bluezone_node.venues.notices import LONGEST_WINDOW, MAX_TEXT_BYTES, Advice, NoticeLevel

OLDEST = timedelta(days=21)
"""As long as devices keep visits: of what was before nobody could be told."""
LONGEST_TAIL = 180
"""Minutes: the virus was found viable in still air for three hours (van Doremalen, 2020)."""
MAX_OVERLAP = 240
"""Minutes; more would leave nobody in most windows."""
MAX_PHONE = 32
"""Digits, with a + at most."""


@dataclass(frozen=True, slots=True)
class NoticeOrder:
    """What an officer says."""

    venue_id: bytes = field(repr=False)
    start: datetime
    end: datetime
    """The case was there in [start, end)."""
    level: NoticeLevel = NoticeLevel.CONTACT
    advice: Advice = Advice.TEST
    room: str = field(default="", repr=False)
    """Empty: the whole place."""
    min_overlap: int = 0
    """Minutes that somebody must have been there; 0: any."""
    phone: str = ""
    """Whom to call."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """What is added, by language: vi, en."""
    tail: int | None = None
    """Minutes for which the air counts afterwards; None: as for the kind of place."""
    proposal: bytes | None = None
    """Of a kiosk, that this answers."""


def order_of(notice: StoredNotice) -> NoticeOrder:
    """Return what would have to be ordered to get *notice*: where an update begins."""
    return NoticeOrder(
        notice.venue_id,
        notice.start,
        notice.end,
        NoticeLevel(notice.level),
        Advice(notice.advice),
        notice.room,
        notice.min_overlap,
        notice.phone,
        notice.texts,
        notice.tail,
        notice.proposal,
    )


def notice_of(
    order: NoticeOrder,
    venue: Venue,
    actor: Actor,
    now: datetime,
    expires: datetime,
    replaces: int | None,
) -> StoredNotice:
    """Return the notice that *order* makes, not numbered yet; a supervisor's is released.

    Raises:
        AuthorityRefused: reason ``notice_future``, ``notice_too_old``, ``notice_window``,
            ``notice_tail``, ``notice_overlap``, ``notice_phone``, ``notice_text`` or
            ``dual_control``.
    """
    at_once = actor.may(SUPERVISOR)
    notice = StoredNotice(
        0,
        venue.venue_id,
        order.room,
        venue.realm,
        _minute(order.start),
        _minute(order.end),
        RULES[VenueKind(venue.kind)].tail_minutes if order.tail is None else order.tail,
        int(order.level),
        int(order.advice),
        order.min_overlap,
        "".join(order.phone.split()),
        {language: _one_line(text) for language, text in order.texts.items() if text.strip()},
        now,
        actor.name,
        expires,
        now if at_once else None,
        actor.name if at_once else "",
        None,
        "",
        replaces,
        order.proposal,
    )
    _check(notice, venue, now)
    return notice


def _check(notice: StoredNotice, venue: Venue, now: datetime) -> None:
    # First, so that no time that is added to anything is out of this world.
    if notice.end > now:
        raise _refused(
            "notice_future",
            "The time lies in the future: say when the case had left.",
            "times are Vietnam's",
        )
    if notice.start < now - OLDEST:
        raise _refused(
            "notice_too_old",
            f"The time lies more than {OLDEST.days} days ago: no device remembers it.",
        )
    if notice.end <= notice.start:
        raise _refused("notice_window", "The time ends before it begins.")
    if not 0 <= notice.tail <= LONGEST_TAIL:
        raise _refused("notice_tail", f"The air counts for 0 to {LONGEST_TAIL} minutes afterwards.")
    if notice.until - notice.start > LONGEST_WINDOW:
        raise _refused(
            "notice_window",
            "A notice is about 24 hours at most, the time of the air included.",
            "issue one for each day",
        )
    if not 0 <= notice.min_overlap <= MAX_OVERLAP:
        raise _refused(
            "notice_overlap", f"Somebody must have been there 0 to {MAX_OVERLAP} minutes."
        )
    if len(notice.phone) > MAX_PHONE or not set(notice.phone) <= set("+0123456789"):
        raise _refused("notice_phone", "A telephone number has digits, and a + at most.")
    for language, text in notice.texts.items():
        try:
            check_line(text, MAX_TEXT_BYTES, "text")
        except BadInput as error:
            raise _refused("notice_text", str(error)) from None
        if language not in ("vi", "en"):
            raise _refused("notice_text", "A text is in vi or en.")
    if CardFlag(venue.flags) & CardFlag.DUAL_CONTROL:
        raise _refused(
            "dual_control",
            "The place is under dual control: a notice about it needs its own signature, which "
            "this version cannot take.",
            "warn its people through the place itself",
        )


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _refused(reason: str, sentence: str, hint: str = "") -> AuthorityRefused:
    return AuthorityRefused(sentence, reason=reason, hint=hint)
