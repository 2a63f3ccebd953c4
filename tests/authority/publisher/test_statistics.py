"""What is counted of uploads, and what of it may be told."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.authority.ports.tally import DayCount
from bluezone_node.authority.publisher.statistics import (
    EMBARGO,
    LEAST_UPLOADS,
    Statistics,
    released,
)
from bluezone_node.crypto.keys import TemporaryExposureKey
from bluezone_node.intervals import midnight
from tests.authorities import NOW, Office, keys_of_days

TODAY = NOW.date()


def counted(office: Office) -> dict[str, int]:
    return {count.event: count.count for count in office.exposures.days(TODAY, TODAY)}  # type: ignore[attr-defined]


def test_an_upload_is_counted_with_the_age_of_its_keys() -> None:
    """By the day of each key, and once by how long after the onset it came."""
    office = Office()
    office.publish(keys_of_days(0, 1, 14), onset=TODAY - timedelta(days=3))
    assert counted(office) == {
        "uploads": 1,
        "keys": 3,
        "key_age_00": 1,
        "key_age_01": 1,
        "key_age_14": 1,
        "onset_to_upload_03": 1,
    }


def test_an_unknown_onset_is_counted_as_such() -> None:
    """The onset that is assumed then is nobody's."""
    office = Office()
    office.publish(keys_of_days(1))
    assert counted(office)["uploads_without_onset"] == 1


def test_what_changed_nothing_is_not_counted() -> None:
    """The same upload again, a negative report, a refused one: no count tells them apart."""
    office = Office()
    upload = office.upload(keys_of_days(1, 2))
    office.publisher.publish(upload)
    before = counted(office)
    office.publisher.publish(upload)
    office.publish(keys_of_days(3, seed=2), "negative")
    assert counted(office) == before


def test_a_revision_is_counted_apart() -> None:
    """Its keys are not new."""
    office = Office()
    keys = keys_of_days(1, 2)
    token = office.publish(keys, "likely").revision_token
    more: list[TemporaryExposureKey] = [*keys, *keys_of_days(3, seed=5)]
    office.publish(more, "confirmed", token=token)
    found = counted(office)
    assert (found["uploads"], found["keys"], found["keys_revised"]) == (2, 3, 2)


UPLOADS = DayCount(date(2026, 3, 7), "VN-HN", "uploads", LEAST_UPLOADS)
KEYS = replace(UPLOADS, event="keys", count=3)


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ([UPLOADS, KEYS], [UPLOADS, KEYS]),
        ([replace(UPLOADS, count=LEAST_UPLOADS - 1), KEYS], []),
        ([UPLOADS, replace(KEYS, realm="VN-SG")], [UPLOADS]),
        ([UPLOADS, replace(KEYS, day=date(2026, 3, 6))], [UPLOADS]),
        ([replace(UPLOADS, event="keys", count=100)], []),
    ],
)
def test_few_are_not_told_of(counts: list[DayCount], told: list[DayCount]) -> None:
    """Ten uploads of this province on this day, or nothing at all of it."""
    assert released(counts, NOW) == told


def test_a_day_is_told_of_two_days_after_its_end() -> None:
    """Not a second sooner."""
    end = midnight(UPLOADS.day) + timedelta(days=1)
    assert released([UPLOADS], end + EMBARGO) == [UPLOADS]
    assert released([UPLOADS], end + EMBARGO - timedelta(seconds=1)) == []


@given(
    st.lists(
        st.builds(
            DayCount,
            st.dates(date(2026, 3, 1), date(2026, 3, 10)),
            st.sampled_from(["", "a", "b"]),
            st.sampled_from(["uploads", "keys"]),
            st.integers(1, 30),
        ),
        unique_by=lambda count: (count.day, count.realm, count.event),
    )
)
def test_nothing_is_told_that_may_not_be(counts: list[DayCount]) -> None:
    """Whatever was counted: all that is told is of many, and long ago."""
    uploads = {(c.day, c.realm): c.count for c in counts if c.event == "uploads"}
    for count in released(counts, NOW):
        assert uploads[count.day, count.realm] >= LEAST_UPLOADS
        assert NOW - midnight(count.day) >= EMBARGO + timedelta(days=1)


def test_the_service_tells_what_may_be_told() -> None:
    """Counted by publishing, released by the clock."""
    office = Office()
    statistics = Statistics(office.exposures, office.clock)  # type: ignore[arg-type]
    for n in range(LEAST_UPLOADS):
        office.publish(keys_of_days(1, seed=n))
    assert statistics.days(TODAY, TODAY) == []
    office.pass_time(days=3)
    assert DayCount(TODAY, "VN", "keys", LEAST_UPLOADS) in statistics.days(TODAY, TODAY)
