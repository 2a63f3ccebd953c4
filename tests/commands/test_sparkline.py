"""The encounter in a line of the terminal."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given

from bluezone_node.alerts import Moment, Nearness
from bluezone_node.commands.sparkline import WIDTH, sparkline
from tests.nearnesses import ANY_NEARNESS, SAT, START, TWICE, in_vietnam, met


@pytest.fixture(autouse=True)
def _in_vietnam() -> Iterator[None]:
    with in_vietnam():
        yield


def at(*metres: float | None) -> Nearness:
    """Return an encounter that was so many metres far, minute by minute; None: not heard."""
    return replace(
        SAT,
        course=tuple(
            Moment(START + timedelta(minutes=minute), 60, distance, distance / 2, distance * 2)
            for minute, distance in enumerate(metres)
            if distance is not None
        ),
    )


def test_the_nearer_the_higher_and_silence_is_blank() -> None:
    """A column a minute, a block by the distance, the times of beginning and end below."""
    lines, _ = sparkline(at(9, 3, 2.3, 2, 1.5, 1.2, 1, 0.5, None, None, 2.1))
    assert lines == ["▁▂▃▄▅▆▇█  ▃", "08:02–08:13"]


def test_the_legend_names_the_blocks_of_one_and_two_metres() -> None:
    """What the legend says of a block is what the block stands for."""
    lines, (vietnamese, english) = sparkline(at(1.0, 1.01, 2.0, 2.01))
    assert lines[0] == "▇▆▄▃".ljust(len(lines[0])).rstrip()
    assert "▇█ trong vòng 1 m   ▄▅▆ 1–2 m   ▁▂▃ xa hơn" in vietnamese
    assert "▇█ within 1 m   ▄▅▆ 1–2 m   ▁▂▃ farther" in english


def test_a_long_silence_is_cut_out() -> None:
    """Each meeting stands above its own times."""
    blocks, times = sparkline(TWICE)[0]
    assert blocks.count(" ⋯ ") == 1
    assert times.split() == ["08:02–08:16", "14:14–14:39"]
    assert blocks.index("⋯") + 2 == times.index("14:14")


def test_a_day_fits_the_line() -> None:
    """Ten hours take no more columns than there are."""
    lines, _ = sparkline(met(dict.fromkeys(range(600), 1.5)))
    assert [len(lines[0]), lines[1]] == [WIDTH, "08:02–18:02"]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "no-such-encoding"])
def test_a_terminal_without_blocks_gets_plain_letters(encoding: str) -> None:
    """What cannot be shown is not printed; the legend speaks of what is."""
    lines, (vietnamese, english) = sparkline(at(1, 1.5, 3, None, 0.5), encoding)
    assert lines == ["#+. #", "08:02-08:07"]
    assert vietnamese.startswith("# trong vòng 1 m")
    assert english.startswith("# within 1 m")


@given(ANY_NEARNESS)
def test_any_course_fits(found: Nearness) -> None:
    """Two lines of bounded length, or none where there is nothing to show."""
    lines, _ = sparkline(found)
    assert len(lines) == (2 if found.course else 0)
    assert all(0 < len(line) <= WIDTH for line in lines)
