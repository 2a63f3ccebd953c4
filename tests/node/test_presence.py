"""From tags on the air to visits: who walks in, stays and leaves."""

import asyncio
import random
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.clock import SimClock
from bluezone_node.crypto.metadata import Metadata
from bluezone_node.errors import DatabaseUnusable
from bluezone_node.node import presence as presence_module
from bluezone_node.node.advertiser import Advertiser
from bluezone_node.node.announcer import Announcer
from bluezone_node.node.presence import (
    FAR_DBM,
    MOST_PER_DAY,
    MOST_TAGS,
    NEAR_DBM,
    Presence,
    Stays,
)
from bluezone_node.node.timekeeper import Timekeeper
from bluezone_node.ports import OnStore, Voucher
from bluezone_node.venues.card import SignedCard
from bluezone_node.venues.heard import HeardStay
from bluezone_node.venues.sighting import VenueSighting
from bluezone_node.venues.tags import AirTag, air_tag_of, slot_of, tag_of, venue_keys
from bluezone_node.venues.visits import SILENCE, OutKind, Visit, settle
from tests.radios import LoopbackAir
from tests.stores import MemoryNodeStore, OnMemory
from tests.venues.places import card_of

START = datetime(2026, 11, 22, 8, 4, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
MARKET, SHOP = card_of(), card_of("Tạp hoá Lan", 2)


class Street:
    """Places with their kiosks, and a visitor who walks."""

    def __init__(self, on_store: OnStore | None = None) -> None:
        self.clock = SimClock(START)
        self.air = LoopbackAir(self.clock, every=5.0)
        self.store = MemoryNodeStore()
        self.radio = self.air.radio("visitor", 500.0)
        self.voucher = Voucher.SIMULATION
        on_store = on_store or OnMemory(self.store)
        self.timekeeper = Timekeeper(self.clock, lambda _: self.voucher, on_store, date(2026, 1, 1))
        self.timekeeper.look()
        self.presence = Presence(self.timekeeper, on_store)
        self._tasks = [
            asyncio.create_task(self._hear()),
            asyncio.create_task(self.presence.run()),
        ]

    async def _hear(self) -> None:
        async for frame in self.radio.hear():
            self.presence.hear(frame)

    def place(self, card: SignedCard, x: float) -> None:
        keys = venue_keys(card.payload)
        advertiser = Advertiser(
            self.air.radio(card.card.name, x),
            self.clock,
            OnMemory(MemoryNodeStore()),
            random.Random(card.card.name).randbytes,
            Metadata(12),
            Announcer(lambda _: keys),
        )
        self._tasks.append(asyncio.create_task(advertiser.run()))

    async def walk(self, *legs: tuple[float, float]) -> list[Visit]:
        """Stand at each x for so many minutes; return the visits afterwards."""
        for x, minutes in legs:
            self.radio.move(x)
            await self.clock.sleep(minutes * 60)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        return [settle(each.visit, self.clock.now()) for each in self.store.visits()]


async def test_who_walks_in_and_stays_ten_minutes_has_been_there_for_ten_minutes() -> None:
    """One visit, though its tag changed meanwhile, with the tags of both slots."""
    street = Street()
    street.place(MARKET, 0.0)
    (visit,) = await street.walk((500.0, 3), (2.0, 10), (500.0, 20))
    came = START + 3 * MINUTE
    assert came <= visit.came <= came + MINUTE / 10
    assert visit.heard is not None
    assert came + 10 * MINUTE - MINUTE / 10 <= visit.heard <= came + 10 * MINUTE
    assert (visit.left, visit.out) == (visit.heard + SILENCE, OutKind.SILENCE)
    keys = venue_keys(MARKET.payload)
    slots = [slot_of(came), slot_of(came) + 1]
    assert [mark.tag for mark in visit.marks] == [tag_of(keys, slot)[:12] for slot in slots]
    assert [m.slot_key for m in visit.marks] == [air_tag_of(keys, s).slot_key for s in slots]


async def test_the_door_of_a_shop_is_no_visit() -> None:
    """Neither passing by within reach for a minute and a half, nor standing far off for an hour."""
    street = Street()
    street.place(SHOP, 0.0)
    assert await street.walk((500.0, 3), (3.0, 1.5), (40.0, 60), (500.0, 20)) == []


async def test_who_comes_back_has_been_there_twice() -> None:
    """Half an hour elsewhere lies between."""
    street = Street()
    street.place(MARKET, 0.0)
    first, second = await street.walk((2.0, 20), (500.0, 30), (2.0, 20), (500.0, 10))
    assert first.left is not None
    assert first.left < START + 26 * MINUTE
    assert second.came >= START + 50 * MINUTE
    assert second.left is not None


async def test_a_short_absence_does_not_end_a_stay() -> None:
    """Four minutes in the cellar are not a check-out."""
    street = Street()
    street.place(MARKET, 0.0)
    (visit,) = await street.walk((2.0, 20), (500.0, 4), (2.0, 20), (500.0, 10))
    assert visit.heard is not None
    assert visit.heard >= START + 43 * MINUTE


async def test_two_places_next_to_each_other_are_two_visits() -> None:
    """Both are heard all the time, and each keeps its own tags over many slots."""
    street = Street()
    street.place(MARKET, 0.0)
    street.place(SHOP, 20.0)
    visits = await street.walk((3.0, 120), (500.0, 10))
    tags = [{mark.tag for mark in visit.marks} for visit in visits]
    for card in (MARKET, SHOP):
        keys = venue_keys(card.payload)
        slots = range(slot_of(START), slot_of(START) + 9)
        assert {tag_of(keys, slot)[:12] for slot in slots} in tags
    assert len(visits) == 2


async def test_nothing_is_kept_before_the_time_is_known() -> None:
    """A tag without its time proves nothing."""
    street = Street()
    street.timekeeper.known.clear()
    street.place(MARKET, 0.0)
    assert await street.walk((2.0, 20), (500.0, 10)) == []


async def test_a_visit_that_is_forgotten_while_it_lasts_stays_forgotten() -> None:
    """The next one is written again."""
    street = Street()
    street.place(MARKET, 0.0)
    street.radio.move(2.0)
    await street.clock.sleep(20 * 60)
    assert street.store.forget_visits() == 1
    (visit,) = await street.walk((2.0, 30), (500.0, 10), (2.0, 10), (500.0, 10))
    assert visit.came >= START + 60 * MINUTE


async def test_what_cannot_be_written_is_kept_until_it_can() -> None:
    """A full disk costs no visit."""
    store = MemoryNodeStore()
    whole, broken = OnMemory(store), True

    async def on_store(work):  # type: ignore[no-untyped-def]
        if broken:
            raise DatabaseUnusable("the disk is full")
        return await whole(work)

    street = Street(on_store)
    street.store = store
    street.place(MARKET, 0.0)
    street.radio.move(2.0)
    await street.clock.sleep(20 * 60)
    assert street.presence.condition().problem == "the disk is full"
    assert street.presence.condition().here == 1
    broken = False
    (visit,) = await street.walk((2.0, 5), (500.0, 10))
    assert visit.came < START + MINUTE
    assert street.presence.condition().problem == ""


async def test_a_disk_that_stays_full_costs_no_stay_that_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However long it grows, a stay takes one place; those that ended long ago go, and are
    counted."""
    monkeypatch.setattr(presence_module, "MOST_WAITING", 60)
    store = MemoryNodeStore()
    whole, broken, asked = OnMemory(store), True, 0

    async def on_store(work):  # type: ignore[no-untyped-def]
        nonlocal asked
        asked += 1
        if broken:
            raise DatabaseUnusable("the disk is full")
        return await whole(work)

    clock = SimClock(START)
    keeper = Timekeeper(clock, lambda _: Voucher.SIMULATION, OnMemory(store), date(2026, 1, 1))
    keeper.look()
    presence = Presence(keeper, on_store)

    async def minute(tags: range) -> None:
        for number in tags:
            presence.hear(VenueSighting(clock.now(), tag(number), -60))
        clock.advance(60)
        await presence.write()

    await minute(range(0))
    assert asked == 0
    # Within one slot, where no tag may follow another.
    clock.advance((13 * MINUTE).total_seconds())
    for tags, lost in ((range(40), 0), (range(20, 50), 0), (range(50, 64), 4)):
        for _ in range(3):
            await minute(tags)
        assert presence.condition().flooded == lost
    broken = False
    await minute(range(50, 64))
    assert len(store.visits()) == 60
    assert presence.condition().problem == ""


def tag(number: int) -> AirTag:
    return AirTag(number.to_bytes(12), number.to_bytes(10))


def minutes(
    stays: Stays, start: datetime, each: list[list[AirTag]], rssi: int = -60
) -> list[HeardStay]:
    """Let these tags be heard minute by minute; return the stays of the last one."""
    changed: list[HeardStay] = []
    for number, tags in enumerate(each):
        for one in tags:
            stays.hear(VenueSighting(start + number * MINUTE, one, rssi))
        changed = stays.close(start + (number + 1) * MINUTE)
    return changed


def test_a_flood_of_tags_takes_no_more_room_than_a_shopping_centre() -> None:
    """What does not fit is counted; who is followed already goes on being."""
    stays = Stays()
    crowd = [tag(number) for number in range(3 * MOST_TAGS)]
    changed = minutes(stays, START, [crowd[:1], crowd, crowd, crowd])
    assert len(changed) == MOST_TAGS
    assert changed[0].tags[0].air == crowd[0]
    assert stays.flooded == 3 * 2 * MOST_TAGS


def test_a_flood_that_changes_takes_no_more_room_either() -> None:
    """Those that were heard a minute ago are still followed; others are left out, and counted."""
    stays = Stays()
    crowd = [tag(number) for number in range(2 * MOST_TAGS)]
    minutes(stays, START, [crowd[:MOST_TAGS], crowd[MOST_TAGS:]])
    assert stays.flooded == MOST_TAGS
    far = Stays()
    minutes(far, START, [crowd], FAR_DBM - 1)
    assert far.flooded == MOST_TAGS


def test_a_flood_does_not_drown_the_place_that_one_is_at() -> None:
    """Strangers' tags that come first in each minute, new ones every time, are left out."""
    stays, start = Stays(), START - 4 * MINUTE
    minutes(stays, start, [[tag(1)]] * 3)
    floods = [[tag(1000 * number + each) for each in range(200)] for number in range(1, 9)]
    changed = minutes(stays, start + 3 * MINUTE, [[*flood, tag(1)] for flood in floods])
    assert [stay.tags[0].air for stay in changed] == [tag(1)]
    assert changed[0].last - changed[0].came == 10 * MINUTE


def test_a_flood_that_lasts_is_stopped_for_the_day() -> None:
    """No more than a hundred stays become visits, whatever is on the air; tomorrow, by the clocks
    of Vietnam, is another day."""
    stays, kept = Stays(), 0
    for hour in range(6):
        crowd = [tag(1000 * hour + number) for number in range(50)]
        kept += len(minutes(stays, START + timedelta(hours=hour), [crowd] * 3))
    assert kept == MOST_PER_DAY
    minutes(stays, START + timedelta(hours=5, minutes=3), [crowd])
    assert stays.flooded == 6 * 50 - MOST_PER_DAY
    midnight = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
    assert minutes(stays, midnight - 4 * MINUTE, [[tag(8)]] * 3) == []
    assert len(minutes(stays, midnight, [[tag(9)]] * 3)) == 1


def test_a_stay_that_changes_its_tag_in_its_first_minute_is_one() -> None:
    """Told once, or counted once where the day is full."""
    for full in (False, True):
        stays, border = Stays(), START + 11 * MINUTE
        if full:
            for hours in (2, 1):
                crowd = [tag(100 * hours + number) for number in range(MOST_PER_DAY // 2)]
                minutes(stays, START - timedelta(hours=hours), [crowd] * 3)
        minutes(stays, border - 2 * MINUTE, [[tag(1)]] * 2)
        for second, one in ((10, 1), (40, 2)):
            stays.hear(VenueSighting(border + timedelta(seconds=second), tag(one), -60))
        told = stays.close(border + MINUTE)
        assert [len(stay.tags) for stay in told] == ([] if full else [2])
        assert stays.flooded == int(full)


def test_a_wearable_that_listens_once_a_minute_comes_too() -> None:
    """Three packets in two minutes are enough where they are strong."""
    stays = Stays()
    assert len(minutes(stays, START, [[tag(1)]] * 3)) == 1
    assert minutes(Stays(), START, [[tag(1)]] * 2) == []
    assert minutes(Stays(), START, [[tag(1)], [], [tag(1)]]) == []
    assert len(minutes(Stays(), START + 9 * MINUTE, [[tag(1)], [tag(1)], [tag(2)]])) == 1
    assert len(minutes(Stays(), START, [[tag(1)]] * 3, NEAR_DBM)) == 1
    assert minutes(Stays(), START, [[tag(1)]] * 9, NEAR_DBM - 1) == []


def test_stray_packets_from_afar_prolong_nothing() -> None:
    """Who left is not held by one packet a minute from the other end of the street."""
    stays = Stays()
    minutes(stays, START, [[tag(1)]] * 3)
    assert len(minutes(stays, START + 3 * MINUTE, [[tag(1)]], FAR_DBM)) == 1
    minutes(stays, START + 4 * MINUTE, [[tag(1)]] * 4, FAR_DBM - 1)
    assert stays.here == 1
    assert minutes(stays, START + 8 * MINUTE, [[tag(1)]], FAR_DBM - 1) == []
    assert stays.here == 0


def test_who_comes_nearer_has_been_there_since_they_were_near() -> None:
    """Heard across the street for a while first: that was no presence."""
    stays = Stays()
    minutes(stays, START, [[tag(1)]] * 3, NEAR_DBM - 1)
    (stay,) = minutes(stays, START + 3 * MINUTE, [[tag(1)]] * 3)
    assert stay.came == START + 3 * MINUTE


def test_one_packet_in_five_that_is_too_strong_brings_nobody_near() -> None:
    """The level of a minute is its median."""
    stays, changed = Stays(), []
    for number in range(10):
        for rssi in (-80, -80, -68, -80, -80):
            stays.hear(VenueSighting(START + number * MINUTE, tag(1), rssi))
        changed += stays.close(START + (number + 1) * MINUTE)
    assert changed == []


@pytest.mark.parametrize(("start", "stays_expected"), [(START, 2), (START + 8 * MINUTE, 1)])
def test_a_tag_follows_another_across_the_border_of_a_slot_only(
    start: datetime, stays_expected: int
) -> None:
    """Within a slot, another tag is another place."""
    stays = Stays()
    minutes(stays, start, [[tag(1)]] * 4 + [[tag(2)]] * 4)
    assert stays.here == stays_expected


@given(
    st.lists(
        st.lists(
            st.tuples(st.integers(0, 5), st.integers(0, 59), st.integers(-95, -30)), max_size=6
        ),
        max_size=40,
    )
)
def test_whatever_is_heard_stays_are_in_order_and_without_long_silences(
    heard: list[list[tuple[int, int, int]]],
) -> None:
    """Tags come once each, in order, no gap between them is a silence, and none was not heard."""
    stays, times = Stays(), set()
    for number, packets in enumerate(heard):
        start = START + number * MINUTE
        for one, second, rssi in packets:
            at = start + timedelta(seconds=second)
            times.add(at)
            stays.hear(VenueSighting(at, tag(one), rssi))
        for stay in stays.close(start + MINUTE):
            assert len({each.air for each in stay.tags}) == len(stay.tags)
            assert {t for each in stay.tags for t in (each.first, each.last)} <= times
            for before, after in pairwise(stay.tags):
                assert before.first <= before.last <= after.first <= before.last + SILENCE
            assert stay.last - stay.came >= timedelta(minutes=2)


def test_two_tags_that_are_heard_at_once_are_of_two_places() -> None:
    """Also at the border of a slot: one place sends one tag at a time."""
    stays, border = Stays(), START + 10 * MINUTE
    minutes(stays, border - 3 * MINUTE, [[tag(1)]] * 3)
    for second, one in ((10, 1), (30, 2), (50, 1)):
        stays.hear(VenueSighting(border + timedelta(seconds=second), tag(one), -60))
    stays.close(border + MINUTE)
    minutes(stays, border + MINUTE, [[tag(1), tag(2)]] * 3)
    assert stays.here == 2
    both = Stays()
    minutes(both, border - 2 * MINUTE, [[tag(1)]] * 3 + [[tag(2), tag(3)]] * 3)
    assert both.here == 2


def test_a_tag_that_begins_far_stronger_is_of_another_place() -> None:
    """Level is all that ties one tag to the next."""
    stays = Stays()
    minutes(stays, START + 7 * MINUTE, [[tag(1)]] * 4, -74)
    minutes(stays, START + 11 * MINUTE, [[tag(2)]] * 4, -40)
    assert stays.here == 2


def test_of_two_places_each_goes_on_with_the_tag_most_like_its_own() -> None:
    """Whichever of them is heard first after the border; where they are alike, one each."""
    alike = minutes(Stays(), START + 7 * MINUTE, [[tag(1), tag(2)]] * 4 + [[tag(3), tag(4)]])
    assert sorted(len(stay.tags) for stay in alike) == [2, 2]
    stays, changed = Stays(), []
    for number, levels in enumerate([{1: -50, 2: -60}] * 4 + [{3: -60, 4: -50}]):
        at = START + (7 + number) * MINUTE
        for one, rssi in levels.items():
            stays.hear(VenueSighting(at, tag(one), rssi))
        changed = stays.close(at + MINUTE)
    pairs = {tuple(each.air for each in stay.tags) for stay in changed}
    assert pairs == {(tag(1), tag(4)), (tag(2), tag(3))}


@pytest.mark.parametrize("by", [timedelta(hours=3), timedelta(hours=-3)])
def test_the_time_that_is_set_moves_what_is_under_way(by: timedelta) -> None:
    """A stay goes on by the new time, as long as it was."""
    stays = Stays()
    minutes(stays, START, [[tag(1)]] * 2)
    stays.hear(VenueSighting(START + 2 * MINUTE, tag(1), -60))
    stays.move(by)
    (stay,) = stays.close(START + by + 3 * MINUTE)
    assert (stay.came, stay.last) == (START + by, START + by + 2 * MINUTE)
