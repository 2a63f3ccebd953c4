"""Who may warn of what, what is refused, and who can read it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bluezone_node.authority.places.notice_views import NoticeState
from bluezone_node.authority.ports.accounts import OPERATOR, Actor
from bluezone_node.errors import AuthorityRefused
from bluezone_node.store.authority import registry_tables
from bluezone_node.store.authority.database import Database
from bluezone_node.venues.card import VIETNAM, CardFlag, day_number
from bluezone_node.venues.kinds import VenueKind
from bluezone_node.venues.tags import proof_day_key
from tests.outbreaks import CENTRE, HOA, HOUR, LAN, MINH, NOW, Outbreaks, order, told

MINUTE = timedelta(minutes=1)


@pytest.fixture
def outbreaks(tmp_path: Path) -> Iterator[Outbreaks]:
    engine = Database(registry_tables.LAYOUT, tmp_path / "registry.db").open()
    yield Outbreaks(engine, tmp_path / "places")
    engine.dispose()


@given(
    begins=st.integers(30, 20 * 24 * 60),
    lasts=st.integers(1, 600),
    came=st.integers(-900, 900),
    stayed=st.integers(1, 300),
)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_who_was_there_can_read_it_and_nobody_else(
    outbreaks: Outbreaks, begins: int, lasts: int, came: int, stayed: int
) -> None:
    """A visit that overlaps the window always reads; one with no slot in common never."""
    if not outbreaks.venues.find("Chợ Bến Thành"):
        outbreaks.place(days=(-40, 30))
    (market,) = outbreaks.venues.find("Chợ Bến Thành")
    start = NOW - begins * MINUTE
    lasts = min(lasts, begins)
    issued = outbreaks.notices.issue(
        order(market, begins / 60, lasts / 60, end=start + lasts * MINUTE), LAN
    )
    run = outbreaks.bundles.run()
    assert run.drawn is not None
    bundle, (card,) = outbreaks.bundle(run.drawn), outbreaks.cards(market)
    visit = (start + came * MINUTE, start + (came + stayed) * MINUTE)
    until = issued.notice.until
    read = told(bundle, card, *visit)
    if visit[0] < until and start < visit[1]:
        assert [(text.start, text.end) for text in read] == [(start, until)]
    slot = 15 * MINUTE
    if visit[1] + slot <= start or until + slot <= visit[0]:
        assert read == []


def test_each_room_and_each_rotation_gets_its_part(outbreaks: Outbreaks) -> None:
    """One notice reaches all posters of the place; one about a room, that room's alone."""
    hall = outbreaks.place("Nhà văn hóa", "Phòng 1", "Phòng 2", kind=VenueKind.EVENT)
    outbreaks.notices.issue(order(hall), LAN)
    outbreaks.notices.issue(order(hall, room="Phòng 2"), LAN)
    assert outbreaks.bundles.run().notices == 4
    bundle, visit = outbreaks.bundle(1), (NOW - 2.5 * HOUR, NOW - 2.4 * HOUR)
    read = {card.card.room: len(told(bundle, card, *visit)) for card in outbreaks.cards(hall)}
    assert read == {"": 1, "Phòng 1": 1, "Phòng 2": 2}


def test_the_air_of_the_place_counts_as_its_kind_says(outbreaks: Outbreaks) -> None:
    """Half an hour in an office, a quarter in a market, none out of doors; or as was ordered."""
    tails = {}
    for kind in (VenueKind.OFFICE, VenueKind.MARKET, VenueKind.CONTROL_POST):
        venue = outbreaks.place(kind.name, kind=kind)
        tails[kind.name] = outbreaks.notices.issue(order(venue), LAN).notice.tail
    tails["ordered"] = outbreaks.notices.issue(order(venue, tail=180), LAN).notice.tail
    assert tails == {"OFFICE": 30, "MARKET": 15, "CONTROL_POST": 0, "ordered": 180}


def test_presence_can_be_proved(outbreaks: Outbreaks) -> None:
    """The notice tells the day keys of the kiosks of its room, for each day that it touches."""
    market = outbreaks.place()
    outbreaks.kiosk(market, "door-one")
    outbreaks.kiosk(market, "door-two")
    outbreaks.notices.issue(order(market, hours=16, length=2), LAN)
    outbreaks.bundles.run()
    (card,), start = outbreaks.cards(market), NOW - 16 * HOUR
    (text,) = told(outbreaks.bundle(1), card, start, start + HOUR)
    days = (day_number(NOW) - 1, day_number(NOW))
    assert text.proof_keys == {
        day: tuple(proof_day_key(name * 4, day) for name in (b"door-one", b"door-two"))
        for day in days
    }


def test_an_update_comes_in_one_bundle(outbreaks: Outbreaks) -> None:
    """The old notice goes and the new one comes at once; in between nobody reads two or none."""
    market = outbreaks.place()
    first = outbreaks.notices.issue(order(market), LAN)
    outbreaks.bundles.run()
    second = outbreaks.notices.update(first.notice.number, order(market, min_overlap=15), LAN)
    assert second.notice.replaces == first.notice.number
    assert outbreaks.bundles.run().drawn == 2
    bundle, (card,) = outbreaks.bundle(2), outbreaks.cards(market)
    (text,) = told(bundle, card, NOW - 2.5 * HOUR, NOW - 2.4 * HOUR)
    assert text.min_overlap == 15
    assert {notice.notice_id for notice in bundle.notices}.isdisjoint(bundle.retracted)
    assert outbreaks.notices.show(first.notice.number, LAN).state is NoticeState.RETRACTED


def test_an_issuers_notice_waits_for_a_supervisor(outbreaks: Outbreaks) -> None:
    """Nothing is published before; the issuer may take it back, but not let it go."""
    market = outbreaks.place()
    asked = outbreaks.notices.issue(order(market), HOA)
    assert asked.state is NoticeState.WAITING
    assert outbreaks.bundles.run().notices == 0
    with pytest.raises(AuthorityRefused) as refused:
        outbreaks.notices.release(asked.notice.number, HOA)
    assert refused.value.reason == "forbidden"
    released = outbreaks.notices.release(asked.notice.number, LAN)
    assert (released.notice.issued_by, released.notice.released_by) == ("hoa", "lan")
    assert outbreaks.bundles.run().notices == 1
    other = outbreaks.notices.issue(order(market), HOA)
    assert outbreaks.notices.retract(other.notice.number, HOA).state is NoticeState.RETRACTED


def test_an_issuers_update_leaves_the_old_notice_until_it_is_released(
    outbreaks: Outbreaks,
) -> None:
    """What stands is not taken down by one pair of eyes."""
    market = outbreaks.place()
    first = outbreaks.notices.issue(order(market), LAN).notice.number
    outbreaks.bundles.run()
    asked = outbreaks.notices.update(first, order(market, min_overlap=5), HOA).notice.number
    assert outbreaks.notices.show(first, LAN).state is NoticeState.PUBLISHED
    outbreaks.notices.release(asked, LAN)
    assert outbreaks.notices.show(first, LAN).state is NoticeState.RETRACTED
    assert outbreaks.bundles.run().notices == 1


REFUSED = {
    "ends before it begins": ({"length": -1}, "notice_window"),
    "longer than a day": ({"hours": 30, "length": 24}, "notice_window"),
    "still to come": ({"hours": 1, "length": 2}, "notice_future"),
    "forgotten by all": ({"hours": 21 * 24 + 1}, "notice_too_old"),
    "air for a day": ({"tail": 181}, "notice_tail"),
    "air that was clean before": ({"tail": -1}, "notice_tail"),
    "hours of overlap": ({"min_overlap": 241}, "notice_overlap"),
    "a number of words": ({"phone": "gọi tôi"}, "notice_phone"),
    "a novel": ({"texts": {"vi": "a" * 401}}, "notice_text"),
    "a text that turns round": ({"texts": {"vi": "\u202eabc"}}, "notice_text"),
    "the end of time": ({"end": datetime.max.replace(tzinfo=VIETNAM)}, "notice_future"),
    "its beginning": ({"start": datetime.min.replace(tzinfo=VIETNAM)}, "notice_too_old"),
    "another language": ({"texts": {"fr": "Bonjour"}}, "notice_text"),
    "no such room": ({"room": "Phòng 9"}, "no_card"),
    "no such place": ({"venue_id": b"x" * 16}, "venue_not_found"),
}


def test_what_cannot_be_is_refused(outbreaks: Outbreaks) -> None:
    """In a sentence, and with nothing kept or written down as done."""
    market = outbreaks.place()
    for name, (changes, reason) in REFUSED.items():
        with pytest.raises(AuthorityRefused) as refused:
            outbreaks.notices.issue(order(market, **changes), LAN)
        assert refused.value.reason == reason, name
    assert outbreaks.notices.newest(LAN) == []
    assert outbreaks.audit.head() is None


@pytest.mark.parametrize("number", [-1, 0, 2**31, 10**30])
def test_no_notice_has_a_number_that_is_none(outbreaks: Outbreaks, number: int) -> None:
    """Addresses and command lines may name any."""
    with pytest.raises(AuthorityRefused) as refused:
        outbreaks.notices.show(number, LAN)
    assert refused.value.reason == "notice_not_found"


def test_a_room_is_offered_for_as_long_as_its_visitors_can_be_told(outbreaks: Outbreaks) -> None:
    """Also after it was removed: a poster hangs on for a week, and devices remember three more."""
    venue = outbreaks.remove(outbreaks.place("Chợ Vải", "Khu B", "Khu A"), "Khu B")
    assert outbreaks.notices.rooms(venue) == ["Khu A", "Khu B"]
    outbreaks.notices.issue(order(venue, room="Khu B"), LAN)
    outbreaks.clock.advance(timedelta(days=27).total_seconds())
    assert outbreaks.notices.rooms(venue) == ["Khu A", "Khu B"]
    outbreaks.clock.advance(timedelta(days=2).total_seconds())
    assert outbreaks.notices.rooms(venue) == ["Khu A"]


def test_a_place_under_dual_control_is_not_warned_of_alone(outbreaks: Outbreaks) -> None:
    """A clinic's visitors are not to be told by one side."""
    clinic = outbreaks.place("Phòng khám", flags=CardFlag.DUAL_CONTROL)
    with pytest.raises(AuthorityRefused) as refused:
        outbreaks.notices.issue(order(clinic), CENTRE)
    assert refused.value.reason == "dual_control"


def test_a_place_without_a_card_then_has_no_visitors(outbreaks: Outbreaks) -> None:
    """Its poster hung from yesterday on: nobody checked in the week before."""
    market = outbreaks.place(days=(-1, 30))
    with pytest.raises(AuthorityRefused) as refused:
        outbreaks.notices.issue(order(market, hours=100), LAN)
    assert refused.value.reason == "no_card"


def test_places_that_share_a_name_are_not_guessed(outbreaks: Outbreaks) -> None:
    """Two markets of one name: the code on the poster tells which."""
    one = outbreaks.place("Chợ Mới")
    outbreaks.place("Chợ Mới", realm="01")
    with pytest.raises(AuthorityRefused) as refused:
        outbreaks.directory.find("chợ mới", OPERATOR)
    assert refused.value.reason == "venue_ambiguous"
    (card,) = outbreaks.cards(one)
    assert outbreaks.directory.find(card.spoken_code, OPERATOR) == one
    with pytest.raises(AuthorityRefused) as unknown:
        outbreaks.directory.find("Chợ Cũ", OPERATOR)
    assert unknown.value.reason == "venue_not_found"


ALLOWED = {
    # What, and who of the issuer, the supervisor, another province's and the centre's may do it.
    "issue": (True, True, False, True),
    "update": (True, True, False, True),
    "release": (False, True, False, True),
    "retract": (False, True, False, True),
    "show": (True, True, False, True),
    "newest": (True, True, False, True),
    "check": (True, True, True, True),
    "breaker": (False, False, False, True),
}


def test_each_does_what_their_role_allows(outbreaks: Outbreaks) -> None:
    """The whole matrix; what another province has is as if it were not."""
    market = outbreaks.place()

    def attempt(what: str, actor: Actor) -> bool:
        notices = outbreaks.notices
        asker = HOA if what == "release" else LAN
        number = notices.issue(order(market), asker).notice.number
        seen = True
        try:
            match what:
                case "issue":
                    notices.issue(order(market), actor)
                case "update":
                    notices.update(number, order(market), actor)
                case "release":
                    notices.release(number, actor)
                case "retract":
                    notices.retract(number, actor)
                case "show":
                    notices.show(number, actor)
                case "newest":
                    seen = number in {each.notice.number for each in notices.newest(actor)}
                case "check":
                    seen = bool(notices.check(market.venue_id, NOW - 3 * HOUR, NOW))
                case "breaker":
                    outbreaks.breaker.turn(True, "danh sách sai", actor)
        except AuthorityRefused as refused:
            assert refused.reason in ("forbidden", "notice_not_found", "venue_not_found")  # noqa: PT017
            return False
        return seen

    for what, allowed in ALLOWED.items():
        done = tuple(attempt(what, actor) for actor in (HOA, LAN, MINH, CENTRE))
        assert done == allowed, what


def test_the_only_provinces_supervisor_may_break_the_circuit(tmp_path: Path) -> None:
    """Where there is one province, nobody stands above it."""
    engine = Database(registry_tables.LAYOUT, tmp_path / "registry.db").open()
    outbreaks = Outbreaks(engine, tmp_path / "places", realms=("79",))
    assert outbreaks.breaker.turn(True, "danh sách sai", LAN).on
    for on, reason, why in ((True, "lại", "breaker_same"), (False, " ", "breaker_reason")):
        with pytest.raises(AuthorityRefused) as refused:
            outbreaks.breaker.turn(on, reason, LAN)
        assert refused.value.reason == why
    engine.dispose()


def test_the_breaker_is_told_by_the_next_bundle(outbreaks: Outbreaks) -> None:
    """And that it is off again, by the one after."""
    outbreaks.bundles.run()
    outbreaks.breaker.turn(True, "danh sách sai", CENTRE)
    outbreaks.bundles.run()
    outbreaks.breaker.turn(False, "đã sửa", CENTRE)
    outbreaks.bundles.run()
    assert [outbreaks.bundle(number).breaker for number in (1, 2, 3)] == [False, True, False]


def test_a_hotline_is_told_what_holds(outbreaks: Outbreaks) -> None:
    """Not what was retracted, has expired or waits for a supervisor."""
    market = outbreaks.place()
    held = outbreaks.notices.issue(order(market), LAN).notice.number
    gone = outbreaks.notices.issue(order(market), LAN).notice.number
    outbreaks.notices.retract(gone, LAN)
    outbreaks.notices.issue(order(market), HOA)

    def numbers() -> list[int]:
        found = outbreaks.notices.check(market.venue_id, NOW - 2.5 * HOUR, NOW - 2.4 * HOUR)
        return [each.notice.number for each in found]

    assert numbers() == [held]
    assert outbreaks.notices.check(market.venue_id, NOW - 30 * HOUR, NOW - 29 * HOUR) == []
    outbreaks.clock.advance(14 * 24 * 3600)
    assert numbers() == []


def test_everything_is_in_the_trail_and_no_name_is(outbreaks: Outbreaks) -> None:
    """Who did what, by number or by the place's id; no name, text or telephone number."""
    market = outbreaks.place("Chợ Chim Hoàng Yến")
    number = outbreaks.notices.issue(
        order(market, phone="19009095", texts={"vi": "Chim hoàng yến"}), LAN
    ).notice.number
    asked = outbreaks.notices.update(number, order(market), HOA).notice.number
    outbreaks.notices.release(asked, LAN)
    outbreaks.notices.retract(asked, LAN)
    outbreaks.breaker.turn(True, "danh sách sai", CENTRE)
    entries = outbreaks.audit.entries()
    assert [entry.action for entry in reversed(entries)] == [
        "notice_issued",
        "notice_asked",
        "notice_released",
        "notice_retracted",
        "breaker_on",
    ]
    written = " ".join(f"{entry.subject} {entry.text}" for entry in entries)
    for secret in ("Yến", "Chợ", "19009095", outbreaks.cards(market)[0].spoken_code):
        assert secret not in written
    assert "Yến" not in repr(outbreaks.notices.newest(LAN)[0].notice)


def test_a_notice_that_is_long_over_is_forgotten(outbreaks: Outbreaks) -> None:
    """A fortnight after it was issued it expires, and three months later it is gone."""
    outbreaks.notices.issue(order(outbreaks.place()), LAN)
    outbreaks.clock.advance(timedelta(days=103).total_seconds())
    assert outbreaks.notices.newest(LAN)[0].state is NoticeState.EXPIRED
    assert outbreaks.notices.forget() == 0
    outbreaks.clock.advance(timedelta(days=2).total_seconds())
    assert outbreaks.notices.forget() == 1
