"""The desk for places: who may do what with which, and what comes of it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.authority.places.cards import WHOLE, end_of_tomorrow
from bluezone_node.authority.places.orders import VenueOrder, parse_hours, venue_of
from bluezone_node.authority.ports.accounts import OPERATOR, ROLES, Actor
from bluezone_node.authority.ports.venues import Venue, VenueState
from bluezone_node.authority.settings import PlacesSettings
from bluezone_node.errors import AuthorityRefused, BadInput
from bluezone_node.intervals import from_unix
from bluezone_node.venuefile import read_venue_file
from bluezone_node.venues.card import CardFlag, day_number
from bluezone_node.venues.kinds import VenueKind
from bluezone_node.venues.names import composed, folded
from bluezone_node.venues.trust import accept_card
from tests.authorities import NOW
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


ACTIONS: dict[str, Callable[[VenueDesk, bytes, Actor], object]] = {
    "view": lambda desk, place, actor: desk.directory.view(place, actor),
    "card": lambda desk, place, actor: desk.directory.card(place, WHOLE, actor),
    "approve": lambda desk, place, actor: desk.venues.approve(place, actor),
    "reject": lambda desk, place, actor: desk.venues.reject(place, actor),
    "plan": lambda desk, place, actor: desk.renewal.plan(place, MARKET, actor),
    "edit": lambda desk, place, actor: desk.renewal.edit(place, MARKET, actor),
    "rotate": lambda desk, place, actor: desk.renewal.rotate(place, actor),
    "kiosk": lambda desk, place, actor: desk.kiosk_files.make(place, WHOLE, actor),
    "revoke_kiosk": lambda desk, place, actor: desk.kiosk_files.revoke(place, WHOLE, actor),
    "close": lambda desk, place, actor: desk.venues.close(place, actor),
}


@pytest.mark.parametrize("realm", ["79", "01", "*"])
@pytest.mark.parametrize("role", ROLES)
def test_who_may_do_what(desk: VenueDesk, role: str, realm: str) -> None:
    """Every role, in the place's province, in another and everywhere, against every action."""
    actor = Actor("x", realm, role)
    for name, act in ACTIONS.items():
        order = replace(MARKET, address=name)
        waits = name in ("approve", "reject")
        place = desk.venues.register(order, ISSUER if waits else CHIEF).venue_id
        if name == "revoke_kiosk":
            desk.kiosk_files.make(place, WHOLE, CHIEF)

        def does(act: object = act, place: bytes = place) -> object:
            return act(desk, place, actor)  # type: ignore[operator]

        if realm == "01":
            assert reason(does) == "venue_not_found", name
        elif role == "issuer" and name not in ("view", "card"):
            assert reason(does) == "forbidden", name
        else:
            does()


def test_nobody_registers_in_anothers_province(desk: VenueDesk) -> None:
    """Nor looks for places there; the operator must say which."""
    assert reason(lambda: desk.venues.register(replace(MARKET, realm="01"), CHIEF)) == (
        "unknown_realm"
    )
    assert reason(lambda: desk.venues.register(MARKET, OPERATOR)) == "unknown_realm"
    desk.venues.register(MARKET, CHIEF)
    assert desk.directory.search("", Actor("x", "01", "admin")) == []
    stranger = Actor("x", "01", "admin")
    assert reason(lambda: desk.directory.find("Chợ Bến Thành", stranger)) == "venue_not_found"


def test_cards_are_genuine_and_good_for_a_year(desk: VenueDesk) -> None:
    """By the list that devices have; each room has its own."""
    place = desk.venues.register(MARKET, CHIEF)
    view = desk.directory.view(place.venue_id, CHIEF)
    trust = desk.keys.trust_list()
    for row in view.cards:
        card = accept_card(row.signed, trust, NOW)
        assert (card.name, card.to_day - card.from_day) == ("Chợ Bến Thành", 365)
    assert [row.room for row in view.cards] == ["", "Khu A"]
    assert len({row.signed.card.seed for row in view.cards}) == 2


def test_no_card_outlives_its_key(desk: VenueDesk) -> None:
    """The last ones are short; then the key must be rotated first."""
    desk.clock.advance(timedelta(days=700).total_seconds())
    place = desk.venues.register(MARKET, CHIEF)
    card = desk.directory.card(place.venue_id, WHOLE, CHIEF).signed.card
    assert card.to_day == day_number(NOW + timedelta(days=730))
    desk.clock.advance(timedelta(days=30).total_seconds())
    assert reason(lambda: desk.renewal.rotate(place.venue_id, CHIEF)) == "no_card_key"
    desk.keys.rotate("cards", desk.keys.root(), desk.clock.now())
    view = desk.renewal.rotate(place.venue_id, CHIEF)
    assert all(row.signed.card.valid_at(desk.clock.now()) for row in view.cards)


def test_after_a_rotation_old_posters_count_until_tomorrow_ends(desk: VenueDesk) -> None:
    """In Vietnam's days; at once where they are forged."""
    place = desk.venues.register(MARKET, CHIEF)
    old = desk.directory.view(place.venue_id, CHIEF).cards
    view = desk.renewal.rotate(place.venue_id, CHIEF)
    assert {row.revoked for row in view.ending} == {end_of_tomorrow(NOW)}
    assert not {row.signed.location_id for row in view.cards} & {
        row.signed.location_id for row in old
    }
    assert desk.store.revoked(end_of_tomorrow(NOW) - timedelta(seconds=1)) == []
    assert len(desk.store.revoked(end_of_tomorrow(NOW))) == 2
    desk.renewal.rotate(place.venue_id, CHIEF, at_once=True)
    assert len(desk.store.revoked(NOW)) == 4


@given(st.integers(1_767_225_600, 4_102_444_800).map(from_unix))
def test_tomorrow_ends_at_a_midnight_of_vietnam(at: datetime) -> None:
    """One to two days later, whatever the hour."""
    end = end_of_tomorrow(at)
    assert timedelta(days=1) < end - at <= timedelta(days=2)
    assert (end.hour, end.minute, end.second) == (17, 0, 0)


def test_what_was_decided_stays(desk: VenueDesk) -> None:
    """A second officer is told; a rejected place has no cards."""
    place = desk.venues.register(MARKET, ISSUER).venue_id
    assert reason(lambda: desk.directory.card(place, WHOLE, ISSUER)) == "venue_not_approved"
    assert reason(lambda: desk.renewal.rotate(place, CHIEF)) == "venue_not_approved"
    desk.venues.reject(place, CHIEF)
    assert reason(lambda: desk.venues.approve(place, CHIEF)) == "venue_decided"
    assert reason(lambda: desk.venues.close(place, CHIEF)) == "venue_not_approved"
    again = desk.venues.register(MARKET, ISSUER).venue_id
    assert desk.venues.approve(again, CHIEF).venue.state is VenueState.APPROVED
    assert reason(lambda: desk.venues.register(MARKET, CHIEF)) == "venue_known"


def test_a_register_waits_for_its_kiosk(desk: VenueDesk, tmp_path: Path) -> None:
    """Before, no card asks for names; the key is in the file alone, and stays over rotations."""
    order = replace(MARKET, flags=CardFlag.REGISTER_REQUIRED, rooms=())
    place = desk.venues.register(order, CHIEF).venue_id
    before = desk.directory.card(place, WHOLE, CHIEF).signed.card
    assert (before.flags, before.register_key) == (0, None)
    made = desk.kiosk_files.make(place, WHOLE, CHIEF)
    file = tmp_path / "venue.json"
    file.write_bytes(made.content)
    file.chmod(0o600)
    told = read_venue_file(file)
    key = told.card.card.register_key
    assert told.card.card.flags == CardFlag.REGISTER_REQUIRED
    assert key is not None
    rotated = desk.renewal.rotate(place, CHIEF).cards[0].signed.card
    assert (rotated.register_key, rotated.flags) == (key, CardFlag.REGISTER_REQUIRED)
    secret = msgspec.json.decode(made.content)["register_private_key"]
    assert bytes.fromhex(secret) not in (tmp_path / "registry.db").read_bytes()


def test_a_kiosk_is_known_until_it_is_revoked(desk: VenueDesk, tmp_path: Path) -> None:
    """By what it names itself; its proofs can be checked for the time that it was there."""
    place = desk.venues.register(MARKET, CHIEF).venue_id
    file = tmp_path / "venue.json"
    file.write_bytes(desk.kiosk_files.make(place, "Khu A", CHIEF).content)
    file.chmod(0o600)
    told = read_venue_file(file)
    found = desk.kiosks.by_bearer(told.bearer)
    assert found is not None
    assert (found.venue_id, found.room) == (place, "Khu A")
    assert desk.kiosks.proof_keys(place, "Khu A", NOW) == [told.proof_key]
    assert desk.kiosks.proof_keys(place, WHOLE, NOW) == []
    desk.kiosk_files.revoke(place, "Khu A", CHIEF)
    for bearer in (told.bearer, "", "x" * 1000, "ữ"):
        assert desk.kiosks.by_bearer(bearer) is None
    assert desk.kiosks.proof_keys(place, "Khu A", NOW - timedelta(1)) == [told.proof_key]
    desk.kiosk_files.make(place, "Khu A", CHIEF)
    assert len(desk.kiosks.proof_keys(place, "Khu A", NOW - timedelta(1))) == 2
    assert reason(lambda: desk.kiosk_files.make(place, "Khu B", CHIEF)) == "room_not_found"


def test_the_trail_has_ids_and_no_names(desk: VenueDesk) -> None:
    """Of everything that is done to a place."""
    place = desk.venues.register(replace(MARKET, contact="0901234567"), CHIEF).venue_id
    desk.renewal.rotate(place, CHIEF)
    desk.kiosk_files.make(place, WHOLE, CHIEF)
    desk.venues.close(place, CHIEF)
    entries = desk.trail.entries()
    assert [each.action for each in reversed(entries)] == [
        "venue_registered",
        "venue_rotated",
        "kiosk_issued",
        "venue_closed",
    ]
    assert {each.subject for each in entries} == {place.hex()}
    assert "Bến" not in str(entries)
    assert "901234567" not in str(entries)


@pytest.mark.parametrize(
    "name",
    [
        '=HYPERLINK("http://evil")',
        "+cmd|' /C calc'!A0",
        "@SUM(1+1)",
        "Quán 🍜",
        "O'Neil \"& <b>",
        "\tTab\r\nline ",
    ],
)
def test_names_are_text(desk: VenueDesk, name: str) -> None:
    """Whatever a spreadsheet would make of them; blanks of all kinds are one."""
    place = desk.venues.register(replace(MARKET, name=name, rooms=()), CHIEF)
    assert place.name == " ".join(name.split())
    assert desk.directory.card(place.venue_id, WHOLE, CHIEF).signed.card.name == place.name


@pytest.mark.parametrize("name", ["", " ", "a\0b", "\u202eevil", "x" * 97, "\u2800", "\ud800"])
def test_names_that_no_card_takes_are_refused(desk: VenueDesk, name: str) -> None:
    """In words, before anything is kept."""
    with pytest.raises(BadInput) as refused:
        desk.venues.register(replace(MARKET, name=name), CHIEF)
    assert refused.value.reason == "text_malformed"
    assert desk.directory.search("", CHIEF) == []


@given(st.text(max_size=40))
def test_one_writing_is_enough(text: str) -> None:
    """To write a name again changes nothing, nor does another normal form its search."""
    assert composed(composed(text)) == composed(text)
    assert folded(folded(text)) == folded(text)
    assert folded(composed(text)) == folded(text)


@given(
    st.builds(
        VenueOrder,
        st.text(max_size=20),
        st.integers(-1, 20),
        st.integers(-1, 200_000),
        edition=st.integers(0, 3),
        opens=st.none() | st.integers(-1, 1500),
        closes=st.none() | st.integers(-1, 1500),
        stay_minutes=st.integers(-1, 2000),
        flags=st.integers(0, 80).map(CardFlag),
        rooms=st.lists(st.text(max_size=40), max_size=3).map(tuple),
    )
)
def test_whatever_is_ordered_is_a_place_or_refused(order: VenueOrder) -> None:
    """In the family of our own errors, and a place that is taken can be written on a card."""
    try:
        made = venue_of(order, b"v" * 16, "79", NOW)
    except (AuthorityRefused, BadInput):
        return
    assert isinstance(made, Venue)
    assert VenueKind(made.kind)
    assert len(made.name.encode()) <= 96


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("", (None, None)),
        ("7:00-22:30", (420, 1350)),
        ("07h00 – 22h", (420, 1320)),
        ("22:00-04:00", (1320, 240)),
        ("0-24", (0, 1440)),
    ],
)
def test_hours_as_people_write_them(text: str, hours: tuple[int | None, int | None]) -> None:
    """With a colon or an h, past midnight, all day."""
    assert parse_hours(text) == hours


@pytest.mark.parametrize("text", ["7", "7-", "-7", "25:00-26:00", "7:60-8:00", "a-b", "٧-٨"])
def test_hours_that_are_none(text: str) -> None:
    """Are refused in words."""
    assert reason(lambda: parse_hours(text)) == "venue_hours"


def test_the_life_of_a_card_is_a_setting(tmp_path: Path) -> None:
    """For a place that opens for a week."""
    desk = VenueDesk(tmp_path, PlacesSettings(card_days=7))
    place = desk.venues.register(MARKET, CHIEF)
    card = desk.directory.card(place.venue_id, WHOLE, CHIEF).signed.card
    assert card.to_day - card.from_day == 7
    desk.engine.dispose()
