"""What limits promise, whatever they are kept in."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from bluezone_node.authority.ports.allowances import Allowances, Rate
from tests.authorities import MemoryAllowances
from tests.kept import NOON, SQL, Kept, kept_in

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
RATE = Rate(4, MINUTE)
BUCKET = b"b" * 32
NONE = timedelta(0)


@pytest.fixture(params=SQL)
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kept]:
    yield from kept_in(request, tmp_path)


@pytest.fixture(params=["memory", *SQL])
def limits(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Allowances]:
    if request.param == "memory":
        yield MemoryAllowances()
    else:
        for kept in kept_in(request, tmp_path):
            yield kept.allowances()


def test_so_many_at_once_and_then_one_at_a_time(limits: Allowances) -> None:
    """The whole number at once, then one after each interval, as long as one goes on."""
    assert [limits.take(BUCKET, RATE, NOON) for _ in range(4)] == [NONE] * 4
    assert limits.take(BUCKET, RATE, NOON) == 15 * SECOND
    assert limits.take(BUCKET, RATE, NOON + 5 * SECOND) == 10 * SECOND
    assert limits.take(BUCKET, RATE, NOON + 15 * SECOND) == NONE
    assert limits.take(BUCKET, RATE, NOON + 15 * SECOND) == 15 * SECOND
    assert [limits.take(BUCKET, RATE, NOON + 2 * MINUTE) for _ in range(4)] == [NONE] * 4


def test_looking_takes_nothing(limits: Allowances) -> None:
    """`wait` answers as `take` would."""
    for _ in range(5):
        assert limits.wait(BUCKET, RATE, NOON) == NONE
    for _ in range(4):
        limits.take(BUCKET, RATE, NOON)
    assert limits.wait(BUCKET, RATE, NOON) == 15 * SECOND
    assert limits.wait(b"c" * 32, RATE, NOON) == NONE


def test_one_a_day_is_one_a_day(limits: Allowances) -> None:
    """A rate of one remembers that something was done."""
    rate = Rate(1, timedelta(days=1))
    assert limits.take(BUCKET, rate, NOON) == NONE
    assert limits.take(BUCKET, rate, NOON + 23 * 60 * MINUTE) == 60 * MINUTE
    assert limits.take(BUCKET, rate, NOON + timedelta(days=1)) == NONE


def test_a_clock_that_was_put_back_locks_nobody_out(limits: Allowances) -> None:
    """A bucket that this clock never filled counts as full; a second's difference does not."""
    for _ in range(4):
        limits.take(BUCKET, RATE, NOON)
    assert limits.take(BUCKET, RATE, NOON - SECOND) == 16 * SECOND
    assert limits.take(BUCKET, RATE, NOON - timedelta(hours=1)) == NONE


def test_full_buckets_are_forgotten(limits: Allowances) -> None:
    """What is left in the table says nothing about yesterday."""
    limits.take(BUCKET, RATE, NOON)
    limits.take(b"c" * 32, RATE, NOON + MINUTE)
    assert limits.forget(NOON + MINUTE) == 1
    assert limits.forget(NOON + MINUTE) == 0
    assert limits.forget(NOON + 2 * MINUTE) == 1


def test_of_many_racing_for_the_last_only_as_many_get_it(kept: Kept) -> None:
    """Two processes, each with its own connections: a limit is one limit."""
    here, there = kept.allowances(), kept.allowances()
    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(lambda store: store.take(BUCKET, RATE, NOON), [here, there] * 8))
    assert sum(not wait for wait in waits) == 4
    assert all(NONE <= wait <= 15 * SECOND for wait in waits)
