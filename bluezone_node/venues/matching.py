"""Who was there: visits against the notices of all bundles that are kept.

A tag in common makes a candidate, the key of the place opens the notice, and the times inside
decide: half-open, so whoever came at the minute in which the place counts as clean was not there.
Times are compared as they are.  A node acts only by a clock that something vouches for, and a
tolerance of minutes would warn people who left before.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hmac import compare_digest

from bluezone_node.alerts import Alert, AlertKind, AlertLevel, Presence
from bluezone_node.intervals import RETENTION, day_of, from_unix
from bluezone_node.venues.bundle import Bundle
from bluezone_node.venues.card import day_number
from bluezone_node.venues.notices import (
    Notice,
    NoticeLevel,
    NoticeText,
    open_with_slot,
)
from bluezone_node.venues.tags import AIR_TAG_BYTES, PROOF_SECONDS, proof_of
from bluezone_node.venues.visits import Mark, Visit, marks_of, settle

RULES = "places"
"""Name under which alerts of places are kept: their rules come with each notice."""

_LEVELS = {
    NoticeLevel.INFORM: AlertLevel.LOW,
    NoticeLevel.MONITOR: AlertLevel.LOW,
    NoticeLevel.CONTACT: AlertLevel.HIGH,
}


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds after all bundles so far."""

    notices: Mapping[bytes, Notice] = field(default_factory=dict, repr=False)
    """By id; without those that were retracted."""
    breaker: bool = False
    """Nobody is to be told anything new."""
    revoked: frozenset[bytes] = field(default=frozenset(), repr=False)
    """First bytes of the location ids of cards that count no more."""


@dataclass(frozen=True, slots=True)
class Match:
    """A visit that a notice speaks of."""

    visit: int
    """Its number in the store."""
    text: NoticeText
    start: datetime
    end: datetime
    """They were there at the time of the notice in [start, end)."""
    proved: bool
    """Whether a code of the place's screen vouches for it; else it is what the visitor's device
    says."""


def standing_after(bundles: Iterable[Bundle]) -> Standing:
    """Return what holds after *bundles*, in their order.

    What is retracted stays so, whatever order a notice and its retraction came in.
    """
    notices: dict[bytes, Notice] = {}
    retracted: set[bytes] = set()
    last = None
    for last in bundles:
        notices |= {notice.notice_id: notice for notice in last.notices}
        retracted.update(last.retracted)
    if last is None:
        return Standing()
    kept = {name: notice for name, notice in notices.items() if name not in retracted}
    return Standing(kept, last.breaker, frozenset(last.revoked))


def air_tags_of(visits: Iterable[Visit], now: datetime) -> frozenset[bytes]:
    """Return the first 12 bytes of all tags of *visits*."""
    return frozenset(
        mark.tag[:AIR_TAG_BYTES] for visit in visits for mark in marks_of(settle(visit, now), now)
    )


def narrowed(bundle: Bundle, air_tags: frozenset[bytes]) -> Bundle:
    """Return *bundle* with those notices only that list one of *air_tags*.

    Three weeks of all notices would not fit into the memory of a small board.
    """
    touching = (
        notice
        for notice in bundle.notices
        if not air_tags.isdisjoint([tag[:AIR_TAG_BYTES] for tag in notice.tags])
    )
    return replace(bundle, notices=tuple(touching))


def matches(visits: Mapping[int, Visit], notices: Iterable[Notice], now: datetime) -> list[Match]:
    """Return which of *visits* (by number) any of *notices* speaks of, that still holds."""
    settled = {number: settle(visit, now) for number, visit in visits.items()}
    index: dict[bytes, list[tuple[int, Mark]]] = defaultdict(list)
    for number, visit in settled.items():
        for mark in marks_of(visit, now):
            index[mark.tag[:AIR_TAG_BYTES]].append((number, mark))
    found = []
    for notice in notices:
        # A visit of two hours has eight tags of the notice: the first opens it.
        candidates: dict[int, list[Mark]] = defaultdict(list)
        for tag in notice.tags:
            for number, mark in index.get(tag[:AIR_TAG_BYTES], ()):
                candidates[number].append(mark)
        for number, marks in candidates.items():
            text = _opened(notice, marks)
            if text is not None and now < text.expires:
                match = _overlap(number, settled[number], text, now)
                found += [match] if match is not None else []
    return found


def alerts_of(found: Iterable[Match], visits: Mapping[int, Visit], today: datetime) -> list[Alert]:
    """Return one alert for each visit: the most serious notice decides, the newest of equals.

    So a notice that is retracted and replaced in one bundle changes the alert, and is no second.
    Exposures before the time that alerts are kept for are left out.
    """
    by_visit: dict[int, list[Match]] = defaultdict(list)
    for match in found:
        by_visit[match.visit].append(match)
    alerts = (_alert(visits[number], its) for number, its in by_visit.items())
    oldest = day_of(today - RETENTION)
    return sorted((each for each in alerts if each.day >= oldest), key=lambda each: each.start)


def _alert(visit: Visit, its: Sequence[Match]) -> Alert:
    decisive = max(its, key=lambda match: (match.text.level, match.text.issued))
    text, start = decisive.text, min(match.start for match in its)
    minutes = (decisive.end - decisive.start) / timedelta(minutes=1)
    proved = any(match.proved for match in its)
    return Alert(
        AlertKind.VENUE,
        day_of(start),
        start,
        max(match.end for match in its),
        _LEVELS[text.level],
        minutes,
        minutes_near=0.0,
        minutes_middle=0.0,
        minutes_far=0.0,
        confidence="high" if proved else "medium",
        packets=0,
        rules=RULES,
        report_type=text.level.name.lower(),
        subject=str(decisive.visit),
        presence=Presence(
            # An alert outlasts the visit, whose name is to go with its end.
            "" if visit.private else visit.label,
            minutes,
            text.advice.name.lower(),
            proved,
            visit.party,
            text.phone,
            dict(text.texts),
        ),
    )


def _opened(notice: Notice, marks: Iterable[Mark]) -> NoticeText | None:
    # One way for all: who has the card makes the slot's key, who heard the tag has it.
    opened = (open_with_slot(notice, mark.tag[:AIR_TAG_BYTES], mark.slot_key) for mark in marks)
    return next((text for text in opened if text is not None), None)


def _overlap(number: int, visit: Visit, text: NoticeText, now: datetime) -> Match | None:
    start, end = max(visit.came, text.start), min(visit.left or now, text.end)
    if end <= start or end - start < timedelta(minutes=text.min_overlap):
        return None
    return Match(number, text, start, end, _proved(visit, text))


def _proved(visit: Visit, text: NoticeText) -> bool:
    return any(
        compare_digest(proof_of(key, proof.step), proof.mac)
        for proof in visit.proofs
        # Since then whoever reads the notice can make one.
        if from_unix(proof.step * PROOF_SECONDS) < text.issued
        for key in text.proof_keys.get(day_number(from_unix(proof.step * PROOF_SECONDS)), ())
    )


def held_back(alerts: Iterable[Alert], told: Iterable[Alert]) -> list[Alert]:
    """Return those of *alerts* whose visit is among those *told* before: nothing new is said.

    They stay at the level that was told: what grows is news as well.
    """
    known = {alert.subject: alert for alert in told}
    return [
        replace(alert, level=min(alert.level, known[alert.subject].level))
        for alert in alerts
        if alert.subject in known
    ]
