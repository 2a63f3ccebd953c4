"""How far a notice has come, as those see it who work with it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bluezone_node.authority.ports.notices import ListedNotice, StoredNotice
from bluezone_node.authority.ports.venues import Venue


class NoticeState(StrEnum):
    """How far a notice has come."""

    WAITING = "waiting"
    """For a supervisor."""
    PENDING = "pending"
    """For the next bundle."""
    PUBLISHED = "published"
    RETRACTED = "retracted"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class NoticeView:
    """A notice as those who work with it see it."""

    notice: StoredNotice
    venue: Venue | None
    """None: it was erased."""
    state: NoticeState
    published_in: int | None
    retracted_in: int | None


def view_of(found: ListedNotice, venue: Venue | None, now: datetime) -> NoticeView:
    """Return the notice as it stands at *now*."""
    notice = found.notice
    if notice.retracted is not None:
        state = NoticeState.RETRACTED
    elif notice.expires <= now:
        state = NoticeState.EXPIRED
    elif notice.released is None:
        state = NoticeState.WAITING
    elif found.published_in is None:
        state = NoticeState.PENDING
    else:
        state = NoticeState.PUBLISHED
    return NoticeView(notice, venue, state, found.published_in, found.retracted_in)
