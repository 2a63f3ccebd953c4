"""Visits against notices: to the minute, by card, by tags and by what was heard."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.intervals import from_unix
from bluezone_node.venues.bundle import FIRST_PREVIOUS, Bundle, padded
from bluezone_node.venues.card import SignedCard, day_number
from bluezone_node.venues.matching import (
    Match,
    Standing,
    air_tags_of,
    alerts_of,
    matches,
    narrowed,
    standing_after,
)
from bluezone_node.venues.notices import (
    Notice,
    NoticeLevel,
    NoticeText,
    dummy_notice,
    open_with_slot,
    seal_notice,
)
from bluezone_node.venues.tags import (
    air_tag_of,
    proof_of,
    slot_of,
    slots_between,
    start_of,
    step_of,
    venue_keys,
)
from bluezone_node.venues.text import Proof
from bluezone_node.venues.visits import Mark, OutKind, Visit, marks_of, settle
from tests.venues.places import NOW, card_of, open_with_card, seeded, text_of

MINUTE = timedelta(minutes=1)
MARKET = card_of()
KEYS = venue_keys(MARKET.payload)
OPEN = replace(text_of(), min_overlap=0)
LATER = NOW + timedelta(days=2)


def notice(text: NoticeText = OPEN, card: SignedCard = MARKET, number: int = 1) -> Notice:
    return seal_notice(card.payload, text, bytes([number]) * 16, seeded(number))


def stay(start: int, end: int | None, card: SignedCard | None = MARKET) -> Visit:
    """A visit from and to minutes after the notice begins."""
    came = NOW + start * MINUTE
    left = None if end is None else NOW + end * MINUTE
    return Visit(came, came, "Chợ Hôm", card, left=left, out=left and OutKind.SCAN)


def private(visit: Visit) -> Visit:
    """The same, as it is kept without its card."""
    marks = marks_of(visit, LATER)
    return replace(visit, card=None, label="", marks=marks)


def heard(visit: Visit) -> Visit:
    """The same, as the radio would have told of it: twelve bytes and a key for each slot."""
    assert visit.left is not None
    tags = [air_tag_of(KEYS, slot) for slot in slots_between(visit.came, visit.left)]
    marks = tuple(Mark(air.tag, air.slot_key) for air in tags)
    return replace(visit, card=None, label="", marks=marks)


CARRIERS: dict[str, Callable[[Visit], Visit]] = {
    "poster": lambda visit: visit,
    "private": private,
    "radio": heard,
}


def found(visit: Visit, *notices: Notice, now: datetime = LATER) -> list[Match]:
    return matches({1: visit}, notices or (notice(),), now)


@pytest.mark.parametrize("carrier", CARRIERS.values(), ids=CARRIERS)
@pytest.mark.parametrize(
    ("start", "end", "minutes"),
    [
        (-30, 0, None),
        (-30, 1, 1),
        (0, 90, 90),
        (-30, 200, 90),
        (10, 20, 10),
        (89, 300, 1),
        (90, 120, None),
        (300, 400, None),
        (10, 10, None),
    ],
    ids=["touches", "just", "same", "around", "within", "end", "touches after", "later", "empty"],
)
def test_only_time_in_common_counts(
    carrier: Callable[[Visit], Visit], start: int, end: int, minutes: int | None
) -> None:
    """Half-open: who leaves as it begins, or comes as it ends, was not there. Three carriers,
    one answer."""
    told = [(each.end - each.start) / MINUTE for each in found(carrier(stay(start, end)))]
    assert told == ([] if minutes is None else [minutes])


@pytest.mark.parametrize(("minutes", "told"), [(14, 0), (15, 1), (16, 1)])
def test_the_officer_says_how_long_one_must_have_been_there(minutes: int, told: int) -> None:
    """At least so many minutes; exactly so many will do."""
    assert len(found(stay(0, minutes), notice(text_of()))) == told


def test_a_visit_that_lasts_counts_until_now() -> None:
    """Whoever still is there is told while it is infectious."""
    (match,) = found(stay(10, None), now=NOW + 40 * MINUTE)
    assert (match.start, match.end) == (NOW + 10 * MINUTE, NOW + 40 * MINUTE)
    # By then it is over: a market's usual stay is an hour.
    (match,) = found(stay(10, None))
    assert match.end == NOW + 70 * MINUTE


def test_a_notice_over_midnight_is_one() -> None:
    """Of both days, and with the proofs of either."""
    midnight = from_unix((day_number(NOW) + 1) * 86_400 - 7 * 3600)
    text = replace(OPEN, start=midnight - 60 * MINUTE, end=midnight + 60 * MINUTE)
    came = midnight - 30 * MINUTE
    visit = Visit(came, came, "", MARKET, left=midnight + 30 * MINUTE, out=OutKind.SCAN)
    (match,) = matches({1: visit}, [notice(text)], LATER)
    assert match.end - match.start == 60 * MINUTE


@pytest.mark.parametrize("minutes", [-10, 10])
@pytest.mark.parametrize("carrier", CARRIERS.values(), ids=CARRIERS)
def test_a_clock_ten_minutes_off_costs_ten_minutes_and_no_more(
    carrier: Callable[[Visit], Visit], minutes: int
) -> None:
    """Tags heard are the place's own; times are compared as they are, so nobody is told of a time
    at which they were not there by any clock that was vouched for."""
    visit = carrier(stay(0, 90))
    off = replace(
        visit, came=visit.came + minutes * MINUTE, left=visit.left and visit.left + minutes * MINUTE
    )
    (match,) = found(off)
    assert match.end - match.start == 80 * MINUTE


def test_a_tag_moved_to_another_slot_opens_nothing() -> None:
    """The tags are bound to what is sealed: a list that was changed is a notice that is none."""
    honest = notice()
    other = notice(replace(OPEN, start=NOW + 6 * 60 * MINUTE, end=NOW + 8 * 60 * MINUTE), number=2)
    moved = replace(honest, tags=other.tags, wraps=other.wraps)
    at_six = stay(370, 400)
    assert found(at_six, moved) == []
    assert found(heard(at_six), moved) == []
    assert len(found(at_six, other)) == 1


def test_a_tag_that_was_replayed_later_finds_nothing() -> None:
    """Heard hours after its slot, it lies in no window that lists it."""
    visit = heard(stay(0, 30))
    later = replace(visit, came=NOW + 300 * MINUTE, left=NOW + 330 * MINUTE)
    assert found(later) == []


def test_a_false_key_beside_the_true_one_hides_nothing() -> None:
    """Somebody sends the place's tag with a key of their own, and it was heard first."""
    true = heard(stay(0, 90))
    false = tuple(replace(mark, slot_key=bytes(10)) for mark in true.marks)
    assert len(found(replace(true, marks=false + true.marks))) == 1
    assert found(replace(true, marks=false)) == []


@given(st.integers(0, 2**32))
def test_what_fills_a_bundle_opens_for_nobody(seed: int) -> None:
    """Not by a card, and not by a slot, also where its tags are made to fit."""
    made_up = dummy_notice(notice().shape, seeded(seed))
    fitting = replace(made_up, tags=notice().tags)
    air = air_tag_of(KEYS, slot_of(NOW))
    assert open_with_card(fitting, KEYS.note) is None
    assert open_with_slot(fitting, air.tag, air.slot_key) is None
    for each in (made_up, fitting):
        assert found(stay(0, 90), each) == []
        assert found(heard(stay(0, 90)), each) == []


def test_another_places_card_opens_nothing() -> None:
    """Though it lists a tag of the visitor's: somebody who knows one place made it for another."""
    elsewhere = notice(card=card_of("Chùa Láng", seed=2))
    assert found(stay(0, 90), replace(elsewhere, tags=notice().tags)) == []


def test_no_bit_of_a_notice_may_change() -> None:
    """Ciphertext, nonce, id and tags: every changed one opens for nobody."""
    whole = notice()
    for field in ("notice_id", "nonce", "sealed"):
        value: bytes = getattr(whole, field)
        for at in range(0, len(value), 7):
            changed = value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :]
            assert found(stay(0, 90), replace(whole, **{field: changed})) == []  # type: ignore[arg-type]
    for index in range(len(whole.tags)):
        tags = list(whole.tags)
        tags[index] = bytes([tags[index][0] ^ 1]) + tags[index][1:]
        assert found(stay(0, 90), replace(whole, tags=tuple(tags))) == []


# What holds


def bundle(sequence: int, *notices: Notice, **fields: object) -> Bundle:
    made = Bundle("VN", sequence, FIRST_PREVIOUS, NOW, padded(notices, seeded(sequence)))
    return replace(made, **fields)  # type: ignore[arg-type]


def test_what_is_retracted_stays_so() -> None:
    """In whatever order notice and retraction came; the last bundle says the rest."""
    one, other = notice(), notice(number=2)
    retracting = bundle(1, retracted=(one.notice_id,), breaker=True, revoked=(b"r" * 8,))
    after = standing_after([retracting, bundle(2, one, other)])
    assert one.notice_id not in after.notices
    assert other.notice_id in after.notices
    assert (after.breaker, after.revoked) == (False, frozenset())
    assert standing_after([bundle(1), retracting]).breaker
    assert standing_after([]) == Standing({}, breaker=False)


def test_narrowing_loses_no_match() -> None:
    """Of all notices of a bundle those stay that a visit could be spoken of in."""
    visits = {1: stay(0, 30), 2: private(stay(40, 60)), 3: heard(stay(70, 90))}
    full = bundle(1, notice(), notice(number=2), notice(card=card_of(seed=2), number=3))
    less = narrowed(full, air_tags_of(visits.values(), LATER))
    assert len(less.notices) == 2
    assert matches(visits, less.notices, LATER) == matches(visits, full.notices, LATER)


def test_of_several_notices_the_most_serious_decides() -> None:
    """One alert for a visit, over all their times; another visit has its own."""
    informs = notice(replace(OPEN, level=NoticeLevel.INFORM))
    contact = notice(replace(OPEN, start=NOW + 20 * MINUTE, end=NOW + 30 * MINUTE), number=2)
    visits = {7: stay(0, 60), 9: stay(70, 80)}
    alerts = alerts_of(matches(visits, [informs, contact], LATER), visits, LATER)
    assert [(each.subject, each.report_type, each.start, each.end) for each in alerts] == [
        ("7", "contact", NOW, NOW + 60 * MINUTE),
        ("9", "inform", NOW + 70 * MINUTE, NOW + 80 * MINUTE),
    ]
    assert alerts[0].presence is not None
    assert alerts[0].presence.minutes == 10
    first = alerts[0]
    assert (first.minutes_near, first.minutes_middle, first.minutes_far) == (0, 0, 0)
    assert first.packets == 0


@pytest.mark.parametrize(("days", "told"), [(14, 1), (15, 0)])
def test_what_was_longer_ago_than_alerts_are_kept_is_no_alert(days: int, told: int) -> None:
    """Visits are kept for a week longer."""
    visits = {1: stay(0, 30)}
    today = NOW + timedelta(days=days)
    assert len(alerts_of(matches(visits, [notice()], LATER), visits, today)) == told


def test_an_alert_names_no_place_that_was_private() -> None:
    """Also while the visit lasts, and its name is still there."""
    visits = {1: replace(stay(0, None), private=True)}
    (alert,) = alerts_of(matches(visits, [notice()], NOW + 20 * MINUTE), visits, LATER)
    assert alert.presence is not None
    assert alert.presence.place == ""


SPANS = st.tuples(st.integers(-600, 600), st.integers(0, 500))


@given(SPANS, st.integers(1, 1440), st.sampled_from(sorted(CARRIERS)))
def test_a_match_is_the_time_in_common(span: tuple[int, int], minutes: int, carrier: str) -> None:
    """For every visit and every window, whichever way the tag came."""
    start, length = span
    text = replace(OPEN, end=NOW + minutes * MINUTE)
    common = min(start + length, minutes) - max(start, 0)
    told = found(CARRIERS[carrier](stay(start, start + length)), notice(text))
    assert [(each.end - each.start) / MINUTE for each in told] == [common] * (common > 0)


@given(st.integers(0, 900), st.integers(0, 900))
def test_every_visit_has_the_tags_of_its_time(start: int, length: int) -> None:
    """From the slot it begins in to the one it ends in, and no other."""
    visit = settle(stay(start, start + length), LATER)
    assert visit.left is not None
    first, last = slot_of(visit.came), slot_of(visit.came) + len(marks_of(visit, LATER)) - 1
    assert start_of(first) <= visit.came
    assert start_of(last) < max(visit.left, visit.came + MINUTE) <= start_of(last + 1)


@pytest.mark.parametrize(("minutes", "proved"), [(5, False), (6, True)])
def test_a_proof_of_a_time_since_the_notice_shows_nothing(minutes: int, proved: bool) -> None:
    """From then on whoever was there reads the key that makes it."""
    key, step = bytes(range(32)), step_of(NOW + 5 * MINUTE)
    issued = NOW + minutes * MINUTE
    text = replace(OPEN, issued=issued, proof_keys={day_number(NOW): (key,)})
    visit = replace(stay(0, 60), proofs=(Proof(step, proof_of(key, step)),))
    told = found(visit, notice(text), notice(replace(OPEN, proof_keys={}), number=2))
    assert [match.proved for match in told] == [proved, False]
    (alert,) = alerts_of(told, {1: visit}, LATER)
    assert alert.confidence == ("high" if proved else "medium")
