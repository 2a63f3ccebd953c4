"""How visits begin, go on and end, and how it is known that they did."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.crypto.cose import sign
from bluezone_node.errors import BadInput
from bluezone_node.venues.card import VIETNAM, Card, CardFlag, SignedCard, day_number, read_card
from bluezone_node.venues.kinds import VenueKind
from bluezone_node.venues.tags import air_tag_of, slot_key_of, slot_of, step_of, tag_of, venue_keys
from bluezone_node.venues.text import Proof
from bluezone_node.venues.visits import (
    LONGEST,
    MAX_PARTY,
    SILENCE,
    Mark,
    OutKind,
    Seen,
    Visit,
    arrive,
    edit,
    entered_afterwards,
    expected_end,
    leave,
    marks_of,
    may_leave,
    settle,
)
from tests.venues.places import CARDS, seeded

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
MORNING = datetime(2026, 11, 23, 9, 0, tzinfo=VIETNAM).astimezone(UTC)


def card(seed: int = 1, kind: VenueKind = VenueKind.MARKET, **fields: object) -> SignedCard:
    entropy, today = seeded(seed), day_number(MORNING)
    made = Card(entropy(16), "Nơi ấy", 4, kind, entropy(16), today - 30, today + 30)
    return read_card(sign(replace(made, **fields).encoded(), CARDS))  # type: ignore[arg-type]


MARKET, PAGODA = card(), card(2, VenueKind.WORSHIP)


def scan(place: SignedCard | None = MARKET, at: datetime = MORNING, **fields: object) -> Seen:
    return replace(Seen(at, "Nơi ấy", place), **fields)  # type: ignore[arg-type]


def after(*scans: Seen) -> list[Visit]:
    """All visits after some scans, in order of time."""
    visits: list[Visit] = []
    for seen in scans:
        for number, visit in arrive(visits, seen):
            visits[number : number + 1] = [visit]
    return visits


def local(at: datetime) -> str:
    return f"{at.astimezone(VIETNAM):%d %H:%M}"


# Coming and going


def test_a_second_scan_at_the_place_prolongs_the_visit() -> None:
    """The usual stay begins anew; those who came are as many as were said last."""
    (visit,) = after(scan(party=4), scan(at=MORNING + 50 * MINUTE), scan(at=MORNING + HOUR))
    assert (visit.came, visit.confirmed, visit.party) == (MORNING, MORNING + HOUR, 4)
    assert expected_end(visit) == (MORNING + 2 * HOUR, OutKind.STAY)
    (fewer,) = after(scan(party=4), scan(at=MORNING + HOUR / 2, party=2, direction="in"))
    assert fewer.party == 2


def test_a_scan_elsewhere_ends_the_visit() -> None:
    """At that moment, as the next place; or before, where it was over by then."""
    left, here = after(scan(), scan(PAGODA, MORNING + 20 * MINUTE))
    assert (left.left, left.out) == (MORNING + 20 * MINUTE, OutKind.NEXT)
    assert (left.label, left.card, left.party) == ("Nơi ấy", MARKET, 1)
    assert (here.left, here.card) == (None, PAGODA)
    left, _ = after(scan(), scan(PAGODA, MORNING + 5 * HOUR))
    assert (left.left, left.out) == (MORNING + HOUR, OutKind.STAY)


def test_a_code_of_another_country_is_another_place() -> None:
    """It has no card to know the place by: who is at a market has left it."""
    left, here = after(scan(), scan(None, MORNING + 20 * MINUTE))
    assert (left.out, here.card) == (OutKind.NEXT, None)


def test_a_scan_changes_what_it_ends_and_begins_in_order_of_time() -> None:
    """What was over before is not told of again."""
    over = settle(after(scan(at=MORNING - 3 * HOUR))[0], MORNING)
    lodging = Visit(MORNING - HOUR, MORNING - HOUR, card=card(5, VenueKind.LODGING))
    heard = Visit(MORNING - HOUR / 2, MORNING - HOUR / 2, heard=MORNING - HOUR / 2)
    changed = arrive([over, lodging, heard], scan())
    assert [(number, visit.out) for number, visit in changed] == [
        (1, OutKind.NEXT),
        (2, OutKind.SILENCE),
        (3, None),
    ]


def test_of_two_visits_that_last_there_the_later_one_goes_on() -> None:
    """Nobody is at one place twice."""
    (earlier,), (later,) = after(scan()), after(scan(at=MORNING + MINUTE))
    changed = arrive([earlier, later], scan(at=MORNING + 2 * MINUTE))
    assert [(number, visit.out) for number, visit in changed] == [(0, OutKind.NEXT), (1, None)]


def test_the_way_out_ends_it_and_corrects_a_guess() -> None:
    """A visit that was taken to be over lasted until that scan; one that was ended is over."""
    out = scan(at=MORNING + 3 * HOUR, direction="out")
    (visit,) = after(scan(), out)
    assert (visit.left, visit.out) == (MORNING + 3 * HOUR, OutKind.SCAN)
    settled = settle(after(scan())[0], MORNING + 2 * HOUR)
    assert settled.out is OutKind.STAY
    for minutes in (0, LONGEST // MINUTE):
        [(_, left)] = arrive([settled], scan(at=MORNING + minutes * MINUTE, direction="out"))
        assert left.left == MORNING + minutes * MINUTE
    [(_, corrected)] = arrive([settled], out)
    assert (corrected.left, corrected.out) == (MORNING + 3 * HOUR, OutKind.SCAN)


def test_who_says_that_they_leave_knows_better_than_a_guess() -> None:
    """On the same day; what was left, or guessed yesterday, is over."""
    (visit,) = after(scan())
    at = MORNING + 3 * HOUR
    for each in (visit, settle(visit, at)):
        left = leave(each, at)
        assert (left.left, left.out) == (at, OutKind.SCAN)
    for over, when in ((left, at + HOUR), (settle(visit, at), MORNING + 20 * HOUR)):
        with pytest.raises(BadInput, match="not checked in anywhere"):
            leave(over, when)
    assert not may_leave(settle(visit, at), MORNING - MINUTE)


@pytest.mark.parametrize(
    "before",
    [
        [],
        [scan(PAGODA)],
        [scan(), scan(at=MORNING + MINUTE, direction="out")],
        [scan(at=MORNING - LONGEST)],
    ],
    ids=["nowhere", "elsewhere", "left before", "too long ago"],
)
def test_the_way_out_of_where_nobody_came_is_refused(before: list[Seen]) -> None:
    """In words that say what to do instead."""
    visits = after(*before)
    with pytest.raises(BadInput) as refused:
        arrive(visits, scan(at=MORNING + 2 * HOUR, direction="out"))
    assert refused.value.reason == "not_checked_in"
    assert "--at" in refused.value.hint


@pytest.mark.parametrize("party", [0, -1, MAX_PARTY + 1])
def test_a_scan_stands_for_a_number_of_people(party: int) -> None:
    """None, less or a crowd is refused."""
    with pytest.raises(BadInput, match="1 to 20 people"):
        arrive([], scan(party=party))
    most = min(max(party, 1), MAX_PARTY)
    assert after(scan(party=most))[0].party == most


# The ladder


@pytest.mark.parametrize(
    ("place", "at", "ends", "kind"),
    [
        (card(stay_minutes=90), "09:00", "23 10:30", OutKind.STAY),
        (card(hours=(360, 570)), "09:00", "23 09:30", OutKind.CLOSING),
        (card(hours=(360, 570)), "09:30", "23 10:30", OutKind.STAY),
        (card(hours=(1020, 120), stay_minutes=600), "23:50", "24 02:00", OutKind.CLOSING),
        (card(hours=(1020, 120), stay_minutes=600), "01:00", "23 02:00", OutKind.CLOSING),
        (card(), "23:30", "24 00:00", OutKind.MIDNIGHT),
        (card(), "00:00", "23 01:00", OutKind.STAY),
        (card(kind=VenueKind.LODGING), "22:00", "24 10:00", OutKind.STAY),
        (card(kind=VenueKind.FACTORY), "22:00", "24 07:00", OutKind.STAY),
        (card(flags=CardFlag.STAFF_CODE), "09:00", "24 00:00", OutKind.MIDNIGHT),
        (card(flags=CardFlag.STAFF_CODE, hours=(360, 1080)), "09:00", "23 18:00", OutKind.CLOSING),
        (
            card(flags=CardFlag.STAFF_CODE, kind=VenueKind.HEALTH_FACILITY),
            "09:00",
            "24 08:45",
            OutKind.STAY,
        ),
        (None, "09:00", "23 10:00", OutKind.STAY),
    ],
)
def test_the_earliest_of_stay_closing_and_midnight(
    place: SignedCard | None, at: str, ends: str, kind: OutKind
) -> None:
    """Midnight is Vietnam's, and ends nothing where people stay overnight or hours say more; a
    code for those who work there has no usual stay."""
    hour, minute = map(int, at.split(":"))
    came = datetime(2026, 11, 23, hour, minute, tzinfo=VIETNAM).astimezone(UTC)
    (visit,) = after(scan(place, came))
    end, why = expected_end(visit)
    assert (local(end), why) == (ends, kind)
    assert settle(visit, end - timedelta(seconds=1)) is visit
    assert (settle(visit, end).left, settle(visit, end).out) == (end, kind)


def test_silence_of_the_radio_goes_before_the_guesses() -> None:
    """Five minutes after it was heard last, whatever the usual stay; a later scan goes before."""
    (visit,) = after(scan())
    heard = replace(visit, heard=MORNING + 4 * HOUR)
    assert expected_end(heard) == (MORNING + 4 * HOUR + SILENCE, OutKind.SILENCE)
    early = replace(visit, heard=MORNING - MINUTE)
    assert expected_end(early) == (MORNING + SILENCE, OutKind.SILENCE)


def test_one_that_was_heard_first_gets_its_card_by_a_scan() -> None:
    """The radio told that somebody was near a place, the code says which."""
    keys = venue_keys(MARKET.payload)
    air = air_tag_of(keys, slot_of(MORNING))
    heard = Visit(MORNING, MORNING, marks=(Mark(air.tag, air.slot_key),), heard=MORNING)
    [(number, visit)] = arrive([heard], scan(at=MORNING + 3 * MINUTE))
    assert number == 0
    assert (visit.card, visit.label, visit.came) == (MARKET, "Nơi ấy", MORNING)
    assert len(arrive([heard], scan(PAGODA, MORNING + 3 * MINUTE))) == 2


def test_a_stay_is_known_by_any_of_its_tags() -> None:
    """The first may be of the slot before, by the place's clock, or another place's."""
    keys, other = venue_keys(MARKET.payload), venue_keys(PAGODA.payload)
    own, late = slot_of(MORNING), air_tag_of(keys, slot_of(MORNING) - 1)
    tags = [late, air_tag_of(other, own), air_tag_of(keys, own + 1)]
    marks = tuple(Mark(each.tag, each.slot_key) for each in tags)
    heard = Visit(MORNING, MORNING, marks=marks, heard=MORNING + 20 * MINUTE)
    for place in (MARKET, PAGODA):
        [(number, visit)] = arrive([heard], scan(place, MORNING + 21 * MINUTE))
        assert (number, visit.card, visit.marks) == (0, place, ())


# Private


def test_a_private_visit_that_is_over_is_tags_and_their_keys() -> None:
    """They are those of the card's slots, and the way out is still known by them."""
    (visit,) = after(scan(private=True))
    over = settle(visit, MORNING + 2 * HOUR)
    keys = venue_keys(MARKET.payload)
    slots = range(slot_of(MORNING), slot_of(MORNING) + 4)
    assert (over.label, over.card) == ("", None)
    assert over.marks == tuple(
        Mark(tag_of(keys, slot), slot_key_of(keys.note, slot)) for slot in slots
    )
    [(_, later)] = arrive([over], scan(at=MORNING + 90 * MINUTE, direction="out"))
    assert (later.out, later.card, len(later.marks)) == (OutKind.SCAN, None, 6)


@pytest.mark.parametrize("when", [(True, False), (False, True)])
def test_a_visit_is_private_once_its_visitor_said_so(when: tuple[bool, bool]) -> None:
    """At the first scan or at a later one, and no further scan takes it back."""
    first, second = when
    (visit,) = after(scan(private=first), scan(at=MORNING + MINUTE, private=second))
    assert visit.private


def test_two_private_visits_to_one_place_have_nothing_in_common() -> None:
    """Who finds the device cannot even tell that somebody came back, without the card."""
    one, other = (
        settle(after(scan(at=MORNING + hours * HOUR, private=True))[0], MORNING + 9 * HOUR)
        for hours in (0, 3)
    )

    def kept(visit: Visit) -> set[bytes]:
        return {part for mark in visit.marks for part in (mark.tag, mark.slot_key)}

    assert one.left is not None
    assert other.left is not None
    assert not kept(one) & kept(other)


def test_nothing_of_a_visit_is_in_its_repr() -> None:
    """Neither name nor card, tag, key or proof: reprs end in logs."""
    proof = Proof(step_of(MORNING), b"proof!!!")
    scans = (scan(proof=proof), scan(PAGODA, MORNING + MINUTE, private=True))
    for visit in after(*scans):
        for kept in (*scans, visit, settle(visit, MORNING + 2 * HOUR)):
            told = repr(kept)
            assert "Nơi ấy" not in told
            assert "b'" not in told


# Proofs


def test_a_proof_of_another_time_is_none() -> None:
    """A photograph of yesterday's screen is a code all the same; it proves nothing."""
    now = step_of(MORNING)
    proofs = [Proof(step, bytes(8)) for step in (now - 3, now - 2, now + 2, now + 3)]
    kept = [after(scan(proof=proof))[0].proofs for proof in proofs]
    assert kept == [(), (proofs[1],), (proofs[2],), ()]


def test_the_first_proof_and_the_last_are_kept() -> None:
    """However often somebody scans: a visit does not grow."""
    scans = [
        scan(at=MORNING + n * MINUTE, proof=Proof(step_of(MORNING + n * MINUTE), bytes([n] * 8)))
        for n in range(0, 50, 10)
    ]
    (visit,) = after(*scans)
    assert [proof.mac[0] for proof in visit.proofs] == [0, 40]


# By hand


def test_times_are_corrected_and_marked() -> None:
    """Within a day, in the past, and longer only where the place is known."""
    (visit,) = after(scan())
    now = MORNING + 5 * HOUR
    edited = edit(visit, MORNING - HOUR, MORNING + 2 * HOUR, now)
    assert (edited.came, edited.left, edited.out) == (
        MORNING - HOUR,
        MORNING + 2 * HOUR,
        OutKind.EDITED,
    )
    assert len(marks_of(edited, now)) == 12
    for came, left in (
        (MORNING, MORNING),
        (MORNING, now + MINUTE),
        (MORNING - 30 * HOUR, MORNING),
        (now - timedelta(days=21), now - timedelta(days=21) + HOUR),
        (now - LONGEST - MINUTE, now),
    ):
        with pytest.raises(BadInput) as refused:
            edit(visit, came, left, now)
        assert refused.value.reason == "visit_times"
    private = settle(replace(visit, private=True), now)
    shorter = edit(private, MORNING + MINUTE, MORNING + 30 * MINUTE, now)
    assert shorter.left == MORNING + 30 * MINUTE
    assert edit(private, MORNING, MORNING + HOUR, now).marks == private.marks
    for came, left in ((MORNING - MINUTE, MORNING + HOUR), (MORNING, MORNING + HOUR + MINUTE)):
        with pytest.raises(BadInput, match="only be shortened"):
            edit(private, came, left, now)
    long_ago = now - timedelta(days=21) + MINUTE
    for came, left in ((long_ago, long_ago + HOUR), (now - LONGEST, now)):
        assert edit(visit, came, left, now).came == came


def test_a_visit_that_is_remembered_lasts_as_usual_or_until_now() -> None:
    """It is marked as set by hand, and over."""
    visit = entered_afterwards(scan(), None, MORNING + 20 * MINUTE)
    assert (visit.left, visit.out) == (MORNING + 20 * MINUTE, OutKind.EDITED)
    visit = entered_afterwards(scan(), None, MORNING + 5 * HOUR)
    assert visit.left == MORNING + HOUR
    visit = entered_afterwards(scan(), MORNING + 2 * HOUR, MORNING + 5 * HOUR)
    assert visit.left == MORNING + 2 * HOUR


# Laws

PLACES = [MARKET, PAGODA, card(3, VenueKind.LODGING), card(4, hours=(420, 1320)), None]
SCANS = st.lists(
    st.tuples(
        st.integers(0, 20 * 60),
        st.sampled_from(PLACES),
        st.sampled_from([None, "in", "out"]),
        st.booleans(),
    ),
    max_size=12,
)


@given(SCANS)
def test_whatever_is_scanned_one_is_at_one_place_at_most(
    scans: list[tuple[int, SignedCard | None, object, bool]],
) -> None:
    """Visits do not overlap, end after they begin, within a day, and know how they ended."""
    visits: list[Visit] = []
    at = MORNING
    for minutes, place, direction, private in scans:
        at += minutes * MINUTE
        seen = scan(place, at, direction=direction, private=private)
        # Of where nobody came.
        with suppress(BadInput):
            for number, visit in arrive(visits, seen):
                visits[number : number + 1] = [visit]
    for visit in visits:
        assert (visit.left is None) == (visit.out is None)
        if visit.left is not None:
            assert visit.came <= visit.left <= visit.came + LONGEST
            assert not (visit.private and (visit.label or visit.card))
    assert sum(settle(visit, at).left is None for visit in visits) <= 1
    ended = [settle(visit, at + 2 * LONGEST) for visit in visits]
    assert all(visit.left is not None for visit in ended)
    assert [settle(visit, at + 9 * LONGEST) for visit in ended] == ended
    assert [visit.came for visit in visits] == sorted(visit.came for visit in visits)


@given(st.integers(0, 600), st.integers(0, 600))
def test_settling_early_or_late_comes_to_the_same(first: int, second: int) -> None:
    """When a device looks does not change what it sees, as long as nothing happened."""
    (visit,) = after(scan())
    one, other = sorted((first, second))
    settled = settle(settle(visit, MORNING + one * MINUTE), MORNING + other * MINUTE)
    assert settled == settle(visit, MORNING + other * MINUTE)
