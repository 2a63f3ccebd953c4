"""Telling the owner that an authority opened what they had told a place's register.

The device knows its row by the code that it showed at the door; bundles carry a mark for each row
that was opened.  Nobody else can tell whose mark it is.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from bluezone_node.alerts import Alert, AlertKind, AlertLevel, Presence
from bluezone_node.intervals import RETENTION, day_of
from bluezone_node.node.notices import trust_of
from bluezone_node.node.sync import Judge
from bluezone_node.ports import NodeStore, OnStore, StoredVisit
from bluezone_node.venues.head import BundleHead
from bluezone_node.venues.passes import shown_during
from bluezone_node.venues.register import opened_mark, row_id_of

RULES = "register"
"""Stands where the preset of other alerts does: these are no judgement."""


def judge_openings(root: bytes, on_store: OnStore) -> Judge:
    """Return the judge of marks that stand for this device's own rows."""

    async def weigh(now: datetime) -> list[Alert]:
        return await on_store(lambda store: _judge(store, root, now))

    return weigh


def _judge(store: NodeStore, root: bytes, now: datetime) -> list[Alert]:
    shown = store.shown_passes()
    trust = trust_of(store, root) if shown else None
    if trust is None:
        return []
    visits = store.visits()
    # Bundles are kept for a week longer than alerts: an alert that was forgotten is no news.
    oldest = day_of(now - RETENTION)
    alerts = [
        alert
        for head in store.heads()
        if head.counts(trust) and day_of(head.created) >= oldest
        for alert in openings_of(head, shown, visits)
    ]
    return store.put_alerts(alerts, now, RULES)


def openings_of(
    head: BundleHead, shown: Mapping[bytes, datetime], visits: Sequence[StoredVisit]
) -> list[Alert]:
    """Return an alert for each of the codes *shown* (nonces, and when) that the bundle marks."""
    marks = set(head.opened)
    return [
        _alert(head, nonce, at, visits)
        for nonce, at in shown.items()
        if opened_mark(row_id_of(nonce), head.sequence) in marks
    ]


def _alert(head: BundleHead, nonce: bytes, at: datetime, visits: Sequence[StoredVisit]) -> Alert:
    return Alert(
        AlertKind.REGISTER,
        day_of(head.created),
        at,
        max(at, head.created),
        AlertLevel.LOW,
        score=0,
        minutes_near=0,
        minutes_middle=0,
        minutes_far=0,
        confidence="high",
        packets=0,
        rules=RULES,
        report_type="opened",
        subject=f"{head.sequence}-{row_id_of(nonce).hex()[:8]}",
        presence=Presence(_place_at(at, visits), minutes=0, advice="none", proved=False),
    )


def _place_at(at: datetime, visits: Sequence[StoredVisit]) -> str:
    """Return the name of where the owner was when they showed the code; empty: not known."""
    near = [entry.visit for entry in visits if shown_during(at, entry.visit)]
    # An alert outlasts a private visit, whose name is to go with its end.
    return near[-1].label if near and not near[-1].private else ""
