"""Whom the notices warn: all visits, against all bundles that are kept.

Both are judged anew each time, as they are by then: a corrected time, a retraction, a revoked key
or a broken circuit needs no book-keeping.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from itertools import islice

from bluezone_node.alerts import Alert, AlertKind
from bluezone_node.errors import Refused
from bluezone_node.node.notices import trust_of
from bluezone_node.node.sync import Judge
from bluezone_node.ports import InThread, NodeStore, OnStore, Report
from bluezone_node.venues.bundle import Bundle, read_bundle
from bluezone_node.venues.matching import (
    RULES,
    Standing,
    air_tags_of,
    alerts_of,
    held_back,
    matches,
    narrowed,
    standing_after,
)
from bluezone_node.venues.trust import TrustList
from bluezone_node.venues.visits import Visit

log = logging.getLogger(__name__)


async def read_standing(
    root: bytes, on_store: OnStore, in_thread: InThread, air_tags: frozenset[bytes] = frozenset()
) -> Standing:
    """Return what holds by all bundles that are kept, and are still believed.

    Of their notices those only that list one of *air_tags*.
    """
    trust = await on_store(lambda store: trust_of(store, root))
    if trust is None:
        return Standing()
    contents = await on_store(lambda store: store.bundles())

    found: list[Bundle] = []
    # One at a time, so that the minute that is due is written in between.
    while some := await on_store(lambda _: list(islice(contents, 1))):
        found += await in_thread(partial(_believed, some, trust, air_tags))
    return standing_after(found)


def judge_visits(root: bytes, on_store: OnStore, in_thread: InThread) -> Judge:
    """Return the judge of visits to places that notices speak of."""

    async def weigh(now: datetime) -> list[Alert]:
        stored = await on_store(lambda store: store.visits())
        if not stored:
            return await on_store(lambda store: store.put_alerts([], now, RULES))
        visits = {entry.id: entry.visit for entry in stored}
        tags = await in_thread(lambda _: air_tags_of(visits.values(), now))
        standing = await read_standing(root, on_store, in_thread, tags)
        alerts = await in_thread(
            lambda _: alerts_of(matches(visits, standing.notices.values(), now), visits, now)
        )
        return await on_store(lambda store: _put(store, alerts, visits, standing, now))

    return weigh


def _put(
    store: NodeStore,
    alerts: Sequence[Alert],
    visits: dict[int, Visit],
    standing: Standing,
    now: datetime,
) -> list[Alert]:
    told = [
        entry.alert
        for entry in store.alerts()
        if entry.alert.kind is AlertKind.VENUE and entry.told is not None
    ]
    if standing.breaker:
        alerts = held_back(alerts, told)
    known = {alert.subject for alert in told}
    since = _own_case(store.reports())
    # Whoever is the case needs no news of it; nor must a visit that was forgotten meanwhile be
    # told of.
    left = {str(entry.id): entry.visit for entry in store.visits()}
    alerts = [
        alert
        for alert in alerts
        if _was_there(left.get(alert.subject), alert)
        and (since is None or alert.subject in known or visits[int(alert.subject)].came >= since)
    ]
    return store.put_alerts(alerts, now, RULES)


def _was_there(visit: Visit | None, alert: Alert) -> bool:
    """Tell whether *visit*, as it is by now, is still of the time of *alert*.

    Its number may be another's: it was forgotten, and somebody came to another place.
    """
    return (
        visit is not None
        and visit.came < alert.end
        and (visit.left is None or alert.start < visit.left)
    )


def _own_case(reports: Iterable[Report]) -> datetime | None:
    """Return until when notices may be about the owner: until their diagnosis was published."""
    return max(
        (
            report.published
            for report in reports
            if report.published is not None and report.report_type != "negative"
        ),
        default=None,
    )


def _believed(
    contents: Iterable[bytes], trust: TrustList, air_tags: frozenset[bytes], _: Callable[[], bool]
) -> list[Bundle]:
    found = []
    for content in contents:
        try:
            found.append(narrowed(read_bundle(content, trust), air_tags))
        except Refused as error:
            # Its key was revoked since.
            log.warning("a bundle of notices counts no more: %s", error)
    return found
