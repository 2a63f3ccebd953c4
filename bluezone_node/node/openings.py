"""Telling the owner that an authority opened what they had told a place's register.

The device knows its row by the code that it showed at the door; bundles carry a mark for each row
that was opened.  Nobody else can tell whose mark it is.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import islice

from bluezone_node.alerts import Alert, AlertKind, AlertLevel, Presence
from bluezone_node.errors import Refused
from bluezone_node.intervals import RETENTION, day_of
from bluezone_node.node.notices import trust_of
from bluezone_node.node.sync import Judge
from bluezone_node.ports import InThread, OnStore, StoredVisit
from bluezone_node.venues.bundle import Bundle, read_bundle
from bluezone_node.venues.passes import PASS_LIFE
from bluezone_node.venues.register import opened_mark, row_id_of
from bluezone_node.venues.trust import TrustList

RULES = "register"
"""Stands where the preset of other alerts does: these are no judgement."""

log = logging.getLogger(__name__)


def judge_openings(root: bytes, on_store: OnStore, in_thread: InThread) -> Judge:
    """Return the judge of marks that stand for this device's own rows."""

    async def weigh(now: datetime) -> list[Alert]:
        shown = await on_store(lambda store: store.shown_passes())
        trust = await on_store(lambda store: trust_of(store, root)) if shown else None
        if trust is None:
            return []
        visits = await on_store(lambda store: store.visits())
        contents = await on_store(lambda store: store.bundles())
        alerts: list[Alert] = []
        # One at a time, so that the minute that is due is written in between.
        while some := await on_store(lambda _: list(islice(contents, 1))):
            alerts += await in_thread(_reading(some[0], trust, shown, visits))
        # Bundles are kept for a week longer than alerts: an alert that was forgotten is no news.
        oldest = day_of(now - RETENTION)
        recent = [alert for alert in alerts if alert.day >= oldest]
        return await on_store(lambda store: store.put_alerts(recent, now, RULES))

    return weigh


def openings_of(
    bundle: Bundle, shown: Mapping[bytes, datetime], visits: Sequence[StoredVisit]
) -> list[Alert]:
    """Return an alert for each of the codes *shown* (nonces, and when) that *bundle* marks."""
    marks = set(bundle.opened)
    return [
        _alert(bundle, nonce, at, visits)
        for nonce, at in shown.items()
        if opened_mark(row_id_of(nonce), bundle.sequence) in marks
    ]


def _reading(
    content: bytes,
    trust: TrustList,
    shown: Mapping[bytes, datetime],
    visits: Sequence[StoredVisit],
) -> Callable[[Callable[[], bool]], list[Alert]]:
    def read(_: Callable[[], bool]) -> list[Alert]:
        try:
            return openings_of(read_bundle(content, trust), shown, visits)
        except Refused as error:
            log.warning("a bundle of notices counts no more: %s", error)
            return []

    return read


def _alert(bundle: Bundle, nonce: bytes, at: datetime, visits: Sequence[StoredVisit]) -> Alert:
    return Alert(
        AlertKind.REGISTER,
        day_of(bundle.created),
        at,
        max(at, bundle.created),
        AlertLevel.LOW,
        score=0,
        minutes_near=0,
        minutes_middle=0,
        minutes_far=0,
        confidence="high",
        packets=0,
        rules=RULES,
        report_type="opened",
        subject=f"{bundle.sequence}-{row_id_of(nonce).hex()[:8]}",
        presence=Presence(_place_at(at, visits), minutes=0, advice="none", proved=False),
    )


def _place_at(at: datetime, visits: Sequence[StoredVisit]) -> str:
    """Return the name of where the owner was when they showed the code; empty: not known."""
    near = [
        entry.visit
        for entry in visits
        if entry.visit.came - PASS_LIFE <= at
        and (entry.visit.left is None or at <= entry.visit.left)
    ]
    # An alert outlasts a private visit, whose name is to go with its end.
    return near[-1].label if near and not near[-1].private else ""
