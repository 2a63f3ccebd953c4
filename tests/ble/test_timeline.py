"""Simulated time that others announce."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.ble.timeline import PacedClock, Segment, Timeline
from tests.patience import PATIENCE

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)

paces = st.floats(0.1, 20_000)


@given(st.lists(st.tuples(st.floats(0.001, 1000), paces), max_size=6), st.floats(0, 5000))
def test_a_timeline_and_its_inverse_agree(changes: list[tuple[float, float]], after: float) -> None:
    """``wall_at`` undoes ``at`` through any number of changes of pace."""
    line = Timeline((Segment(100.0, 0.0, 1.0),))
    wall = 100.0
    for gap, pace in changes:
        wall += gap
        line = line.with_pace(wall, pace)
    assert line.wall_at(line.at(100.0 + after)) == pytest.approx(100.0 + after, abs=1e-6)


@given(st.lists(st.tuples(st.floats(0.001, 1000), paces), min_size=1, max_size=6))
def test_time_never_goes_back_when_the_pace_changes(changes: list[tuple[float, float]]) -> None:
    """Each change continues from where the line was, however the changes are ordered."""
    line = Timeline((Segment(0.0, 0.0, 60.0),))
    for wall, pace in changes:
        changed = line.with_pace(wall, pace)
        assert changed.at(wall) == pytest.approx(line.at(wall))
        assert changed.at(wall + 1) - changed.at(wall) == pytest.approx(pace, rel=1e-6)
        line = changed
    samples = [line.at(7000 * step / 50) for step in range(50)]
    assert samples == sorted(samples)
    assert line.since(1e9).segments == line.segments[-1:]


async def test_a_paced_clock_runs_at_its_pace() -> None:
    """A minute at pace 6 000 is ten milliseconds of the wall, and no less."""
    clock = PacedClock(Timeline((Segment(time.monotonic(), START.timestamp(), 6000.0),)))
    wall, simulated = time.monotonic(), clock.monotonic()
    await clock.sleep(60)
    assert clock.monotonic() - simulated >= 60
    assert time.monotonic() - wall >= 0.0099
    assert clock.now() >= START + timedelta(seconds=60)


async def test_a_change_of_pace_reaches_those_who_sleep() -> None:
    """Whoever lay down for an hour at pace 1 wakes at once when time is made to run."""
    line = Timeline((Segment(time.monotonic(), START.timestamp(), 1.0),))
    clock = PacedClock(line)
    sleeping = asyncio.ensure_future(clock.sleep(3600))
    await asyncio.sleep(0)
    clock.announce(line.with_pace(time.monotonic(), 1e6))
    async with asyncio.timeout(PATIENCE):
        await sleeping
    assert clock.now() >= START + timedelta(hours=1)


async def test_letting_go_of_a_paced_clock_releases_its_source_once_asked() -> None:
    """``close`` tells the source; the clock itself still answers."""
    released: list[bool] = []

    async def release() -> None:
        released.append(True)

    clock = PacedClock(Timeline((Segment(time.monotonic(), 0.0, 1.0),)), release=release)
    await clock.close()
    assert released
    assert clock.now().tzinfo is UTC
