"""What the node of a place sends, slot by slot."""

import asyncio
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from bluezone_node.ble.frame import Frame, decode
from bluezone_node.clock import SimClock
from bluezone_node.crypto.cose import sign
from bluezone_node.crypto.metadata import Metadata
from bluezone_node.node.advertiser import Advertiser
from bluezone_node.node.announcer import Announcer, KeysAt
from bluezone_node.venues.card import SignedCard, read_card
from bluezone_node.venues.tags import (
    AirTag,
    VenueKeys,
    air_tag_of,
    slot_of,
    start_of,
    venue_keys,
)
from tests.radios import LoopbackAir, OnAir
from tests.stores import MemoryNodeStore, OnMemory
from tests.venues.places import CARDS, card_of

START = datetime(2026, 11, 22, 8, 4, tzinfo=UTC)
CARD = card_of()
KEYS = venue_keys(CARD.payload)


def valid(from_day: int, to_day: int, seed: int) -> SignedCard:
    """Return a card of the market for other days, with another seed."""
    card = replace(CARD.card, seed=bytes([seed]) * 16, from_day=from_day, to_day=to_day)
    return read_card(sign(card.encoded(), CARDS))


def keys_of(*cards: SignedCard) -> KeysAt:
    """Return the keys of whichever of *cards* is valid."""

    def keys_at(at: datetime) -> VenueKeys | None:
        return next((venue_keys(each.payload) for each in cards if each.card.valid_at(at)), None)

    return keys_at


async def sent(hours: float, *cards: SignedCard) -> list[OnAir]:
    """Return every change of what the node of the place has on the air."""
    clock = SimClock(START)
    air = LoopbackAir(clock)
    advertiser = Advertiser(
        air.radio("kiosk"),
        clock,
        OnMemory(MemoryNodeStore()),
        random.Random(7).randbytes,
        Metadata(12),
        Announcer(keys_of(*cards)),
    )
    task = asyncio.create_task(advertiser.run())
    await clock.sleep(hours * 3600)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return air.history


def tags(change: OnAir) -> list[AirTag]:
    found = [decode(payload) for _, payload in change.sent]
    return [each for each in found if isinstance(each, AirTag)]


async def test_the_tag_changes_exactly_at_the_border_of_a_slot() -> None:
    """In each quarter of an hour that slot's tag is on the air, from its first instant."""
    history = await sent(26, CARD)
    assert [change.at for change in history[1:]] == [
        start_of(slot_of(START) + number) for number in range(1, len(history))
    ]
    assert len(history) == 26 * 4 + 1
    for change in history:
        assert tags(change) == [air_tag_of(KEYS, slot_of(change.at))]


async def test_identifier_and_tag_never_outlive_each_other() -> None:
    """Whoever records them cannot tie one quarter of an hour to the next."""
    history = await sent(26, CARD)
    for before, after in pairwise(history):
        assert {p for _, p in before.sent}.isdisjoint(p for _, p in after.sent)
        assert {a for a, _ in before.sent}.isdisjoint(a for a, _ in after.sent)
    for change in history:
        assert [type(decode(payload)) for _, payload in change.sent] == [Frame, AirTag]


async def test_an_invalid_card_is_not_sent_and_the_next_one_takes_over() -> None:
    """It ends at midnight in Vietnam; a day without a card has no tag; then there is one again."""
    today = CARD.card.from_day + 30
    first, second = valid(today, today + 1, 1), valid(today + 2, today + 9, 2)
    history = await sent(60, first, second)
    midnight = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
    for change in history:
        if change.at < midnight:
            expected = [air_tag_of(venue_keys(first.payload), slot_of(change.at))]
        elif change.at < midnight + timedelta(days=1):
            expected = []
        else:
            expected = [air_tag_of(venue_keys(second.payload), slot_of(change.at))]
        assert tags(change) == expected
        assert len(change.sent) == 1 + len(expected)


async def test_what_is_not_sent_is_said() -> None:
    """No card today, an adapter that takes one advertisement only, or nothing wrong."""
    clock = SimClock(START)
    air, today = LoopbackAir(clock), CARD.card.from_day + 30
    problems = []
    for name, cards in (
        ("sent", [CARD]),
        ("expired", [valid(today - 9, today, 1)]),
        ("none", None),
    ):
        advertiser = Advertiser(
            air.radio(name),
            clock,
            OnMemory(MemoryNodeStore()),
            random.Random(7).randbytes,
            Metadata(12),
            None if cards is None else Announcer(keys_of(*cards)),
        )
        task = asyncio.create_task(advertiser.run())
        await clock.sleep(1)
        problems.append(advertiser.place_problem())
        task.cancel()
    assert problems == ["", "no card of the place is valid today", ""]
