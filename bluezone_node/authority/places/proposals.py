"""What kiosks propose: their radio heard somebody who has since reported a diagnosis.

A kiosk says where, when and how sure it is, in figures; no identifier and no key leaves it.  A
person decides: approved, the proposal becomes a notice like any other.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bluezone_node.authority.places.notice_orders import OLDEST, NoticeOrder
from bluezone_node.authority.places.notice_views import NoticeView
from bluezone_node.authority.places.notices import Notices
from bluezone_node.authority.ports.accounts import EVERYWHERE, Actor
from bluezone_node.authority.ports.audit import AuditTrail
from bluezone_node.authority.ports.notices import Evidence, KioskSecrets, Proposal, ProposalStore
from bluezone_node.authority.ports.venues import Kiosk, Venue, VenueState, VenueStore
from bluezone_node.errors import AuthorityRefused
from bluezone_node.ports import Clock
from bluezone_node.venues.card import SignedCard
from bluezone_node.venues.notices import LONGEST_WINDOW

DAILY = 20
"""Proposals of one place within a day: a hall where more happened is no matter for a kiosk, and a
stolen kiosk cannot bury the real ones."""
MAX_REASON = 200
SKEW = timedelta(minutes=5)
"""By which a kiosk's clock may be ahead of ours."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Where the kiosk stands that speaks to us."""

    kiosk: Kiosk
    venue: Venue


class Proposals:
    """Takes proposals from kiosks, and people's decisions. Every method blocks on the stores."""

    def __init__(
        self,
        store: ProposalStore,
        venues: VenueStore,
        kiosks: KioskSecrets,
        notices: Notices,
        audit: AuditTrail,
        clock: Clock,
    ) -> None:
        self._store = store
        self._venues = venues
        self._kiosks = kiosks
        self._notices = notices
        self._audit = audit
        self._clock = clock

    def desk(self, bearer: str) -> Desk:
        """Return where the kiosk stands whose bearer token that is.

        Raises:
            AuthorityRefused: reason ``unauthorized``, the same whatever is wrong with it.
        """
        kiosk = self._kiosks.by_bearer(bearer)
        venue = None if kiosk is None else self._venues.venue(kiosk.venue_id)
        if kiosk is None or venue is None or venue.state is not VenueState.APPROVED:
            raise AuthorityRefused("The kiosk is not known.", reason="unauthorized")
        return Desk(kiosk, venue)

    def card(self, desk: Desk) -> SignedCard:
        """Return the newest card of the kiosk's room that holds today.

        Raises:
            AuthorityRefused: reason ``no_card``.
        """
        now = self._now()
        held = self._venues.cards_of(
            desk.kiosk.venue_id, desk.kiosk.room, now, now + timedelta(seconds=1)
        )
        held = [
            row
            for row in held
            if row.room == desk.kiosk.room and (row.revoked is None or row.revoked > now)
        ]
        if not held:
            raise AuthorityRefused("The place has no card that holds today.", reason="no_card")
        return max(held, key=lambda row: (row.issued, row.signed.card.from_day)).signed

    def take(
        self, desk: Desk, proposal_id: bytes, start: datetime, end: datetime, said: Evidence
    ) -> Proposal:
        """Keep a proposal, and return it; one that came before, as it stands by now.

        Raises:
            AuthorityRefused: reason ``proposal_invalid`` (its time or its figures cannot be),
                ``proposal_taken`` (another place has used the id), ``quota_exceeded``.
        """
        now = self._now()
        if not (
            timedelta(0) < end - start <= LONGEST_WINDOW
            and now - OLDEST <= start
            and end <= now + SKEW
            and said.minutes >= 0
            and said.packets > 0
            and said.keys > 0
            and said.expected_packets >= 0
            and (said.confidence is None or 0 <= said.confidence <= 1)
        ):
            raise AuthorityRefused(
                "The time or the figures of the proposal cannot be.", reason="proposal_invalid"
            )
        proposal = Proposal(
            proposal_id,
            desk.kiosk.venue_id,
            desk.kiosk.room,
            desk.venue.realm,
            start,
            end,
            said,
            now,
        )
        kept = self._store.add(proposal, now - timedelta(days=1), DAILY)
        if kept is None:
            raise AuthorityRefused(
                "The place has proposed as much today as it may.", reason="quota_exceeded"
            )
        if (kept.venue_id, kept.room) != (desk.kiosk.venue_id, desk.kiosk.room):
            raise AuthorityRefused("The id has been used.", reason="proposal_taken")
        return kept

    def newest(self, actor: Actor, *, waiting: bool = True) -> list[Proposal]:
        """Return those that wait, or all, newest first."""
        realm = None if actor.realm == EVERYWHERE else actor.realm
        return self._store.proposals(realm, waiting=waiting)

    def show(self, proposal_id: bytes, actor: Actor) -> Proposal:
        """Return one.

        Raises:
            AuthorityRefused: reason ``proposal_not_found``.
        """
        found = self._store.proposal(proposal_id)
        if found is None or not actor.covers(found.realm):
            raise AuthorityRefused("There is no such proposal.", reason="proposal_not_found")
        return found

    def approve(self, proposal_id: bytes, order: NoticeOrder, actor: Actor) -> NoticeView:
        """Issue a notice for the place of the proposal; the window is that of *order*.

        Raises:
            AuthorityRefused: reason ``proposal_not_found``, ``proposal_decided``, or one of
                `Notices.issue`.
        """
        found = self._waiting(proposal_id, actor)
        return self._notices.issue(
            replace(order, venue_id=found.venue_id, proposal=found.proposal_id), actor
        )

    def dismiss(self, proposal_id: bytes, reason: str, actor: Actor) -> Proposal:
        """Put it aside.

        Raises:
            AuthorityRefused: reason ``proposal_not_found``, ``proposal_decided`` or
                ``dismissal_reason``.
        """
        found = self._waiting(proposal_id, actor)
        reason = " ".join(reason.split())
        if not 0 < len(reason) <= MAX_REASON:
            raise AuthorityRefused(
                f"Say why, in 1 to {MAX_REASON} characters.", reason="dismissal_reason"
            )
        self._audit.record(actor, "proposal_dismissed", proposal_id.hex(), realm=found.realm)
        if not self._store.dismiss(proposal_id, self._now(), actor.name, reason):
            raise _decided()
        return self.show(proposal_id, actor)

    def _waiting(self, proposal_id: bytes, actor: Actor) -> Proposal:
        found = self.show(proposal_id, actor)
        if found.decided is not None:
            raise _decided()
        return found

    def _now(self) -> datetime:
        return self._clock.now().replace(microsecond=0)


def _decided() -> AuthorityRefused:
    return AuthorityRefused("Somebody has decided about the proposal.", reason="proposal_decided")
