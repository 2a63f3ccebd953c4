"""What is said of a place is said otherwise: which cards it takes, and who is told what."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bluezone_node.authority.places.cards import end_of_tomorrow
from bluezone_node.authority.places.directory import VenueView
from bluezone_node.authority.places.orders import VenueOrder, order_of
from bluezone_node.authority.ports.accounts import Actor
from bluezone_node.authority.ports.venues import VenueState
from bluezone_node.authority.settings import PlacesSettings, RegisterSettings
from bluezone_node.errors import AuthorityRefused
from bluezone_node.venuefile import read_venue_file, renew_venue_file
from bluezone_node.venues.card import CardFlag
from bluezone_node.venues.trust import accept_card
from tests.authorities import NOW, seeded
from tests.venue_desk import CHIEF, ISSUER, MARKET, VenueDesk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[VenueDesk]:
    made = VenueDesk(tmp_path)
    yield made
    made.engine.dispose()


def reason(work: Callable[[], object]) -> str:
    with pytest.raises(AuthorityRefused) as refused:
        work()
    return refused.value.reason


def locations(desk: VenueDesk, place: bytes) -> dict[str, bytes]:
    """Return which card each room has."""
    return {row.room: row.signed.location_id for row in desk.store.current(place)}


@pytest.mark.parametrize(
    ("changes", "renewed"),
    [
        ({"name": "Chợ Tân Định"}, {"", "Khu A"}),
        ({"kind": 3}, {"", "Khu A"}),
        ({"commune": 1}, {"", "Khu A"}),
        ({"address": "Hai Bà Trưng"}, {"", "Khu A"}),
        ({"opens": 360, "closes": 1080}, {"", "Khu A"}),
        ({"stay_minutes": 90}, {"", "Khu A"}),
        ({"flags": CardFlag.BLE_NODE}, {"", "Khu A"}),
        ({"contact": "0901234567"}, set()),
        ({"rooms": ("Khu A", "Khu B")}, set()),
        ({"rooms": ()}, set()),
        # A card asks for names only once there is a kiosk that could open them.
        ({"flags": CardFlag.CHECK_OUT_CODE | CardFlag.REGISTER_REQUIRED}, set()),
        ({}, set()),
    ],
)
def test_what_stands_on_a_card_needs_a_new_one(
    desk: VenueDesk, changes: dict[str, object], renewed: set[str]
) -> None:
    """And nothing else does; what was planned is what is done."""
    place = desk.venues.register(MARKET, CHIEF)
    before = locations(desk, place.venue_id)
    order = replace(order_of(place), **changes)  # type: ignore[arg-type]
    plan = desk.renewal.plan(place.venue_id, order, CHIEF)
    assert set(plan.renewed) == renewed
    assert locations(desk, place.venue_id) == before
    view = desk.renewal.edit(place.venue_id, order, CHIEF)
    after = locations(desk, place.venue_id)
    assert view.venue == plan.after
    assert set(after) == {"", *order.rooms}
    assert {room for room in before if after.get(room) not in (None, before[room])} == renewed
    assert set(after) - set(before) == set(plan.added)
    assert set(before) - set(after) == set(plan.removed)
    assert len(view.ending) == len({*renewed, *plan.removed})
    for row in view.cards:
        card = accept_card(row.signed, desk.keys.trust_list(), NOW)
        if row.room in plan.printed:
            assert (card.name, card.commune, card.address) == (
                order.name,
                order.commune,
                order.address,
            )


def test_old_posters_end_as_after_a_rotation(desk: VenueDesk) -> None:
    """With tomorrow, or at once, and then those that were to end tomorrow too."""
    place = desk.venues.register(MARKET, CHIEF)
    view = desk.renewal.edit(place.venue_id, replace(MARKET, name="Chợ A"), CHIEF)
    assert {row.revoked for row in view.ending} == {end_of_tomorrow(NOW)}
    view = desk.renewal.edit(place.venue_id, replace(MARKET, name="Chợ B"), CHIEF, at_once=True)
    assert {row.revoked for row in view.ending} == {NOW}
    assert len(view.ending) == 4


def test_a_kiosk_takes_the_card_of_what_is_said_now(desk: VenueDesk, tmp_path: Path) -> None:
    """By itself, with the key of its register; the one of a room that went is revoked."""
    order = replace(MARKET, flags=CardFlag.REGISTER_REQUIRED, rooms=("Khu A", "Khu B"))
    place = desk.venues.register(order, CHIEF).venue_id
    files = {}
    for room in order.rooms:
        files[room] = tmp_path / f"{room}.json"
        files[room].touch(mode=0o600)
        files[room].write_bytes(desk.kiosk_files.make(place, room, CHIEF).content)
    bearers = {room: read_venue_file(file).bearer for room, file in files.items()}
    desk.renewal.edit(place, replace(order, name="Chợ mới", rooms=("Khu B",)), CHIEF)
    newest = desk.directory.card(place, "Khu B", CHIEF).signed
    kept = renew_venue_file(files["Khu B"], newest.cose)
    assert kept.card.card.name == "Chợ mới"
    assert kept.card.card.flags == CardFlag.REGISTER_REQUIRED
    assert desk.kiosks.by_bearer(bearers["Khu A"]) is None
    assert desk.kiosks.by_bearer(bearers["Khu B"]) is not None
    assert reason(lambda: desk.directory.card(place, "Khu A", CHIEF)) == "room_not_found"
    assert reason(lambda: desk.kiosk_files.make(place, "Khu A", CHIEF)) == "room_not_found"
    # The room may come back, with another card and another kiosk.
    desk.renewal.edit(place, replace(order, name="Chợ mới", rooms=("Khu A", "Khu B")), CHIEF)
    assert desk.kiosk_files.make(place, "Khu A", CHIEF).content != files["Khu A"].read_bytes()


def test_a_law_of_today_comes_with_a_cards_next_reason(tmp_path: Path) -> None:
    """To correct a telephone number is none."""
    law = RegisterSettings("market", date(2020, 1, 1), "Điều 1")
    desk = VenueDesk(tmp_path, PlacesSettings(registers=[law]))
    place = desk.venues.register(MARKET, CHIEF)
    order = replace(order_of(place), contact="0901234567")
    assert desk.renewal.plan(place.venue_id, order, CHIEF).printed == ()
    desk.engine.dispose()


def test_a_claim_is_corrected_before_it_is_approved(desk: VenueDesk) -> None:
    """Without any card; then its cards say what is right; what is over stays as it was."""
    place = desk.venues.register(MARKET, ISSUER).venue_id
    view = desk.renewal.edit(place, replace(MARKET, name="Chợ đúng", rooms=("Khu B",)), CHIEF)
    assert (view.venue.state, view.cards) == (VenueState.CLAIMED, [])
    cards = desk.venues.approve(place, CHIEF).cards
    assert [row.signed.card.name for row in cards] == ["Chợ đúng"] * 2
    desk.venues.close(place, CHIEF)
    assert reason(lambda: desk.renewal.edit(place, MARKET, CHIEF)) == "venue_not_approved"
    rejected = desk.venues.register(replace(MARKET, name="Y"), ISSUER).venue_id
    desk.venues.reject(rejected, CHIEF)
    assert reason(lambda: desk.renewal.plan(rejected, MARKET, CHIEF)) == "venue_not_approved"


def test_of_two_editors_the_second_is_told(desk: VenueDesk) -> None:
    """Where both looked at the place before; also where a card key is over, nothing is changed."""
    place = desk.venues.register(MARKET, CHIEF)
    first, second = replace(MARKET, name="Một"), replace(MARKET, contact="0901234567")
    desk.renewal.edit(place.venue_id, first, CHIEF, stamp=place.stamp)
    assert (
        reason(lambda: desk.renewal.edit(place.venue_id, second, CHIEF, stamp=place.stamp))
        == "venue_changed"
    )
    other = desk.venues.register(replace(MARKET, name="Hai"), CHIEF)
    same = replace(order_of(other), name="MỘT")
    assert reason(lambda: desk.renewal.edit(other.venue_id, same, CHIEF)) == "venue_known"
    desk.clock.advance(timedelta(days=800).total_seconds())
    now = desk.directory.view(place.venue_id, CHIEF)
    assert reason(lambda: desk.renewal.edit(place.venue_id, MARKET, CHIEF)) == "no_card_key"
    assert desk.directory.view(place.venue_id, CHIEF) == now


CHANGES: dict[str, Callable[[VenueDesk, bytes], object]] = {
    "name": lambda desk, place: desk.renewal.edit(place, replace(MARKET, name="Z"), CHIEF),
    "contact": lambda desk, place: desk.renewal.edit(
        place, replace(MARKET, contact="0901234567"), CHIEF
    ),
    "rotate": lambda desk, place: desk.renewal.rotate(place, CHIEF),
    "close": lambda desk, place: desk.venues.close(place, CHIEF),
    "approve": lambda desk, place: desk.venues.approve(place, CHIEF),
    "reject": lambda desk, place: desk.venues.reject(place, CHIEF),
}


@pytest.mark.parametrize(
    ("officer", "mine", "others", "told"),
    [
        (CHIEF, "name", "name", "venue_changed"),
        (CHIEF, "name", "contact", "venue_changed"),
        (CHIEF, "name", "rotate", "venue_changed"),
        (CHIEF, "name", "close", "venue_not_approved"),
        (CHIEF, "rotate", "name", "venue_changed"),
        (CHIEF, "rotate", "contact", "venue_changed"),
        (CHIEF, "rotate", "rotate", "venue_changed"),
        (CHIEF, "rotate", "close", "venue_not_approved"),
        (ISSUER, "approve", "name", "venue_changed"),
        (ISSUER, "approve", "approve", "venue_decided"),
        (ISSUER, "approve", "reject", "venue_decided"),
    ],
)
def test_who_is_overtaken_is_told_and_does_nothing(
    tmp_path: Path, officer: Actor, mine: str, others: str, told: str
) -> None:
    """Between the look at the place and the change; what the quicker one did stands whole."""
    meanwhile: list[Callable[[], object]] = []
    source = seeded(3)

    def entropy(size: int) -> bytes:
        # The seeds of new cards are drawn in between.
        if meanwhile:
            meanwhile.pop()()
        return source(size)

    desk = VenueDesk(tmp_path, entropy=entropy)
    place = desk.venues.register(MARKET, officer).venue_id
    after: list[VenueView] = []

    def overtake() -> None:
        CHANGES[others](desk, place)
        after.append(desk.directory.view(place, CHIEF))

    meanwhile.append(overtake)
    assert reason(lambda: CHANGES[mine](desk, place)) == told
    assert desk.directory.view(place, CHIEF) == after[0]
    desk.engine.dispose()


def test_the_trail_tells_which_facts_changed_and_none_of_them(desk: VenueDesk) -> None:
    """By the place's id; an edit that changes nothing is no entry."""
    place = desk.venues.register(MARKET, CHIEF)
    order = replace(MARKET, name="Chợ Xổm", contact="0901234567", rooms=())
    desk.renewal.edit(place.venue_id, order, CHIEF)
    before = len(desk.trail.entries())
    desk.renewal.edit(place.venue_id, order, CHIEF)
    entries = desk.trail.entries()
    assert len(entries) == before
    assert (entries[0].action, entries[0].subject) == ("venue_edited", place.venue_id.hex())
    assert entries[0].detail == {"facts": "name, rooms, contact", "cards": 1, "at_once": 0}
    assert "Xổm" not in str(entries)


ROOMS = st.lists(st.sampled_from(["Khu A", "Khu B", "Khu C"]), unique=True).map(tuple)


@settings(max_examples=8)
@given(
    st.lists(
        st.tuples(st.sampled_from(["X", "Y"]), ROOMS, st.booleans(), st.none() | ROOMS),
        max_size=4,
    )
)
def test_cards_always_say_what_is_said_of_the_place(
    steps: list[tuple[str, tuple[str, ...], bool, tuple[str, ...] | None]],
) -> None:
    """After any number of edits, rotations and kiosks each room has one, and no other has any."""
    with TemporaryDirectory() as folder:
        desk = VenueDesk(Path(folder))
        place = desk.venues.register(MARKET, CHIEF).venue_id
        for name, rooms, at_once, kiosks in steps:
            order = replace(MARKET, name=name, rooms=rooms)
            desk.renewal.edit(place, order, CHIEF, at_once=at_once)
            for room in kiosks or ():
                if room in rooms:
                    desk.kiosk_files.make(place, room, CHIEF)
            if kiosks is None:
                desk.renewal.rotate(place, CHIEF, at_once=at_once)
            view = desk.directory.view(place, CHIEF)
            told = [(row.room, row.signed.card.name) for row in view.cards]
            assert sorted(told) == sorted((room, name) for room in ("", *rooms))
            assert {each.room for each in view.kiosks} <= set(rooms)
        desk.engine.dispose()


def test_a_place_stays_in_its_province(desk: VenueDesk) -> None:
    """Whatever the order says; in another it would be another's."""
    place = desk.venues.register(MARKET, CHIEF)
    order = VenueOrder("Chợ", 5, 26740, realm="01")
    assert desk.renewal.edit(place.venue_id, order, CHIEF).venue.realm == "79"
