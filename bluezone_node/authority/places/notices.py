"""Outbreak notices: an officer says where and when a case was, and what people should do.

The notice is sealed for the visitors of that place the moment it may go out; bundles carry it
(`bundles`).  A supervisor's notice may at once; an issuer's waits for a supervisor: who warns a
whole market does not do it alone.  Everything is in the audit trail, written before it is done.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from bluezone_node.authority.places.cards import WHOLE
from bluezone_node.authority.places.directory import Directory
from bluezone_node.authority.places.notice_orders import OLDEST, NoticeOrder, notice_of
from bluezone_node.authority.places.notice_views import NoticeState, NoticeView, view_of
from bluezone_node.authority.places.sealing import sealed_parts
from bluezone_node.authority.ports.accounts import EVERYWHERE, SUPERVISOR, Actor
from bluezone_node.authority.ports.audit import AuditTrail
from bluezone_node.authority.ports.notices import (
    KioskSecrets,
    ListedNotice,
    NoticePart,
    NoticeStore,
    StoredNotice,
)
from bluezone_node.authority.ports.venues import Venue, VenueCardRow, VenueStore
from bluezone_node.errors import AuthorityRefused
from bluezone_node.ports import Clock, Entropy
from bluezone_node.venues.notices import LONGEST_WINDOW

MAX_NUMBER = 2**31 - 1
"""Of a notice: no database that we speak to has more in the column."""
KEEP = timedelta(days=90)
"""A notice that is over is kept so long, for whoever asks why they were told."""


class Notices:
    """Issues, updates and retracts notices. Every method blocks on the stores."""

    def __init__(
        self,
        store: NoticeStore,
        venues: VenueStore,
        directory: Directory,
        kiosks: KioskSecrets,
        audit: AuditTrail,
        clock: Clock,
        entropy: Entropy,
        *,
        days: int,
    ) -> None:
        """*days*: how long a notice stands before it expires."""
        self._store = store
        self._venues = venues
        self._directory = directory
        self._kiosks = kiosks
        self._audit = audit
        self._clock = clock
        self._entropy = entropy
        self._days = timedelta(days=days)

    def issue(self, order: NoticeOrder, actor: Actor) -> NoticeView:
        """Return the new notice; an issuer's waits for a supervisor.

        Raises:
            AuthorityRefused: reason ``venue_not_found``, ``notice_window``, ``notice_future``,
                ``notice_too_old``, ``notice_tail``, ``notice_overlap``, ``notice_text``,
                ``notice_phone``, ``dual_control``, ``no_card`` (no card of the place was valid
                then), or ``proposal_decided``.
        """
        return self._issue(order, actor, None)

    def update(self, number: int, order: NoticeOrder, actor: Actor) -> NoticeView:
        """Put another notice in the place of one: devices learn of both in one bundle.

        The place and the proposal stay what they were.

        Raises:
            AuthorityRefused: as `issue` and `retract`.
        """
        before = self._alive(number, actor)
        order = replace(order, venue_id=before.venue_id, proposal=before.proposal)
        return self._issue(order, actor, number)

    def release(self, number: int, actor: Actor) -> NoticeView:
        """Let an issuer's notice go out.

        Raises:
            AuthorityRefused: reason ``forbidden``, ``notice_not_found``, ``notice_retracted``,
                ``notice_released``, ``notice_expired``, ``no_card``.
        """
        notice = self._alive(number, actor)
        _supervisor(actor)
        if notice.released is not None:
            raise AuthorityRefused("The notice has been released.", reason="notice_released")
        now = self._now()
        if notice.expires <= now:
            raise AuthorityRefused("The notice has expired.", reason="notice_expired")
        # It stands for as long as was said when it was written; people are told of it from now.
        parts = self._sealed(replace(notice, issued=now))
        self._audit.record(actor, "notice_released", str(number), realm=notice.realm)
        if not self._store.release(number, now, actor.name, parts):
            raise _retracted()
        return self.show(number, actor)

    def retract(self, number: int, actor: Actor) -> NoticeView:
        """Take a notice back: devices that know it tell its people that it does not hold.

        Who wrote one that still waits may take it back; otherwise it takes a supervisor.

        Raises:
            AuthorityRefused: reason ``notice_not_found``, ``notice_retracted``, ``forbidden``.
        """
        notice = self._alive(number, actor)
        if notice.released is not None or notice.issued_by != actor.name:
            _supervisor(actor)
        self._audit.record(actor, "notice_retracted", str(number), realm=notice.realm)
        if not self._store.retract(number, self._now(), actor.name):
            raise _retracted()
        return self.show(number, actor)

    def show(self, number: int, actor: Actor) -> NoticeView:
        """Return one notice.

        Raises:
            AuthorityRefused: reason ``notice_not_found``.
        """
        return self._view(self._reachable(number, actor))

    def newest(self, actor: Actor, limit: int = 200) -> list[NoticeView]:
        """Return the newest notices that *actor* may see."""
        realm = None if actor.realm == EVERYWHERE else actor.realm
        return [self._view(each) for each in self._store.notices(realm, limit)]

    def check(self, venue_id: bytes, start: datetime, end: datetime) -> list[NoticeView]:
        """Return the notices that hold and touch the place in [start, end): for a hotline.

        Anybody who signed in may ask about any place: a caller was where they were.
        """
        found = [self._view(each) for each in self._store.touching(venue_id, start, end)]
        holding = (NoticeState.PENDING, NoticeState.PUBLISHED)
        return [each for each in found if each.state in holding]

    def held(self, venue: Venue) -> list[NoticeView]:
        """Return all notices about the place that hold now, newest first."""
        now = self._now()
        return self.check(venue.venue_id, now - OLDEST, now + LONGEST_WINDOW)

    def checked(self, order: NoticeOrder, actor: Actor) -> StoredNotice:
        """Return the notice that *order* would become, and do nothing.

        Raises:
            AuthorityRefused: as `issue`.
        """
        venue = self._directory.venue(order.venue_id, actor)
        notice = self._made(order, venue, actor)
        self._cards(notice)
        return notice

    def rooms(self, venue: Venue) -> list[str]:
        """Return the rooms that a notice about the place may name: its own, then those removed
        since somebody was there who can still be told."""
        now = self._now()
        cards = self._venues.cards_of(venue.venue_id, None, now - OLDEST, now)
        removed = {row.room for row in cards} - {WHOLE, *venue.rooms}
        return [*venue.rooms, *sorted(removed)]

    def forget(self) -> int:
        """Remove notices that have long been over; return how many."""
        return self._store.forget(self._now() - KEEP)

    def _issue(self, order: NoticeOrder, actor: Actor, replaces: int | None) -> NoticeView:
        venue = self._directory.venue(order.venue_id, actor)
        notice = self._made(order, venue, actor, replaces)
        at_once, parts = notice.released is not None, self._sealed(notice)
        action = ("notice_updated" if replaces else "notice_issued") if at_once else "notice_asked"
        minutes = int((notice.until - notice.start).total_seconds()) // 60
        detail: dict[str, str | int] = {"minutes": minutes, "level": notice.level}
        if replaces is not None:
            detail["replaces"] = replaces
        self._audit.record(actor, action, venue.venue_id.hex(), detail, realm=venue.realm)
        number = self._store.add(notice, parts if at_once else ())
        if number is None and replaces is not None:
            raise _retracted()
        if number is None:
            raise AuthorityRefused(
                "Somebody has decided about the proposal.", reason="proposal_decided"
            )
        return self.show(number, actor)

    def _made(
        self, order: NoticeOrder, venue: Venue, actor: Actor, replaces: int | None = None
    ) -> StoredNotice:
        now = self._now()
        return notice_of(order, venue, actor, now, now + self._days, replaces)

    def _sealed(self, notice: StoredNotice) -> list[NoticePart]:
        def keys(room: str) -> list[bytes]:
            return self._kiosks.proof_keys(notice.venue_id, room, notice.start)

        return sealed_parts(notice, self._cards(notice), keys, self._entropy)

    def _cards(self, notice: StoredNotice) -> list[VenueCardRow]:
        cards = self._venues.cards_of(
            notice.venue_id, notice.room or None, notice.start, notice.until
        )
        if not cards:
            raise AuthorityRefused(
                "No card of the place, or of that room, was valid then: nobody has checked in.",
                reason="no_card",
            )
        return cards

    def _alive(self, number: int, actor: Actor) -> StoredNotice:
        notice = self._reachable(number, actor).notice
        if notice.retracted is not None:
            raise _retracted()
        return notice

    def _reachable(self, number: int, actor: Actor) -> ListedNotice:
        found = self._store.notice(number) if 0 < number <= MAX_NUMBER else None
        if found is None or not actor.covers(found.notice.realm):
            raise AuthorityRefused("There is no such notice.", reason="notice_not_found")
        return found

    def _view(self, found: ListedNotice) -> NoticeView:
        return view_of(found, self._venues.venue(found.notice.venue_id), self._clock.now())

    def _now(self) -> datetime:
        return self._clock.now().replace(microsecond=0)


def _supervisor(actor: Actor) -> None:
    if not actor.may(SUPERVISOR):
        raise AuthorityRefused("This takes a supervisor.", reason="forbidden")


def _retracted() -> AuthorityRefused:
    return AuthorityRefused("The notice was retracted already.", reason="notice_retracted")
