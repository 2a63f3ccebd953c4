"""What the exporter's side of the publisher's database promises, whatever it is made of."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pytest

from bluezone_node.authority.ports.exposures import Changes, Exposure, ExposureStore, Revision
from bluezone_node.authority.ports.windows import ExportBatch, WindowStore
from tests.authorities import MemoryExposures, first_row, revised_row
from tests.kept import HOUR, NOON, SQL, Kept, adding, exposure, kept_in, rows_of


@dataclass(frozen=True)
class Sides:
    """Both sides of one database."""

    publisher: ExposureStore
    exporter: WindowStore


@pytest.fixture(params=SQL)
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kept]:
    yield from kept_in(request, tmp_path)


@pytest.fixture(params=["memory", *SQL])
def sides(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sides]:
    if request.param == "memory":
        memory = MemoryExposures()
        yield Sides(memory, memory)
    else:
        for kept in kept_in(request, tmp_path):
            yield Sides(kept.exposures(), kept.windows())


def batch(hours: float = 0, files: int | None = None) -> ExportBatch:
    """Return the window of an hour that begins *hours* after noon, two records to a file."""
    return ExportBatch(NOON + hours * HOUR, NOON + (hours + 1) * HOUR, files, 2)


def nothing(_real: Sequence[Exposure]) -> Sequence[Exposure]:
    return ()


def keys_in(store: WindowStore, hours: float = 0) -> list[int]:
    """Return the first bytes of the keys created in the hour that begins *hours* after noon."""
    start = NOON + hours * HOUR
    return [row[0][0] for row in rows_of(store.created_in(start, start + HOUR))]


def test_a_revision_is_kept_beside_what_was_first_said(sides: Sides) -> None:
    """A revised key keeps its first report and is found by the time of its revision."""
    known = exposure(1)
    revised = replace(known, revision=Revision("negative", None, NOON + 5 * HOUR))
    sides.publisher.publish([known.key], adding(known))
    sides.publisher.publish([known.key], lambda _stored, _drawn: Changes(revised=[revised]))
    exporter = sides.exporter
    assert rows_of(exporter.created_in(NOON, NOON + HOUR)) == [first_row(known)]
    assert rows_of(exporter.revised_in(NOON, NOON + HOUR)) == []
    then = NOON + 5 * HOUR
    assert rows_of(exporter.revised_in(then, then + HOUR)) == [revised_row(revised)]
    assert sides.publisher.counts().revised == 1


def test_windows_are_half_open_and_sorted_by_key(sides: Sides) -> None:
    """The start belongs to a window, the end to the next; arrival order does not show."""
    sides.publisher.publish(
        [], adding(exposure(3), exposure(1), exposure(2, 1), exposure(4, -0.01))
    )
    assert keys_in(sides.exporter) == [1, 3]
    assert sides.exporter.oldest_created() == exposure(4, -0.01).created.replace(microsecond=0)


def test_a_window_of_any_size_comes_in_order(sides: Sides) -> None:
    """However many reads it takes: each key once, ascending."""
    many = [exposure(n % 200, key=n.to_bytes(16, "little")) for n in range(4_500)]
    sides.publisher.publish([], adding(*many))
    rows = rows_of(sides.exporter.created_in(NOON, NOON + HOUR))
    assert rows == sorted(map(first_row, many))


def test_a_window_is_drawn_once(sides: Sides) -> None:
    """The first drawing counts: its made-up keys and its batch stay, a second does nothing."""
    sides.publisher.publish([], adding(exposure(1), exposure(5)))
    for number in (2, 3):
        sides.exporter.draw(batch(), 3, lambda _real, n=number: [exposure(n)])  # type: ignore[misc]
    assert keys_in(sides.exporter) == [1, 2, 5]
    assert sides.exporter.batches() == [batch()]
    assert sides.publisher.counts().newest_batch_end == NOON + HOUR
    sides.exporter.settle()
    sides.exporter.settle()
    assert sides.exporter.batches() == [batch(files=2)]


def test_only_a_window_with_too_few_keys_is_filled(sides: Sides) -> None:
    """Neither an empty one nor one with enough; whoever fills sees what is to be hidden."""
    seen: list[list[Exposure]] = []

    def fill(real: Sequence[Exposure]) -> Sequence[Exposure]:
        seen.append(list(real))
        return [exposure(9, 2)]

    sides.publisher.publish([], adding(exposure(1), exposure(2), exposure(3, 2)))
    for hours in range(3):
        sides.exporter.draw(batch(hours), 2, fill)
    assert seen == [[exposure(3, 2)]]
    assert keys_in(sides.exporter, 2) == [3, 9]


def test_keys_and_revisions_are_counted_into_files(sides: Sides) -> None:
    """A key that is created and revised in one window is a record of each."""
    revision = Revision("negative", 0, NOON)
    added = [exposure(n, revision=revision if n < 2 else None) for n in range(3)]
    sides.publisher.publish([], adding(*added))
    for hours in (0, 1):
        sides.exporter.draw(batch(hours), 0, nothing)
    sides.exporter.settle()
    assert sides.exporter.batches() == [batch(files=3), batch(1, files=0)]


def test_what_waits_is_counted_since_a_window(sides: Sides) -> None:
    """Keys that no window has yet, and revisions of those that one has."""
    revision = Revision("negative", 0, NOON + 2 * HOUR)
    sides.publisher.publish([], adding(exposure(1), exposure(2, revision=revision), exposure(3, 1)))
    assert sides.exporter.waiting(None) == 3
    assert sides.exporter.waiting(NOON + HOUR) == 2
    assert sides.exporter.waiting(NOON + 3 * HOUR) == 0


def test_empty_windows_of_the_future_are_opened_again(sides: Sides) -> None:
    """Back to the last that has keys; what ended before stays."""
    sides.publisher.publish([], adding(exposure(1, 1)))
    for hours in range(4):
        sides.exporter.draw(batch(hours), 0, nothing)
    assert sides.exporter.withdraw(NOON) == 0
    sides.exporter.settle()
    assert sides.exporter.withdraw(NOON + 4 * HOUR) == 0
    assert sides.exporter.withdraw(NOON + 3 * HOUR) == 1
    assert sides.exporter.withdraw(NOON) == 1
    assert sides.exporter.batches() == [batch(files=0), batch(1, files=1)]


def test_keys_that_came_from_the_future_are_taken_to_have_come_now(sides: Sides) -> None:
    """Not before their identifiers are stale; those that wait for good reason are left alone."""
    then = NOON + 240 * HOUR
    noon = int(NOON.timestamp()) // 600
    revision = Revision("negative", None, then)
    sides.publisher.publish(
        [],
        adding(
            exposure(1, created=then, rolling_start=noon - 144, revision=revision),
            exposure(2, created=then, rolling_start=noon - 72),
            exposure(3, created=then, rolling_start=noon + 144),
            exposure(4, 26, rolling_start=noon - 72),
        ),
    )
    sides.exporter.draw(batch(239), 0, nothing)
    sides.exporter.settle()
    assert sides.exporter.withdraw(NOON) == 1
    assert keys_in(sides.exporter) == [1]
    (revised,) = rows_of(sides.exporter.revised_in(NOON, NOON + HOUR))
    assert revised[0][0] == 1
    assert keys_in(sides.exporter, 26) == [2, 4]
    assert keys_in(sides.exporter, 240) == [3]


def test_one_exporter_has_a_database_alone(kept: Kept) -> None:
    """The second is told at once, and may go on when the first is done, however it ended."""
    here, there = kept.windows(), kept.windows()

    def fail() -> None:
        with here.alone() as first:
            assert first
            with there.alone() as second:
                assert not second
            raise RuntimeError("over")

    with pytest.raises(RuntimeError, match="over"):
        fail()
    with there.alone() as second:
        assert second


def test_drawing_waits_for_nobody_who_reads(kept: Kept) -> None:
    """While a window is being read, publications go on and others are drawn."""
    here, there = kept.windows(), kept.windows()
    many = [exposure(n % 200, key=n.to_bytes(16, "little")) for n in range(4_500)]
    kept.exposures().publish([], adding(*many))
    reading = here.created_in(NOON, NOON + HOUR)
    next(reading)
    there.draw(batch(), 0, nothing)
    kept.exposures().publish([], adding(exposure(7, 1)))
    assert sum(map(len, reading)) < 4_500


def test_decide_is_told_up_to_when_windows_are_drawn(sides: Sides) -> None:
    """A key must not arrive in a window that was drawn, so the decision knows its end."""
    told: list[datetime | None] = []

    def note(_stored: Mapping[bytes, Exposure], drawn: datetime | None) -> Changes:
        told.append(drawn)
        return Changes()

    sides.publisher.publish([], note)
    sides.exporter.draw(batch(), 0, nothing)
    sides.publisher.publish([], note)
    assert told == [None, NOON + HOUR]


def test_old_keys_and_batches_are_forgotten_but_not_the_newest(sides: Sides) -> None:
    """What was revised since stays, and the newest batch says where to go on."""
    revision = Revision("negative", 0, NOON + 2 * HOUR)
    sides.publisher.publish([], adding(exposure(1), exposure(2, revision=revision), exposure(3, 1)))
    for n in range(2):
        sides.exporter.draw(batch(n), 0, nothing)
    assert sides.exporter.forget(NOON + HOUR) == 1
    assert [batch.start for batch in sides.exporter.batches()] == [NOON + HOUR]
    assert sides.exporter.forget(NOON + 30 * HOUR) == 2
    assert [batch.start for batch in sides.exporter.batches()] == [NOON + HOUR]


def test_many_keys_are_forgotten(kept: Kept) -> None:
    """Some at a time, until all are gone; and none of another origin."""
    many = [exposure(n % 200, key=n.to_bytes(16, "little")) for n in range(5_001)]
    kept.exposures().publish([], adding(*many, exposure(9, 5)))
    assert kept.windows("laos").forget(NOON + HOUR) == 0
    assert kept.windows().forget(NOON + HOUR) == 5_001
    assert kept.exposures().counts().exposures == 1


def test_of_many_racing_draws_of_a_window_one_counts(kept: Kept) -> None:
    """Two exporters at once make up keys once, and both know the batch afterwards."""
    here, there = kept.windows(), kept.windows()
    kept.exposures().publish([], adding(exposure(1)))

    def draw(store: WindowStore, number: int) -> None:
        store.draw(batch(), 2, lambda _real: [exposure(number)])
        store.settle()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(draw, [here, there] * 8, range(2, 18)))
    assert len(keys_in(here)) == 2
    assert here.batches() == there.batches() == [batch(files=1)]


def test_no_publication_slips_into_a_window_that_was_drawn(kept: Kept) -> None:
    """Whoever publishes beside a drawing is counted in it, or is told that it is over."""
    here, there = kept.exposures(), kept.windows()

    def publish(number: int) -> None:
        def decide(_stored: Mapping[bytes, Exposure], drawn: datetime | None) -> Changes:
            return Changes(added=[exposure(number, 1 if drawn else 0)])

        here.publish([exposure(number).key], decide)

    def draw() -> None:
        there.draw(batch(), 0, nothing)
        there.settle()

    with ThreadPoolExecutor(8) as pool:
        before = [pool.submit(publish, number) for number in range(1, 9)]
        drawing = pool.submit(draw)
        after = [pool.submit(publish, number) for number in range(9, 17)]
        for done in (*before, drawing, *after):
            done.result()
    assert there.batches() == [batch(files=-(-len(keys_in(there)) // 2))]
    assert here.counts().exposures == 16
