"""Which key is in use, and when it changes."""

import random
from datetime import UTC, datetime, timedelta

from bluezone_node.intervals import ROLLING_PERIOD, interval_at, rolling_start
from bluezone_node.node.keyring import key_for, retire_key
from tests.stores import MemoryNodeStore

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def test_one_key_serves_a_whole_day_and_the_next_day_has_another() -> None:
    """The key rolls at UTC midnight, neither before nor twice."""
    store, entropy = MemoryNodeStore(), random.Random(1).randbytes
    monday = [key_for(store, interval_at(NOON + timedelta(hours=h)), entropy) for h in range(12)]
    tuesday = key_for(store, interval_at(NOON + timedelta(hours=12)), entropy)

    assert len(set(monday)) == 1
    assert monday[0].rolling_start == rolling_start(interval_at(NOON))
    assert monday[0].rolling_period == ROLLING_PERIOD
    assert tuesday != monday[0]
    assert tuesday.rolling_start == monday[0].rolling_end


def test_a_clock_set_back_finds_the_old_key_again() -> None:
    """A day that was seen keeps its one key."""
    store, entropy = MemoryNodeStore(), random.Random(1).randbytes
    before = key_for(store, interval_at(NOON), entropy)
    key_for(store, interval_at(NOON + timedelta(days=1)), entropy)

    assert key_for(store, interval_at(NOON), entropy) == before


def test_a_retired_key_ends_now_and_is_never_in_use_again() -> None:
    """After a report the rest of the day has a key of its own, with the same start."""
    store, entropy = MemoryNodeStore(), random.Random(1).randbytes
    interval = interval_at(NOON)
    first = key_for(store, interval, entropy)
    ended = retire_key(store, interval, entropy)
    second = key_for(store, interval, entropy)

    assert ended is not None
    assert ended.key == first.key
    assert ended.rolling_end == interval
    assert second.key != first.key
    assert second.rolling_start == first.rolling_start


def test_a_key_can_be_retired_twice_in_one_interval() -> None:
    """Two reports within ten minutes leave three keys, of which one is in use."""
    store, entropy = MemoryNodeStore(), random.Random(1).randbytes
    interval = interval_at(NOON)
    key_for(store, interval, entropy)
    retire_key(store, interval, entropy)
    retire_key(store, interval, entropy)

    assert len(store.own_keys()) == 3
    assert len([key for key in store.own_keys() if key.covers(interval)]) == 1


def test_there_is_nothing_to_retire_on_a_day_without_a_key() -> None:
    """A node that did not run today has nothing on the air."""
    assert retire_key(MemoryNodeStore(), interval_at(NOON), random.Random(1).randbytes) is None
