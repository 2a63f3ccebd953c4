"""What a place's own radio heard of somebody who turned out to be infectious, proposed as a notice.

After each download the kiosk's log is matched like any other node's.  Where a person would get an
alert, a place says to its authority: at this time somebody was here.  It says neither who nor by
which key; a person there decides.
"""

import logging
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from statistics import median_low
from typing import Protocol

from bluezone_node.alerts import Alert
from bluezone_node.crypto.identifiers import all_identifiers
from bluezone_node.crypto.keys import TemporaryExposureKey
from bluezone_node.errors import AuthorityRefused, Unreachable
from bluezone_node.intervals import interval_at
from bluezone_node.node.presence import NEAR_DBM
from bluezone_node.ports import MatchedKey, NodeStore, OnStore
from bluezone_node.proximity.model import Encounter, HeardScan, IdentifierProtocol, ReportType
from bluezone_node.proximity.windows import TOLERANCE_INTERVALS
from bluezone_node.venues.card import SignedCard
from bluezone_node.venues.proposals import GAP, Nearness, Proposal, proposals_of

log = logging.getLogger(__name__)

LEAST_PACKETS = 3
"""In a minute: one or two are an echo, or a car."""
PACKETS_A_SECOND = 1000 / 270
"""Of a telephone beside the kiosk: GAEN devices advertise each 200 to 270 ms (Bluetooth
specification v1.2)."""
TRIES = 20
"""Proposals sent in one round: the authority takes no more in a day."""

_TRUSTED = {ReportType.UNKNOWN, ReportType.CONFIRMED_TEST, ReportType.CONFIRMED_CLINICAL}
"""What a health worker vouched for; old exports do not say."""


class ProposalQueue(Protocol):
    """Proposals on the disk until the authority has them. Every method is one transaction."""

    def put_proposals(self, proposals: Collection[Proposal]) -> None:
        """Keep *proposals*; one whose evidence changed is to be sent again, under its id."""

    def waiting_proposals(self) -> list[Proposal]:
        """Return those that the authority has not taken, oldest first."""

    def mark_sent(self, proposal: Proposal, at: datetime) -> None: ...


class PlaceAuthority(Protocol):
    """The registrar, as the kiosk of a place meets it."""

    async def propose(self, proposal: Proposal) -> None:
        """Send it. The same one twice is one.

        Raises:
            AuthorityRefused: it will not be taken, now or later.
            Unreachable: no usable answer; to be tried again.
        """

    async def decoy(self) -> None:
        """Send what looks like a proposal to who watches the line, and is none.

        Raises:
            Unreachable: no usable answer.
        """


QueueOf = Callable[[NodeStore], ProposalQueue]
"""Returns the queue that lies in the same database as a node's store."""


def nearnesses_of(store: NodeStore, matched: Sequence[MatchedKey]) -> list[Nearness]:
    """Return when the published keys in *matched* were near, minute by minute."""
    found: list[Nearness] = []
    for number, match in enumerate(matched):
        if match.key.report_type not in _TRUSTED:
            continue
        key = TemporaryExposureKey(match.key.key, match.key.rolling_start, match.key.rolling_period)
        starts = {rpi: key.rolling_start + place for place, rpi in enumerate(all_identifiers(key))}
        for encounter in store.encounters_with(IdentifierProtocol.GAEN, starts):
            found += _near(encounter, starts[encounter.identifier], number)
    return found


class Proposing:
    """Finds what is to be proposed after each download, and sends what waits."""

    def __init__(
        self, card: SignedCard, on_store: OnStore, queue_of: QueueOf, authority: PlaceAuthority
    ) -> None:
        self._card = card
        self._on_store = on_store
        self._queue_of = queue_of
        self._authority = authority

    async def __call__(self, now: datetime) -> list[Alert]:
        """Do one round; a place has no alerts of its own. Satisfies `node.sync.Judge`."""
        await self._on_store(lambda store: self._find(store, now))
        waiting = await self._on_store(lambda store: self._queue_of(store).waiting_proposals())
        if not waiting:
            # Else that a request is made would tell everybody on the way that a case was here.
            with suppress(Unreachable):
                await self._authority.decoy()
        for proposal in waiting[:TRIES]:
            try:
                await self._authority.propose(proposal)
            except AuthorityRefused as error:
                log.warning("the authority does not take a proposal: %s", error.reason)
                if error.reason in _LATER:
                    break
            except Unreachable as error:
                log.warning("proposals wait: %s", error)
                break
            await self._on_store(self._sent(proposal, now))
        return []

    def _find(self, store: NodeStore, now: datetime) -> None:
        near = nearnesses_of(store, store.matched_keys())
        # At a door somebody is heard coming and going: what lies between is one visit.
        gap = max(GAP, self._card.card.stay)
        found = proposals_of(near, self._card.location_id, now, gap)
        if found:
            self._queue_of(store).put_proposals(found)

    def _sent(self, proposal: Proposal, now: datetime) -> Callable[[NodeStore], None]:
        return lambda store: self._queue_of(store).mark_sent(proposal, now)


_LATER = {"unauthorized", "quota_exceeded"}
"""Refusals that say nothing about the proposal itself: it waits."""


def _near(encounter: Encounter, interval: int, number: int) -> list[Nearness]:
    return [
        Nearness(
            scan.start,
            scan.start + timedelta(seconds=scan.seconds),
            scan.rssi.total,
            round(scan.seconds * PACKETS_A_SECOND),
            number,
        )
        for scan in encounter.scans
        # An identifier that is heard at another time than its own was recorded and sent again.
        if abs(interval_at(scan.start) - interval) <= TOLERANCE_INTERVALS and _is_near(scan)
    ]


def _is_near(scan: HeardScan) -> bool:
    return scan.rssi.total >= LEAST_PACKETS and _median(scan) >= NEAR_DBM


def _median(scan: HeardScan) -> int:
    return median_low(rssi for rssi, count in scan.rssi.counts for _ in range(count))
