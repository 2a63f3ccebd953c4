"""What the exporter's side of the publisher's database promises, whatever it is made of."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pytest

from bluezone_node.authority.ports.exposures import Changes, Exposure, ExposureStore, Revision
from bluezone_node.authority.ports.windows import ExportBatch, WindowStore
from tests.authorities import MemoryExposures
from tests.kept import HOUR, NOON, SQL, Kept, adding, exposure, kept_in


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


def keeping(
    start: datetime, end: datetime, *made_up: Exposure
) -> Callable[[Sequence[Exposure], int], tuple[Sequence[Exposure], ExportBatch]]:
    return lambda primary, revised: (
        made_up,
        ExportBatch(start, end, len(primary) + len(made_up) + revised, 500),
    )


def test_a_revision_is_kept_beside_what_was_first_said(sides: Sides) -> None:
    """A revised key keeps its first report and is found by the time of its revision."""
    known = exposure(1)
    revised = replace(known, revision=Revision("negative", None, NOON + 5 * HOUR))
    sides.publisher.publish([known.key], adding(known))
    sides.publisher.publish([known.key], lambda _stored, _drawn: Changes(revised=[revised]))
    assert sides.exporter.created_in(NOON, NOON + HOUR) == [revised]
    assert sides.exporter.revised_in(NOON, NOON + HOUR) == []
    assert sides.exporter.revised_in(NOON + 5 * HOUR, NOON + 6 * HOUR) == [revised]
    assert sides.publisher.counts().revised == 1


def test_windows_are_half_open_and_sorted_by_key(sides: Sides) -> None:
    """The start belongs to a window, the end to the next; arrival order does not show."""
    sides.publisher.publish(
        [], adding(exposure(3), exposure(1), exposure(2, 1), exposure(4, -0.01))
    )
    assert [e.key[0] for e in sides.exporter.created_in(NOON, NOON + HOUR)] == [1, 3]
    assert sides.exporter.oldest_created() == exposure(4, -0.01).created.replace(microsecond=0)


def test_a_window_is_drawn_once(sides: Sides) -> None:
    """The first drawing counts: its made-up keys and its batch stay, a second does nothing."""
    sides.publisher.publish([], adding(exposure(1)))
    sides.exporter.draw_batch(NOON, NOON + HOUR, keeping(NOON, NOON + HOUR, exposure(2)))
    sides.exporter.draw_batch(NOON, NOON + HOUR, keeping(NOON, NOON + HOUR, exposure(3)))
    assert [e.key[0] for e in sides.exporter.created_in(NOON, NOON + HOUR)] == [1, 2]
    assert sides.exporter.batches() == [ExportBatch(NOON, NOON + HOUR, 2, 500)]
    assert sides.publisher.counts().newest_batch_end == NOON + HOUR


def test_decide_is_told_up_to_when_windows_are_drawn(sides: Sides) -> None:
    """A key must not arrive in a window that was drawn, so the decision knows its end."""
    told: list[datetime | None] = []

    def note(_stored: Mapping[bytes, Exposure], drawn: datetime | None) -> Changes:
        told.append(drawn)
        return Changes()

    sides.publisher.publish([], note)
    sides.exporter.draw_batch(NOON, NOON + HOUR, keeping(NOON, NOON + HOUR))
    sides.publisher.publish([], note)
    assert told == [None, NOON + HOUR]


def test_old_keys_and_batches_are_forgotten_but_not_the_newest(sides: Sides) -> None:
    """What was revised since stays, and the newest batch says where to go on."""
    revision = Revision("negative", 0, NOON + 2 * HOUR)
    sides.publisher.publish([], adding(exposure(1), exposure(2, revision=revision), exposure(3, 1)))
    for n in range(2):
        start = NOON + n * HOUR
        sides.exporter.draw_batch(start, start + HOUR, keeping(start, start + HOUR))
    assert sides.exporter.forget(NOON + HOUR) == 1
    assert [batch.start for batch in sides.exporter.batches()] == [NOON + HOUR]
    assert sides.exporter.forget(NOON + 30 * HOUR) == 2
    assert [batch.start for batch in sides.exporter.batches()] == [NOON + HOUR]


def test_of_many_racing_draws_of_a_window_one_counts(kept: Kept) -> None:
    """Two exporters at once make up keys once, and both know the batch afterwards."""
    here, there = kept.windows(), kept.windows()
    kept.exposures().publish([], adding(exposure(1)))
    with ThreadPoolExecutor(8) as pool:
        list(
            pool.map(
                lambda store, n: store.draw_batch(
                    NOON, NOON + HOUR, keeping(NOON, NOON + HOUR, exposure(n))
                ),
                [here, there] * 8,
                range(2, 18),
            )
        )
    assert len(here.created_in(NOON, NOON + HOUR)) == 2
    assert here.batches() == there.batches() == [ExportBatch(NOON, NOON + HOUR, 2, 500)]


def test_no_publication_slips_into_a_window_while_it_is_drawn(kept: Kept) -> None:
    """Whoever publishes beside a drawing is counted in it, or is told that it is over."""
    here, there = kept.exposures(), kept.windows()
    counted: list[int] = []

    def publish(number: int) -> None:
        def decide(_stored: Mapping[bytes, Exposure], drawn: datetime | None) -> Changes:
            return Changes(added=[exposure(number, 1 if drawn else 0)])

        here.publish([exposure(number).key], decide)

    def draw(primary: Sequence[Exposure], _revised: int) -> tuple[list[Exposure], ExportBatch]:
        counted.append(len(primary))
        return [], ExportBatch(NOON, NOON + HOUR, 1, 500)

    with ThreadPoolExecutor(8) as pool:
        before = [pool.submit(publish, number) for number in range(1, 9)]
        drawing = pool.submit(there.draw_batch, NOON, NOON + HOUR, draw)
        after = [pool.submit(publish, number) for number in range(9, 17)]
        for done in (*before, drawing, *after):
            done.result()
    assert counted == [len(there.created_in(NOON, NOON + HOUR))]
    assert here.counts().exposures == 16
