"""Checking in and out with one's own device: what a scanned code means, and what is kept of it."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from bluezone_node.errors import BadInput
from bluezone_node.node.notices import AHEAD, head_believed, trust_of
from bluezone_node.ports import Clock, NodeStore, OnStore, StoredVisit
from bluezone_node.venues.card import SignedCard
from bluezone_node.venues.foreign import ForeignPlace, read_foreign
from bluezone_node.venues.passes import PASS_LIFE, Holder, Pass
from bluezone_node.venues.register import Contact, check_contact
from bluezone_node.venues.text import read_text
from bluezone_node.venues.trust import TrustList, accept_card
from bluezone_node.venues.visits import (
    VISIT_RETENTION,
    Seen,
    arrive,
    edit,
    entered_afterwards,
    leave,
    settle,
)

_UNCHECKED = "nhs_unknown_key"
"""A poster that is whole, and whose signature nobody here can judge: good enough for a diary."""

_BY_THE_CLOCK = ("card_not_yet", "card_unknown_signer")
"""Refusals that a clock which is behind brings about."""


@dataclass(frozen=True, slots=True)
class CheckedIn:
    """What a scan did."""

    visits: tuple[StoredVisit, ...] = field(repr=False)
    """Those that it changed or began, in order of time; the last is the one of now."""
    foreign: ForeignPlace | None = field(default=None, repr=False)
    """The place, where the code is another country's: a diary entry that no notice will find."""


class CheckIn:
    """The visits of this device, as its owner changes them."""

    def __init__(
        self,
        clock: Clock,
        on_store: OnStore,
        *,
        root: bytes,
        hosts: Collection[str],
        private: bool,
        changed_past: Callable[[], object] = lambda: None,
    ) -> None:
        """*root*: the pinned public key.  *hosts*: those that a scanned link may lead to.

        *changed_past*: called when a visit of the past was entered or changed, so that a notice
        that is known already may speak of it.
        """
        self._clock = clock
        self._on_store = on_store
        self._root = root
        self._hosts = frozenset(host.lower() for host in hosts)
        self._private = private
        self._changed_past = changed_past

    def now(self) -> datetime:
        return self._clock.now()

    async def show(self, nonce: bytes, party: int, holder: Holder | None) -> Pass:
        """Return a code for a kiosk; one with a name is remembered, for its row may be opened.

        Raises:
            BadInput: as `venues.register.check_contact`: no kiosk would take it.
        """
        now = self.now()
        if holder is not None:
            check_contact(Contact(holder.name, holder.phone))
            await self._on_store(lambda store: store.add_shown_pass(nonce, now))
        return Pass(nonce, now + PASS_LIFE, party, holder)

    async def scan(
        self,
        text: str,
        *,
        party: int | None = None,
        private: bool = False,
        at: datetime | None = None,
        until: datetime | None = None,
    ) -> CheckedIn:
        """Check in, or out by a code of the way out, with the *text* of a code.

        *at*: enter a visit afterwards, which began then, and lasted *until* or as usual.

        Raises:
            BadInput: the code is refused (reasons of `text.read_text`, `trust.accept_card`, and
                ``foreign_code``, ``trust_missing``), or the visit is (`visits.arrive`, `edit`).
        """
        now = self.now()
        when = at or now
        if not now - VISIT_RETENTION < when <= now:
            # Before the code is judged: of that day no key may be known any more.
            raise BadInput(
                "A visit that is entered afterwards began within the last 21 days.",
                reason="visit_times",
            )
        private = private or self._private
        foreign = read_foreign(text)
        if foreign is not None:
            seen = Seen(when, _named(foreign), party=party, private=private)
        else:
            place = read_text(text, self._hosts)
            card = place.card
            trust, revoked = await self._on_store(self._trust)
            _accept(card, trust, when, revoked, now)
            label = " – ".join(filter(None, (card.card.name, card.card.room)))
            seen = Seen(when, label, card, place.direction, party, place.proof, private)

        def change(stored: Sequence[StoredVisit]) -> list[StoredVisit]:
            if at is not None:
                return [StoredVisit(0, entered_afterwards(seen, until, now))]
            ids = [*(entry.id for entry in stored), 0]
            changed = arrive([entry.visit for entry in stored], seen)
            return [StoredVisit(ids[number], visit) for number, visit in changed]

        done = CheckedIn(tuple(await self._change(change)), foreign)
        if at is not None:
            self._changed_past()
        return done

    async def leave(self) -> StoredVisit:
        """Check out of the place that the owner is at.

        Raises:
            BadInput: reason ``not_checked_in``.
        """

        def change(stored: Sequence[StoredVisit]) -> list[StoredVisit]:
            now = self.now()
            lasting = [entry for entry in stored if settle(entry.visit, now).left is None]
            for entry in (lasting or stored)[-1:]:
                return [replace(entry, visit=leave(entry.visit, now))]
            raise BadInput("You are not checked in anywhere.", reason="not_checked_in")

        return (await self._change(change))[0]

    async def visits(self) -> list[StoredVisit]:
        """Return all visits as they stand now; those that are over by now are written so."""
        now = self.now()
        await self._on_store(lambda store: settle_visits(store, now))
        return await self._on_store(lambda store: store.visits())

    async def edit(self, number: int, came: datetime | None, left: datetime | None) -> StoredVisit:
        """Set the times of a visit by hand.

        Raises:
            BadInput: reason ``unknown_visit`` or ``visit_times``.
        """
        now = self.now()

        def change(stored: Sequence[StoredVisit]) -> list[StoredVisit]:
            entry = next((entry for entry in stored if entry.id == number), None)
            if entry is None:
                raise unknown_visit(number)
            visit = settle(entry.visit, now)
            changed = edit(visit, came or visit.came, left or visit.left or now, now)
            return [replace(entry, visit=changed)]

        (changed,) = await self._change(change)
        self._changed_past()
        return changed

    async def forget(self, numbers: Collection[int] | None) -> int:
        """Erase visits (None: all) and the alerts about them, beyond recovery.

        Raises:
            BadInput: reason ``unknown_visit``.
            DatabaseUnusable: see `ports.PlaceStore.forget_visits`.
        """
        if numbers is not None:
            known = {entry.id for entry in await self._on_store(lambda store: store.visits())}
            for number in numbers:
                if number not in known:
                    raise unknown_visit(number)
        return await self._on_store(lambda store: store.forget_visits(numbers))

    async def _change(
        self, change: Callable[[Sequence[StoredVisit]], Sequence[StoredVisit]]
    ) -> list[StoredVisit]:
        return await self._on_store(lambda store: store.change_visits(change))

    def _trust(self, store: NodeStore) -> tuple[TrustList, frozenset[bytes]]:
        """Return whose cards count, and the cards that were withdrawn."""
        trust = trust_of(store, self._root)
        if trust is None:
            raise BadInput(
                "Whose codes are genuine is not known yet: there is no trust list.",
                reason="trust_missing",
                hint="bluezone-node sync fetches it; then scan again",
            )
        newest = head_believed(store, trust)
        return trust, frozenset(newest.revoked if newest is not None else ())


def settle_visits(store: NodeStore, now: datetime) -> None:
    """Write those visits as over that are by *now*: a private one loses its name with that."""

    def change(stored: Sequence[StoredVisit]) -> list[StoredVisit]:
        settled = [replace(entry, visit=settle(entry.visit, now)) for entry in stored]
        return [new for new, old in zip(settled, stored, strict=True) if new != old]

    store.change_visits(change)


def unknown_visit(number: int) -> BadInput:
    """Return the error of one who names a visit that there is not."""
    return BadInput(
        f"there is no visit {number}",
        reason="unknown_visit",
        hint="`bluezone-node visit list` lists them",
    )


def _accept(
    card: SignedCard, trust: TrustList, at: datetime, revoked: frozenset[bytes], now: datetime
) -> None:
    """Pass where `trust.accept_card` does, or say that it is no wonder that it does not."""
    try:
        accept_card(card, trust, at, revoked)
    except BadInput as error:
        # Who made the list was not ahead of the time by a day.
        if trust.created > now + AHEAD and error.reason in _BY_THE_CLOCK:
            raise BadInput(
                "The clock of this device is wrong: what it knows of places is of a later day.",
                reason="clock_behind",
                hint="set it (timedatectl set-ntp true), then scan again",
            ) from error
        raise


def _named(foreign: ForeignPlace) -> str:
    """Return the name of another country's place.

    Raises:
        BadInput: its code is malformed, forged or out of its time there.
    """
    if foreign.valid or foreign.reason == _UNCHECKED:
        return foreign.name
    raise BadInput(foreign.why, reason=foreign.reason)
