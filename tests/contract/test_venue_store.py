"""What the store of places promises, on both engines."""

from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from unicodedata import normalize

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine

from bluezone_node.authority.ports.venues import (
    HANGS_ON,
    Changed,
    Kiosk,
    PendingClaim,
    Redeemed,
    Venue,
    VenueCardRow,
    VenueState,
    VenueStore,
)
from bluezone_node.crypto.cose import sign
from bluezone_node.store.authority import registry_tables
from bluezone_node.store.authority.database import Database
from bluezone_node.store.authority.postgres import parse_url
from bluezone_node.store.authority.venues import SqlVenues
from bluezone_node.venues.card import Card, day_number, read_card
from bluezone_node.venues.kinds import VenueKind
from tests.kept import HOUR, NOON, SQL

DAY = timedelta(days=1)
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)


@pytest.fixture(params=SQL)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    parsed = None if url is None else parse_url(url)
    opened = Database(registry_tables.LAYOUT, tmp_path / "registry.db", parsed).open()
    yield opened
    opened.dispose()


@pytest.fixture
def store(engine: Engine) -> VenueStore:
    return SqlVenues(engine)


def venue(number: int = 1, **changes: object) -> Venue:
    made = Venue(
        bytes([number]) * 16,
        "79",
        VenueState.APPROVED,
        f"Chợ số {number}",
        int(VenueKind.MARKET),
        26740,
        2,
        "Lê Lợi",
        360,
        1110,
        0,
        8,
        ("Khu A",),
        "+84901234567",
        NOON,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def card(of: Venue, seed: int, room: str = "", *, days: int = 365) -> VenueCardRow:
    today = day_number(NOON)
    made = Card(
        of.venue_id,
        of.name,
        of.commune,
        VenueKind(of.kind),
        bytes([seed]) * 16,
        today,
        today + days,
        room=room,
    )
    return VenueCardRow(of.venue_id, room, read_card(sign(made.encoded(), KEY)), NOON)


def added(store: VenueStore, of: Venue, *cards: VenueCardRow) -> None:
    assert store.add([of], {of.venue_id: cards}) == [True]


def turned(
    store: VenueStore,
    of: Venue,
    new: VenueCardRow,
    old: Collection[bytes],
    ends: datetime = NOON,
) -> Changed:
    """Give the place a new card."""
    return store.change(of, of, NOON, [new], old, ends)


def close(store: VenueStore, venue: Venue) -> Changed:
    """Close the place, with its current cards."""
    closed = replace(venue, state=VenueState.CLOSED, closed=NOON)
    return store.change(venue, closed, NOON, old=of(store.current(venue.venue_id)))


def of(rows: list[VenueCardRow]) -> list[bytes]:
    return [row.signed.location_id for row in rows]


def race(work: Callable[[int], bool]) -> int:
    """Return how many of four who do it at once were told that they did."""
    with ThreadPoolExecutor(4) as pool:
        return sum(pool.map(work, range(4)))


def test_a_place_is_back_as_it_was(store: VenueStore) -> None:
    """With its cards, to the byte."""
    one = venue()
    first, second = card(one, 1), card(one, 2, "Khu A")
    added(store, one, first, second)
    assert store.venue(one.venue_id) == one
    assert store.cards(one.venue_id) == store.current(one.venue_id) == [first, second]
    assert store.card(second.signed.location_id) == second
    assert store.venue(b"?" * 16) is None
    assert store.card(b"?" * 32) is None


def test_a_place_is_kept_once(store: VenueStore) -> None:
    """In whatever normal form and capitals it is written; again when it has closed."""
    one = venue(name="Chợ Bến Thành")
    same = replace(one, venue_id=b"2" * 16, name=normalize("NFD", "CHỢ BẾN THÀNH"))
    other = replace(one, venue_id=b"3" * 16, name="Chợ Bên Thanh")
    assert store.add([one, same, other], {}) == [True, False, True]
    assert store.add([same], {}) == [False]
    assert close(store, one) is Changed.DONE
    assert store.add([same], {}) == [True]


def test_of_many_who_decide_one_does(store: VenueStore) -> None:
    """The cards of the others are not kept."""
    one = venue(state=VenueState.CLAIMED)
    added(store, one)
    approved = replace(one, state=VenueState.APPROVED, decided=NOON)

    def decide(number: int) -> bool:
        after = replace(approved, decided_by=f"officer{number}")
        return store.change(one, after, NOON, [card(one, number)]) is Changed.DONE

    assert race(decide) == 1
    assert len(store.cards(one.venue_id)) == 1
    late = replace(one, state=VenueState.REJECTED)
    assert store.change(one, late, NOON) is Changed.OUTDATED
    found = store.venue(one.venue_id)
    assert found is not None
    assert (found.state, found.decided) == (VenueState.APPROVED, NOON)


def test_of_many_who_change_a_place_one_does(store: VenueStore) -> None:
    """Whether they rotate, edit or close: a room never has two current cards."""
    one = venue()
    old = card(one, 100)
    added(store, one, old)
    afters = [
        one,
        replace(one, name="Chợ mới"),
        replace(one, contact=""),
        replace(one, state=VenueState.CLOSED, closed=NOON),
    ]

    def change(number: int) -> bool:
        new = [card(one, number)] if number < 2 else []
        # Who edits what stands on no card ends none.
        ends = [] if number == 2 else of([old])
        return store.change(one, afters[number], NOON, new, ends, NOON + DAY) is Changed.DONE

    done = race(change)
    found = store.venue(one.venue_id)
    assert found is not None
    # Rotating changes nothing of the place, so that one of the others may come after it, but no
    # other that ends the same card.
    assert done == 1 or (done == 2 and found == afters[2])
    current = store.current(one.venue_id)
    assert len(current) == (0 if found.state is VenueState.CLOSED else 1)


def test_what_is_said_of_a_place_changes_whole(store: VenueStore) -> None:
    """It is found by its new name; kiosks of a room that went are revoked; all else stays."""
    one = venue(rooms=("Khu A", "Khu B"))
    cards = [card(one, 1), card(one, 2, "Khu A"), card(one, 3, "Khu B")]
    added(store, one, *cards)
    for number, room in enumerate(("", "Khu A", "Khu B")):
        assert store.add_kiosk(Kiosk(bytes([number]) * 32, one.venue_id, room, 1, NOON))
    after = replace(one, name="Chợ Tân Định", rooms=("Khu B",), opens=None, closes=None)
    new = card(after, 4)
    assert store.change(one, after, NOON, [new], of(cards[:2]), NOON + DAY) is Changed.DONE
    assert store.venue(one.venue_id) == after
    assert store.search("tan dinh") == [after]
    assert store.search("chợ số") == []
    assert set(of(store.current(one.venue_id))) == set(of([new, cards[2]]))
    assert {each.room: each.revoked for each in store.kiosks(one.venue_id)} == {
        "": None,
        "Khu A": NOON,
        "Khu B": None,
    }
    assert not store.add_kiosk(Kiosk(b"x" * 32, one.venue_id, "Khu A", 2, NOON))


def test_a_change_to_what_was_changed_does_nothing(store: VenueStore) -> None:
    """Neither to the place nor to a card, also where only one of both is outdated."""
    one = venue()
    old, new = card(one, 1), card(one, 2)
    added(store, one, old)
    stale = replace(one, contact="+84900000000")
    assert turned(store, stale, new, of([old])) is Changed.OUTDATED
    assert turned(store, one, new, of([old, new])) is Changed.OUTDATED
    after = replace(one, name="Chợ khác")
    assert store.change(one, after, NOON, [new], of([new]), NOON) is Changed.OUTDATED
    assert store.venue(one.venue_id) == one
    assert store.cards(one.venue_id) == [old]


def test_a_place_does_not_become_another(store: VenueStore) -> None:
    """Its name and address are free once the other has closed."""
    one, other = venue(), venue(2)
    added(store, one)
    added(store, other)
    same = replace(one, name=normalize("NFD", other.name.upper()))
    assert store.change(one, same, NOON) is Changed.KNOWN
    assert store.venue(one.venue_id) == one
    assert close(store, other) is Changed.DONE
    assert store.change(one, same, NOON) is Changed.DONE


def test_two_claims_of_one_place_are_decided_by_officers(store: VenueStore) -> None:
    """Both may be kept, approved, corrected and closed."""
    first = venue(state=VenueState.CLAIMED)
    both = [first, replace(first, venue_id=b"2" * 16)]
    for each in both:
        store.add_claim(replace(CLAIM, digest=each.venue_id * 2))
        taken = store.redeem(each.venue_id * 2, CLAIM.code, NOON, 3, lambda _, each=each: each)  # type: ignore[misc]
        assert taken is Redeemed.TAKEN
    for changes in ({"state": VenueState.APPROVED, "decided": NOON}, {"contact": ""}):
        after = [replace(each, **changes) for each in both]  # type: ignore[arg-type]
        for old, new in zip(both, after, strict=True):
            assert store.change(old, new, NOON) is Changed.DONE
        both = after
    assert [close(store, each) for each in both] == [Changed.DONE] * 2


def test_a_rotation_at_once_ends_earlier_ones_too(store: VenueStore) -> None:
    """Cards that were to end with tomorrow end now; others' cards do not count as old."""
    one, other = venue(), venue(2)
    cards = [card(one, number) for number in range(3)]
    added(store, one, cards[0])
    added(store, other, card(other, 9))
    theirs = of(store.current(other.venue_id))
    assert turned(store, one, cards[1], theirs) is Changed.OUTDATED
    assert turned(store, one, cards[1], of([cards[0]]), NOON + DAY) is Changed.DONE
    assert store.revoked(NOON) == []
    assert turned(store, one, cards[2], of([cards[1]])) is Changed.DONE
    assert store.revoked(NOON) == sorted(of(cards[:2]))
    assert of(store.current(one.venue_id)) == of([cards[2]])


def test_withdrawn_cards_are_told_until_they_would_have_ended(store: VenueStore) -> None:
    """Then nobody takes them anyway."""
    one = venue()
    short = card(one, 1, days=3)
    added(store, one, short)
    assert close(store, one) is Changed.DONE
    assert store.revoked(NOON + 2 * DAY) == of([short])
    assert store.revoked(NOON + 3 * DAY) == []
    assert store.current(one.venue_id) == []


def test_a_notice_goes_to_all_cards_of_its_time(store: VenueStore) -> None:
    """Also to those withdrawn up to a week before, as posters hang on."""
    one = venue()
    old, room, new = card(one, 1), card(one, 2, "Khu A"), card(one, 3)
    added(store, one, old, room)
    assert turned(store, one, new, of([old])) is Changed.DONE
    assert set(of(store.cards_of(one.venue_id, None, NOON, NOON + HOUR))) == set(
        of([old, room, new])
    )
    assert of(store.cards_of(one.venue_id, "Khu A", NOON, NOON + HOUR)) == of([room])
    later = NOON + HANGS_ON
    assert of(store.cards_of(one.venue_id, "", later, later + HOUR)) == of([new])
    before = NOON - 2 * DAY
    assert store.cards_of(one.venue_id, None, before, before + HOUR) == []


def test_a_place_is_named_in_several_ways(store: VenueStore) -> None:
    """By spoken code, the beginning of its id, or its whole name; the exact one goes first."""
    lan, lang = venue(1, name="Quán Lan"), venue(2, name="Quán Lân")
    only = card(lan, 1)
    added(store, lan, only)
    added(store, lang)
    code = only.signed.spoken_code
    misread = code.translate(str.maketrans("OIB", "018"))
    for text in (code, misread, code.lower(), f" {code[:3]}-{code[3:]} ", "01010101", "01" * 16):
        assert store.find(text) == [lan]
    assert store.find("Quán Lân") == [lang]
    assert store.find(normalize("NFD", "Quán Lân")) == [lang]
    assert store.find("quan lan") == [lan, lang]
    assert store.find("quan") == store.find("%") == store.find("0101010") == []


def test_a_search_takes_words_in_any_order(store: VenueStore) -> None:
    """Without diacritics and capitals; of one province, in one state; signs are signs."""
    added(store, venue(1, name="Chợ Đồng Xuân", address="Phố Hàng Chiếu"))
    added(store, venue(2, name="100% Cà_phê", realm="01", claimed=NOON + HOUR))
    assert [each.name for each in store.search("xuan dong")] == ["Chợ Đồng Xuân"]
    assert [each.name for each in store.search("HÀNG chieu")] == ["Chợ Đồng Xuân"]
    assert [each.name for each in store.search("100%")] == ["100% Cà_phê"]
    assert [each.name for each in store.search("a_p")] == ["100% Cà_phê"]
    assert store.search("dong", realm="01") == []
    assert store.search("", state=VenueState.CLAIMED) == []
    first = store.search()[-1]
    assert first in store.search(commune=(first.edition, first.commune))
    assert store.search(commune=(first.edition, 99_999)) == []
    assert store.search(commune=(3 - first.edition, first.commune)) == []
    assert [each.venue_id[0] for each in store.search()] == [2, 1]
    assert [each.venue_id[0] for each in store.search(limit=1)] == [2]
    assert store.counts("01")[VenueState.APPROVED] == 1
    assert sum(store.counts().values()) == 2


def test_a_room_has_one_kiosk(store: VenueStore) -> None:
    """Of many who make one, one does; a number is not used again."""
    one = venue()
    added(store, one)
    made = race(lambda n: store.add_kiosk(Kiosk(bytes([n]) * 32, one.venue_id, "", 1, NOON)))
    assert made == 1
    (kiosk,) = store.kiosks(one.venue_id)
    store.kiosk_seen(kiosk.digest, NOON + HOUR)
    assert store.kiosk(kiosk.digest) == replace(kiosk, seen=NOON + HOUR)
    assert store.revoke_kiosk(kiosk.digest, NOON + HOUR)
    assert not store.revoke_kiosk(kiosk.digest, NOON + 2 * HOUR)
    again = Kiosk(b"x" * 32, one.venue_id, "", 1, NOON)
    assert not store.add_kiosk(again)
    assert store.add_kiosk(replace(again, number=2))
    assert close(store, one) is Changed.DONE
    assert all(each.revoked for each in store.kiosks(one.venue_id))
    assert not store.add_kiosk(replace(again, number=3, digest=b"y" * 32))


CLAIM = PendingClaim(b"d" * 32, b"c" * 32, b"sealed", 0, NOON + HOUR)


def redeem(store: VenueStore, code: bytes, number: int = 1) -> Redeemed:
    made = venue(number, state=VenueState.CLAIMED)
    return store.redeem(CLAIM.digest, code, NOON, 3, lambda _sealed: made)


def test_of_many_guessers_at_once_no_attempt_is_lost(store: VenueStore) -> None:
    """Each wrong code counts, and with the last the right one is over too."""
    store.add_claim(CLAIM)
    with ThreadPoolExecutor(4) as pool:
        became = list(pool.map(lambda _: redeem(store, b"w" * 32), range(4)))
    assert became.count(Redeemed.WRONG) == 2
    assert became.count(Redeemed.OVER) == 2
    assert redeem(store, CLAIM.code) is Redeemed.OVER
    assert store.search() == []


def test_a_right_code_counts_once(store: VenueStore) -> None:
    """Of many who send it at once, one has the place kept."""
    store.add_claim(CLAIM)
    assert race(lambda n: redeem(store, CLAIM.code, n) is Redeemed.TAKEN) == 1
    assert len(store.search()) == 1


def test_a_claim_that_cannot_be_opened_stays(store: VenueStore) -> None:
    """Where keeping the place fails nothing is lost."""

    def fails(_sealed: bytes) -> Venue:
        raise ValueError

    store.add_claim(CLAIM)
    with pytest.raises(ValueError):  # noqa: PT011 - ours
        store.redeem(CLAIM.digest, CLAIM.code, NOON, 3, fails)
    assert redeem(store, CLAIM.code) is Redeemed.TAKEN


def test_claims_expire(store: VenueStore) -> None:
    """And are removed then."""
    store.add_claim(CLAIM)
    assert store.forget(NOON) == 0
    late = CLAIM.expires
    assert store.redeem(CLAIM.digest, CLAIM.code, late, 3, lambda _: venue()) is Redeemed.OVER
    assert store.forget(late) == 1
