"""What bundles tell of registers that were opened: to their visitors, and to nobody else."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bluezone_node.authority.ports.register import AnswerPart
from bluezone_node.store.authority.warrants import SqlWarrants
from bluezone_node.venues.bundle import SIZES, Bundle, padded_marks, read_bundle
from bluezone_node.venues.register import opened_mark
from tests.kept import SQL, Kept, kept_in
from tests.outbreaks import NOW, Outbreaks
from tests.venues.places import seeded

ROWS = [bytes([number]) * 16 for number in range(3)]


@pytest.fixture(params=SQL)
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kept]:
    yield from kept_in(request, tmp_path)


def newest(outbreaks: Outbreaks) -> Bundle:
    name = sorted(each for each in outbreaks.files() if each[0].isdecimal())[-1]
    data = (outbreaks.folder / name).read_bytes()
    return read_bundle(data, outbreaks.keys.trust_list())


def test_the_next_bundle_tells_once_of_what_was_opened(kept: Kept, tmp_path: Path) -> None:
    """Each row by its mark in that bundle, among made-up ones; the bundle after has none."""
    engine = kept.registry_engine()
    outbreaks, warrants = Outbreaks(engine, tmp_path / "shelf"), SqlWarrants(engine)
    assert outbreaks.bundles.run().drawn == 1
    assert outbreaks.bundles.run().drawn is None
    for part, rows in enumerate((ROWS[:2], ROWS[2:])):
        ids = b"".join(rows)
        warrants.add_part(AnswerPart(b"w" * 16, "", part, part == 1, NOW, 1, b"rows", ids))
    assert outbreaks.bundles.run().drawn == 2
    told = newest(outbreaks)
    assert {opened_mark(row, 2) for row in ROWS} < set(told.opened)
    assert len(told.opened) == SIZES[0]
    assert outbreaks.bundles.run().drawn is None
    assert all(part.untold is None for part in warrants.parts(b"w" * 16))
    outbreaks.clock.advance(timedelta(days=1).total_seconds())
    assert outbreaks.bundles.run().drawn == 3
    assert not {opened_mark(row, 3) for row in ROWS} & set(newest(outbreaks).opened)


def test_the_number_of_marks_tells_little() -> None:
    """None and sixteen look the same; more than the largest size are all told."""
    entropy = seeded(3)
    many = [number.to_bytes(16) for number in range(SIZES[-1] + 1)]
    sizes = [len(padded_marks(many[:count], 1, entropy)) for count in (0, 16, 17, len(many))]
    assert sizes == [16, 16, 64, 2 * SIZES[-1]]
