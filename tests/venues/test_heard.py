"""What follows from tags that were heard: whose they are, and which visit they belong to."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bluezone_node.venues.card import SignedCard
from bluezone_node.venues.heard import HeardStay, HeardTag, enter, is_of, visit_after, visit_of
from bluezone_node.venues.tags import air_tag_of, slot_of, start_of, tag_of, venue_keys
from bluezone_node.venues.visits import SILENCE, Mark, OutKind, Visit, leave, settle
from tests.venues.places import NOW, card_of

CARD, OTHER = card_of(), card_of("Nhà hàng Sen", 2)
KEYS = venue_keys(CARD.payload)
MINUTE = timedelta(minutes=1)


def heard(first: datetime, last: datetime, slot: int | None = None) -> HeardTag:
    """Return a tag of the market, of *slot* or of the one in which it was heard."""
    return HeardTag(air_tag_of(KEYS, slot_of(first) if slot is None else slot), first, last)


def stay_of(minutes: float, after: float = 0.0) -> HeardStay:
    """Return a stay at the market from *after* minutes on, with a tag for each slot."""
    start, end = NOW + after * MINUTE, NOW + (after + minutes) * MINUTE
    slots = range(slot_of(start), slot_of(end) + 1)
    spans = [(max(start, start_of(s)), min(end, start_of(s + 1) - MINUTE / 60)) for s in slots]
    return HeardStay(tuple(heard(*span) for span in spans))


def scanned(after: float = 0.0, card: SignedCard = CARD) -> Visit:
    """Return a visit by poster, just begun."""
    at = NOW + after * MINUTE
    return Visit(at, at, card.card.name, card)


@pytest.mark.parametrize("minute", [0, 7, 14])
def test_a_tag_is_believed_in_its_own_slot_and_one_beside(minute: int) -> None:
    """One that was recorded and is sent again later matches nothing: only clocks are forgiven."""
    at = start_of(slot_of(NOW)) + minute * MINUTE
    believed = [off for off in range(-40, 41) if is_of(KEYS, heard(at, at, slot_of(at) + off))]
    assert believed == [-1, 0, 1]


def test_a_tag_is_of_its_own_place_only() -> None:
    """The keys of another card do not know it."""
    assert is_of(KEYS, heard(NOW, NOW))
    assert not is_of(venue_keys(OTHER.payload), heard(NOW, NOW))


def test_what_was_only_heard_becomes_a_visit_of_tags() -> None:
    """No name and no card: the tags that notices list, each with the key that opens them."""
    stay = stay_of(20)
    visit = visit_of(stay)
    assert (visit.came, visit.heard, visit.left) == (NOW, NOW + 20 * MINUTE, None)
    assert [mark.tag for mark in visit.marks] == [
        tag_of(KEYS, slot_of(NOW) + number)[:12] for number in range(2)
    ]
    assert all(len(mark.slot_key) == 10 for mark in visit.marks)
    assert (visit.card, visit.party, visit.private) == (None, 1, False)
    over = settle(visit, NOW + timedelta(hours=1))
    assert (over.left, over.out) == (NOW + 20 * MINUTE + SILENCE, OutKind.SILENCE)


def test_a_stay_that_grows_is_one_visit() -> None:
    """Written each minute, it prolongs what it began; the same again changes nothing."""
    visits: list[Visit] = []
    for minutes in (3, 4, 17, 31, 31, 20):
        entered = enter(visits, stay_of(minutes))
        if entered is not None:
            visits[entered[0] : entered[0] + 1] = [entered[1]]
    (visit,) = visits
    assert visit == visit_of(stay_of(31))
    assert enter(visits, stay_of(31)) is None


def test_what_its_owner_forgot_is_not_written_again() -> None:
    """Still there, and the stay goes on: it has no visit any more, and gets none."""
    assert enter([], replace(stay_of(20), begins=False)) is None
    assert enter([], stay_of(20)) is not None


def test_a_visit_by_poster_is_ended_by_silence() -> None:
    """The radio proves how long it lasted; nothing else is added to what the card tells."""
    visit = scanned()
    entered = enter([visit], stay_of(35, after=1))
    assert entered is not None
    number, longer = entered
    assert number == 0
    assert (longer.card, longer.marks, longer.came) == (CARD, (), NOW)
    over = settle(longer, NOW + timedelta(hours=3))
    assert (over.left, over.out) == (NOW + 36 * MINUTE + SILENCE, OutKind.SILENCE)


def test_an_end_that_was_guessed_is_taken_back_while_the_place_is_heard() -> None:
    """Who stays in a market for three hours was not gone after one."""
    visit = scanned()
    over = settle(visit, NOW + timedelta(hours=2))
    assert over.out is OutKind.STAY
    longer = visit_after(over, stay_of(150))
    assert longer is not None
    assert (longer.left, longer.out, longer.heard) == (None, None, NOW + 150 * MINUTE)


@pytest.mark.parametrize(("minutes", "stands"), [(20, True), (55, True), (56, False)])
def test_a_guess_stands_where_the_place_was_not_heard_for_so_long(
    minutes: int, stands: bool
) -> None:
    """The radio was silent before that: it takes nothing back."""
    over = settle(scanned(), NOW + timedelta(hours=2))
    longer = visit_after(over, stay_of(minutes))
    assert longer is not None
    assert (longer.left == over.left) is stands
    silent = settle(visit_of(stay_of(minutes)), NOW + timedelta(hours=2))
    assert enter([silent], stay_of(minutes)) is None


def test_an_end_that_the_visitor_set_stands() -> None:
    """Checked out and still within reach of the radio: no second visit either."""
    visit = scanned()
    over = leave(visit, NOW + 20 * MINUTE)
    assert enter([over], stay_of(24)) is None
    assert enter([over], stay_of(5, after=25)) is None
    assert enter([over], stay_of(5, after=26)) == (1, visit_of(stay_of(5, after=26)))


@pytest.mark.parametrize("visit", [visit_of(stay_of(10)), scanned()])
def test_a_later_stay_is_another_visit(visit: Visit) -> None:
    """Gone for longer than the silence, and back, though nobody has looked at the first since."""
    assert enter([visit], stay_of(10, after=90)) == (1, visit_of(stay_of(10, after=90)))


@pytest.mark.parametrize(("minutes", "known"), [(19, False), (20, True)])
def test_a_stay_that_was_over_before_is_no_part_of_a_visit(minutes: int, known: bool) -> None:
    """It was written late: whoever scans the poster afterwards begins another visit."""
    assert (visit_after(scanned(after=20), stay_of(minutes)) is not None) is known


def test_another_places_visit_is_left_alone() -> None:
    """A stay is of the place whose tags it has, whoever is checked in elsewhere."""
    air = air_tag_of(venue_keys(OTHER.payload), slot_of(NOW))
    by_radio = replace(visit_of(stay_of(10)), marks=(Mark(air.tag, air.slot_key),))
    for visit in (scanned(card=OTHER), by_radio):
        assert enter([visit], stay_of(10)) == (1, visit_of(stay_of(10)))


@pytest.mark.parametrize("later", [4, 90])
def test_a_recorded_tag_that_is_sent_again_later_prolongs_no_visit(later: int) -> None:
    """The visit by poster stays as it was, and the stay is one of its own."""
    visit = scanned()
    at = start_of(slot_of(NOW) + later)
    replayed = HeardStay((heard(at, at + 5 * MINUTE, slot_of(NOW)),))
    assert visit_after(visit, replayed) is None


def test_a_poster_scanned_after_the_radio_was_heard_takes_the_stay_over() -> None:
    """What is heard from then on belongs to the visit that has the card."""
    entered = enter([visit_of(stay_of(10)), scanned(after=10)], stay_of(20))
    assert entered is not None
    assert entered[0] == 1
    assert entered[1].card == CARD
    assert entered[1].heard == NOW + 20 * MINUTE


def test_tags_stay_out_of_repr() -> None:
    """A stay may be printed in a bug report."""
    stay = stay_of(5)
    for secret in (stay.tags[0].air.tag, stay.tags[0].air.slot_key):
        assert repr(secret)[2:-1] not in repr((stay, Mark(secret, secret), visit_of(stay)))
        assert secret.hex() not in repr(stay)
