"""A day cut where nobody was heard, and dealt out to columns."""

from datetime import timedelta

from hypothesis import given

from bluezone_node.alerts import Moment, Nearness
from bluezone_node.commands.course import share, stretches
from tests.nearnesses import ANY_NEARNESS, START, TWICE


def moment(minute: float, metres: float = 1.0, seconds: float = 60.0) -> Moment:
    return Moment(START + timedelta(minutes=minute), seconds, metres, metres / 2, metres * 2)


def shown(course: list[Moment], columns: int, seconds: float = 60.0) -> list[float | None]:
    (stretch,) = stretches(course, 4)
    return [one.metres if one else None for one in stretch.columns(columns, seconds)]


def test_a_day_is_cut_at_its_long_silences() -> None:
    """Two meetings six hours apart are two stretches, each as long as it was."""
    morning, afternoon = stretches(TWICE.course, 4)
    assert (morning.seconds, afternoon.seconds) == (14 * 60, 25 * 60)
    assert afternoon.start - morning.end == 358 * 60


def test_a_short_break_belongs_to_the_meeting() -> None:
    """Ten silent minutes are shown as ten silent minutes."""
    assert shown([moment(0), moment(11)], 12) == [1.0, *[None] * 10, 1.0]


def test_of_many_silences_the_longest_are_cut() -> None:
    """Where there is no room for more stretches, the shorter silences stay in the picture."""
    course = [moment(at) for at in (0, 40, 140, 190, 500)]
    assert [len(part.moments) for part in stretches(course, 3)] == [2, 2, 1]


def test_minutes_dated_by_their_first_packet_are_no_gaps() -> None:
    """A scan whose first packet came late in its minute follows on the one before."""
    assert shown([moment(0), moment(1.9), moment(2.1)], 3) == [1.0, 1.0, 1.0]


def test_of_several_people_the_nearest_is_shown() -> None:
    """What matters of a minute is who was nearest in it."""
    assert shown([moment(0, 3.0), moment(0.2, 1.0), moment(1, 4.0)], 2) == [1.0, 4.0]


def test_a_moment_too_short_for_a_column_still_has_one() -> None:
    """Nothing that was heard is left out because the day was long."""
    found = shown([moment(0, seconds=1), moment(25, 2.0, seconds=1)], 2, 1500.0)
    assert found == [1.0, 2.0]


@given(ANY_NEARNESS)
def test_no_course_is_lost_or_leaves_its_columns(found: Nearness) -> None:
    """Every moment is in one stretch, and columns are as many as asked for, all told."""
    parts = stretches(found.course, 4)
    assert len(parts) <= 4
    assert sum(len(part.moments) for part in parts) == len(found.course)
    dealt = share(parts, 60, 11)
    assert sum(dealt) <= 60
    assert all(columns >= 11 for columns in dealt)
