"""The exporter: windows, padding, files, index, expiry, and being killed."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.authority.distribution.exporter import ExportHealth, ExportRun, Held
from bluezone_node.authority.settings import AuthoritySettings, ExportSettings
from bluezone_node.clock import SimClock
from bluezone_node.export.container import Export, open_verified
from bluezone_node.export.signature import SignatureState
from bluezone_node.intervals import interval_at
from bluezone_node.proximity.model import ReportType
from tests.authorities import NOW, MemoryExposures, MemoryShelf, Office, keys_of_days, seeded

HOUR = timedelta(hours=1)


def office_with(**export: int) -> Office:
    """Return an office that exports every hour and adds no made-up keys, unless told otherwise."""
    chosen = {"period_minutes": 60, "min_records": 0} | export
    return Office(AuthoritySettings(export=ExportSettings(**chosen)))  # type: ignore[arg-type]


def shelf_of(office: Office) -> MemoryShelf:
    assert isinstance(office.shelf, MemoryShelf)
    return office.shelf


def exports(office: Office) -> Iterator[Export]:
    """Yield the files on offer as a node reads them, in the order of the index."""
    now = interval_at(office.clock.now())
    for line in shelf_of(office).index():
        data = shelf_of(office).held[line.removeprefix("exports/")]
        export = open_verified(data, [office.export_key.public_key()], now_interval=now)
        assert export.signature is SignatureState.VERIFIED
        assert export.problems == ()
        yield export


def exported_keys(office: Office) -> list[bytes]:
    return [key.key for export in exports(office) for keys in export.key_batches() for key in keys]


def test_published_keys_reach_a_signed_file() -> None:
    """As they were published, sorted, once the window has aged."""
    office = office_with()
    office.exporter.run()
    assert shelf_of(office).index() == []
    keys = keys_of_days(1, 2, 3)
    office.publish(keys, "likely", NOW.date() - timedelta(days=2))
    office.pass_time(hours=2, minutes=29)
    office.exporter.run()
    assert shelf_of(office).index() == []
    office.pass_time(minutes=1)
    office.exporter.run()
    (export,) = exports(office)
    found = list(export.keys())
    assert [key.key for key in found] == sorted(key.key for key in keys)
    assert {key.report_type for key in found} == {ReportType.CONFIRMED_CLINICAL}
    assert {key.days_since_onset for key in found} == {-1, 0, 1}
    nine = datetime(2026, 3, 10, 9, tzinfo=UTC)
    start, end = int(nine.timestamp()), int((nine + HOUR).timestamp())
    assert (export.header.start_timestamp, export.header.end_timestamp) == (start, end)
    assert export.header.region == "VN"
    assert shelf_of(office).index() == [f"exports/{start}-{end}-00001.zip"]


def test_running_again_changes_nothing() -> None:
    """A second run draws nothing and writes nothing, not even the index."""
    office = office_with(min_records=10)
    office.publish(keys_of_days(1))
    office.pass_time(hours=5)
    assert office.exporter.run().written == 1
    files, writes = dict(shelf_of(office).held), shelf_of(office).writes
    assert office.exporter.run() == ExportRun(0, 0, 0)
    assert shelf_of(office).held == files
    assert shelf_of(office).writes == writes


@given(
    days=st.lists(st.integers(0, 13), min_size=1, max_size=14, unique=True),
    hours=st.integers(0, 40),
)
def test_every_key_is_exported_exactly_once(days: list[int], hours: int) -> None:
    """Whenever it was published, however old, embargoed or not."""
    office = office_with(period_minutes=240)
    office.exporter.run()
    office.pass_time(hours=hours)
    keys = keys_of_days(*days, now=office.clock.now())
    onset = office.clock.now().date() - timedelta(days=6)
    office.publish(keys, "confirmed", onset)
    for _ in range(12):
        office.pass_time(hours=5)
        office.exporter.run()
    assert sorted(exported_keys(office)) == sorted(key.key for key in keys)


def test_no_key_is_handed_out_within_two_hours_of_its_end() -> None:
    """Phones accept an identifier that long, so it could be played back to them."""
    office = office_with()
    keys = keys_of_days(0, 1)
    office.publish(keys)
    ends = {key.key: key.rolling_end * 600 for key in keys}
    seen: set[bytes] = set()
    for _ in range(150):
        office.pass_time(minutes=15)
        office.exporter.run()
        for key in set(exported_keys(office)) - seen:
            assert office.clock.now().timestamp() >= ends[key] + 7200
            seen.add(key)
    assert seen == set(ends)


def test_a_small_window_is_filled_with_keys_that_look_the_same() -> None:
    """At least the minimum, exactly as many as drawn, and nothing tells them apart."""
    office = office_with(min_records=100, padding_spread=10)
    keys = keys_of_days(1, 2, 3)
    office.publish(keys)
    office.pass_time(hours=5)
    office.exporter.run()
    (export,) = exports(office)
    found = list(export.keys())
    assert 100 <= len(found) < 110
    assert len({key.key for key in found}) == len(found)
    assert {key.key for key in keys} < {key.key for key in found}
    shapes = {(k.rolling_start, k.rolling_period, k.days_since_onset) for k in found}
    assert len(shapes) == 3
    stored = office.exposures
    assert isinstance(stored, MemoryExposures)
    assert all(len(row.owner) == 32 for row in stored.rows.values())


def test_all_of_the_filling_is_kept() -> None:
    """The store has every made-up key of the file: a lost file is made again, byte for byte."""
    office = office_with(min_records=1000)
    office.publish(keys_of_days(1))
    office.pass_time(hours=5)
    office.exporter.run()
    files = dict(shelf_of(office).held)
    shelf_of(office).held.clear()
    assert office.exporter.run().written == 1
    assert shelf_of(office).held == files


def test_an_empty_window_has_no_file_and_a_full_one_no_filling() -> None:
    """Nothing is made up where nothing is to be hidden, or enough is there."""
    office = office_with(min_records=3)
    office.publish(keys_of_days(1, 2, 3))
    office.pass_time(hours=30)
    assert office.exporter.run().written == 1
    assert len(exported_keys(office)) == 3


def test_a_large_window_is_split_into_files_with_distinct_times() -> None:
    """Phones skip a file whose times they have seen."""
    office = office_with(max_records=4)
    keys = keys_of_days(*range(1, 11))
    office.publish(keys, "confirmed", NOW.date() - timedelta(days=5))
    office.pass_time(hours=5)
    office.exporter.run()
    files = list(exports(office))
    assert [export.key_count for export in files] == [4, 4, 2]
    times = {(e.header.start_timestamp, e.header.end_timestamp) for e in files}
    assert len(times) == 3
    assert exported_keys(office) == sorted(key.key for key in keys)


def test_a_revision_goes_out_beside_and_after_the_key() -> None:
    """In its own window, with the new report; unpadded; and a revoked one says so."""
    office = office_with(min_records=20, max_records=500)
    keys = keys_of_days(1, 2)
    token = office.publish(keys, "likely").revision_token
    office.pass_time(hours=26)
    office.publish(keys, "negative", token=token)
    office.pass_time(hours=5)
    office.exporter.run()
    first, second = exports(office)
    assert first.key_count >= 20
    assert first.revised_key_count == 0
    revised = list(second.revised_keys())
    assert (second.key_count, len(revised)) == (0, 2)
    assert {key.report_type for key in revised} == {ReportType.REVOKED}
    assert [key.key for key in revised] == sorted(key.key for key in keys)


def test_a_key_created_and_revised_in_one_window_is_in_both_lists() -> None:
    """First as it was, then as it became, and across the files of a split."""
    office = office_with(max_records=3)
    keys = keys_of_days(1, 2)
    token = office.publish(keys, "likely").revision_token
    office.publish(keys, "confirmed", token=token)
    office.pass_time(hours=5)
    office.exporter.run()
    one, two = exports(office)
    assert (one.key_count, one.revised_key_count) == (2, 1)
    assert (two.key_count, two.revised_key_count) == (0, 1)
    first, then = next(one.key_batches()), next(two.revised_key_batches())
    assert {key.report_type for key in first} == {ReportType.CONFIRMED_CLINICAL}
    assert {key.report_type for key in then} == {ReportType.CONFIRMED_TEST}


@pytest.mark.parametrize("power", range(6))
def test_a_run_that_is_cut_short_is_finished_by_the_next(power: int) -> None:
    """After any write: in the end the files are those of a run that was not disturbed."""
    outcomes = []
    for limit in (None, power):
        office = office_with(max_records=3, min_records=8, padding_spread=1)
        office.publish(keys_of_days(1, 2), "confirmed")
        office.pass_time(hours=5)
        shelf_of(office).power = limit
        if limit is not None and limit < 4:
            with pytest.raises(OSError, match="power"):
                office.exporter.run()
        shelf_of(office).power = None
        office.exporter.run()
        outcomes.append(shelf_of(office).held)
    assert outcomes[0] == outcomes[1]
    assert len(outcomes[0]) == 4


def test_the_index_never_names_a_file_that_is_not_there() -> None:
    """It is written after the files, and mended when it was spoilt."""
    office = office_with()
    office.publish(keys_of_days(1))
    office.pass_time(hours=5)
    office.exporter.run()
    right = shelf_of(office).held["index.txt"]
    for wrong in (b"", b"exports/1-2-00001.zip\n"):
        shelf_of(office).held["index.txt"] = wrong
        office.exporter.run()
        assert shelf_of(office).held["index.txt"] == right


def test_files_and_keys_expire_after_two_weeks() -> None:
    """The line, the file and the keys go; strange files and the place to go on stay."""
    office = office_with()
    office.publish(keys_of_days(1))
    shelf_of(office).held["README"] = b"not ours"
    for _ in range(14):
        office.pass_time(hours=24)
        office.exporter.run()
    assert len(shelf_of(office).index()) == 1
    office.pass_time(hours=1)
    assert office.exporter.run().removed == 1
    assert shelf_of(office).index() == []
    assert shelf_of(office).names() == {"README"}
    counts = office.exposures.counts()
    assert counts.exposures == 0
    assert counts.newest_batch_end is not None


def test_an_orphaned_file_is_removed() -> None:
    """One of which no batch is known: it was on its way out when the power failed."""
    office = office_with()
    shelf_of(office).held["1-2-00001.zip"] = b"old"
    assert office.exporter.run().removed == 1
    assert shelf_of(office).names() == set()


def test_keys_from_before_the_first_run_are_exported() -> None:
    """The first run begins early enough for what is there."""
    office = office_with()
    keys = keys_of_days(1)
    office.publish(keys)
    office.pass_time(hours=30)
    office.exporter.run()
    assert exported_keys(office) == [keys[0].key]


def test_after_a_long_pause_every_window_is_made_up_for() -> None:
    """But not those whose files would have expired already."""
    office = office_with(period_minutes=240)
    office.exporter.run()
    office.pass_time(hours=24 * 40)
    assert office.exporter.run().windows == 14 * 6 - 1
    assert office.exporter.run().windows == 0


def test_a_changed_period_leaves_neither_gap_nor_overlap() -> None:
    """The first window under the new setting is a short one."""
    office = office_with(period_minutes=60)
    office.pass_time(hours=1)
    office.exporter.run()
    changed = Office(
        AuthoritySettings(export=ExportSettings(period_minutes=240)),
        clock=SimClock(NOW + 9 * HOUR),
        exposures=office.exposures,
        entropy=seeded(5),
    )
    changed.exporter.run()
    batches = office.exposures.batches()
    assert all(a.end == b.start for a, b in pairwise(batches))
    assert [b.end.hour for b in batches] == [8, 12, 16]


def test_a_clock_set_back_draws_nothing() -> None:
    """Before a window that has keys; then it goes on where it was, and says so until then."""
    office = office_with()
    office.publish(keys_of_days(1))
    office.pass_time(hours=5)
    office.exporter.run()
    files = dict(shelf_of(office).held)
    office.clock.jump(-timedelta(days=1))
    assert office.exporter.run() == ExportRun(0, 0, 0, Held.CLOCK_BEHIND)
    assert office.exporter.health().problems == ("clock_behind",)
    office.publish(keys_of_days(1, seed=2, now=office.clock.now()))
    assert shelf_of(office).held == files
    office.clock.jump(timedelta(days=1))
    office.pass_time(hours=5)
    assert office.exporter.run().held is None
    assert len(exported_keys(office)) == 2
    assert office.exporter.health().problems == ()


def test_a_year_that_was_never_there_costs_no_key() -> None:
    """What is on offer and what waits stays until somebody says that the clock is right."""
    office = office_with()
    office.publish(keys_of_days(1))
    office.pass_time(hours=5)
    office.exporter.run()
    office.publish(keys_of_days(1, seed=2))
    files = dict(shelf_of(office).held)
    office.clock.jump(timedelta(days=365))
    assert office.exporter.run() == ExportRun(0, 0, 0, Held.CLOCK_AHEAD)
    assert office.exporter.health().problems == ("late", "clock_ahead")
    assert shelf_of(office).held == files
    office.clock.jump(-timedelta(days=365))
    office.pass_time(hours=5)
    assert office.exporter.run().held is None
    assert len(exported_keys(office)) == 2


def test_a_true_pause_ends_when_somebody_says_so() -> None:
    """Then what is over goes, and the windows since are made up for."""
    office = office_with()
    office.publish(keys_of_days(1))
    office.pass_time(hours=5)
    office.exporter.run()
    office.pass_time(days=30)
    assert office.exporter.run().held is Held.CLOCK_AHEAD
    run = office.exporter.run(after_pause=True)
    assert (run.windows, run.removed, run.held) == (14 * 24 - 2, 1, None)
    assert shelf_of(office).index() == []
    assert office.exporter.run() == ExportRun(0, 0, 0)


@pytest.mark.parametrize("days", [1, 10, 400])
def test_windows_of_a_future_that_was_undone_are_opened_again(days: int) -> None:
    """Empty, they were seen by nobody; keys that come now are exported in hours, not in days."""
    office = office_with()
    office.exporter.run()
    office.clock.jump(timedelta(days=days))
    office.exporter.run()
    office.clock.jump(-timedelta(days=days))
    office.exporter.run()
    office.publish(keys_of_days(1))
    office.pass_time(hours=5)
    assert office.exporter.run().held is None
    assert len(exported_keys(office)) == 1


def test_keys_that_came_while_the_clock_was_ahead_are_not_late() -> None:
    """Its windows are undone, and with them the time that the keys would have waited."""
    office = office_with()
    office.exporter.run()
    keys = keys_of_days(1, 2)
    office.clock.jump(timedelta(days=10))
    office.exporter.run()
    office.publish(keys)
    office.clock.jump(-timedelta(days=10))
    office.exporter.run()
    office.pass_time(hours=5)
    office.exporter.run()
    assert sorted(exported_keys(office)) == sorted(key.key for key in keys)


@given(st.lists(st.integers(-50, 50), max_size=6), st.integers(0, 5))
def test_however_the_clock_steps_every_key_is_exported_once_it_is_right(
    steps: list[int], published: int
) -> None:
    """None lost, none twice, whatever the exporter did while the clock was wrong by hours."""
    office = office_with(period_minutes=240)
    office.exporter.run()
    keys = keys_of_days(1)
    office.publish(keys)
    for step in steps:
        office.clock.jump(timedelta(hours=step))
        office.exporter.run()
    office.clock.jump(-timedelta(hours=sum(steps)))
    for _ in range(4 * 6):
        office.pass_time(hours=4)
        office.exporter.run()
    late = keys_of_days(1, seed=2, now=office.clock.now())
    office.publish(late)
    office.pass_time(hours=8)
    office.exporter.run()
    assert sorted(exported_keys(office)) == sorted(key.key for key in [*keys, *late])
    assert office.exporter.health().problems == ()


def test_the_second_exporter_leaves_it_to_the_first() -> None:
    """It says so, and touches nothing."""
    office = office_with()
    office.publish(keys_of_days(1))
    office.pass_time(hours=5)
    with office.exposures.alone():
        assert office.exporter.run() == ExportRun(0, 0, 0, Held.BUSY)
    assert shelf_of(office).held == {}
    assert office.exporter.run().written == 1


def test_health_tells_what_is_on_offer_and_what_is_not() -> None:
    """Before anything, with keys that wait, late, exported, and with its shelf disturbed."""
    office = office_with(max_records=1)
    assert office.exporter.health() == ExportHealth(0, None, 0, 0, 0, True, 0, 0, None)
    office.publish(keys_of_days(1, 2), "confirmed")
    assert office.exporter.health().problems == ()
    assert office.exporter.health().waiting == 2
    office.pass_time(hours=3)
    assert office.exporter.health().late_seconds == 1800
    assert office.exporter.health().problems == ("late",)
    office.exporter.run()
    health = office.exporter.health()
    assert (health.windows, health.files, health.waiting) == (1, 2, 0)
    assert health.newest_end == datetime(2026, 3, 10, 10, tzinfo=UTC)
    names = shelf_of(office).files()
    assert health.bytes == sum(names.values()) > 0
    assert health.problems == ()
    shelf_of(office).remove(min(names))
    shelf_of(office).held["index.txt"] = b"\xff"
    assert office.exporter.health().problems == ("files_missing", "index_wrong")
    assert office.exporter.health().missing == 1
    office.exporter.run()
    assert office.exporter.health() == health
