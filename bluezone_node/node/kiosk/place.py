"""The place's card, and whether visitors' devices still take it.

A card may be withdrawn, or the key that signed it revoked, while the kiosk runs.  Whoever is let in
by it then is never warned: so it is judged anew after each download, by what visitors judge it by.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from bluezone_node.alerts import Alert
from bluezone_node.errors import BadInput
from bluezone_node.node.notices import TRUST
from bluezone_node.node.sync import Judge
from bluezone_node.ports import NodeStore, OnStore
from bluezone_node.venues.card import SignedCard
from bluezone_node.venues.head import BundleHead
from bluezone_node.venues.tags import VenueKeys, venue_keys
from bluezone_node.venues.trust import TrustList, accept_card, read_trust_list

log = logging.getLogger(__name__)


class Place:
    """One place. Any thread may ask it."""

    def __init__(self, card: SignedCard, trust: TrustList, root: bytes) -> None:
        """*trust*: the list that came with the card, signed by *root*."""
        self.card = card
        self._keys = venue_keys(card.payload)
        self._root = root
        self._trust = trust
        self._revoked: frozenset[bytes] = frozenset()
        self._seen: tuple[bytes | None, BundleHead | None] = (None, None)

    def check(self, at: datetime) -> None:
        """Pass where the card counts at that time.

        Raises:
            BadInput: as `venues.trust.accept_card`.
        """
        accept_card(self.card, self._trust, at, self._revoked)

    def objection(self, at: datetime) -> str:
        """Return the reason for which the card does not count at that time; empty: it does."""
        try:
            self.check(at)
        except BadInput as error:
            return error.reason
        return ""

    def keys_at(self, at: datetime) -> VenueKeys | None:
        """Return what makes the place's tags at that time; None: its card does not count."""
        return None if self.objection(at) else self._keys

    async def learn(self, on_store: OnStore) -> None:
        """Take over what was downloaded since the last time."""
        seen = await on_store(_downloaded)
        if seen == self._seen:
            return
        content, newest = self._seen = seen
        if content is not None:
            # Refused: another root's, or older than the list in the place's file.
            with suppress(BadInput):
                self._trust = read_trust_list(content, self._root, self._trust)
        # The newest bundle names every card that was withdrawn. Where its signer's key was revoked,
        # what was said before stands until the next bundle.
        if newest is not None and newest.counts(self._trust):
            self._revoked = frozenset(newest.revoked)


def judge_place(place: Place, on_store: OnStore, changed: Callable[[], None]) -> Judge:
    """Return what lets *place* learn after each download. *changed*: called where it counts
    differently from then on."""

    async def weigh(now: datetime) -> list[Alert]:
        before = place.objection(now)
        await place.learn(on_store)
        objection = place.objection(now)
        if objection != before:
            log.warning(
                "the place's card %s",
                f"counts no more: {objection}" if objection else "counts again",
            )
            changed()
        return []

    return weigh


def _downloaded(store: NodeStore) -> tuple[bytes | None, BundleHead | None]:
    return store.place_file(TRUST), store.newest_head()
