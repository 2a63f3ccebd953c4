"""What the publisher's store promises, whatever it is made of."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from bluezone_node.authority.ports.exposures import Changes, Exposure, ExposureStore, Revision
from tests.authorities import MemoryExposures
from tests.kept import HOUR, NOON, SQL, Kept, adding, exposure, kept_in


@pytest.fixture(params=SQL)
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kept]:
    yield from kept_in(request, tmp_path)


@pytest.fixture(params=["memory", *SQL])
def keys(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ExposureStore]:
    if request.param == "memory":
        yield MemoryExposures()
    else:
        for kept in kept_in(request, tmp_path):
            yield kept.exposures()


def test_decide_sees_what_is_stored_and_nothing_else(keys: ExposureStore) -> None:
    """Of the keys asked for, those that are stored come back whole."""
    known = exposure(1, traveler=True, days_since_onset=None)
    keys.publish([known.key], adding(known))
    seen: list[Mapping[bytes, Exposure]] = []

    def look(stored: Mapping[bytes, Exposure], _drawn: datetime | None) -> Changes:
        seen.append(stored)
        return Changes()

    keys.publish([known.key, b"x" * 16], look)
    assert seen == [{known.key: known}]


def test_a_refused_publication_leaves_nothing(keys: ExposureStore) -> None:
    """Where the decision raises, the store is as before."""

    def refuse(_stored: Mapping[bytes, Exposure], _drawn: datetime | None) -> Changes:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        keys.publish([bytes(16)], refuse)
    assert keys.counts().exposures == 0


def test_racing_publications_of_one_key_store_it_once(kept: Kept) -> None:
    """Each decision sees all that was stored before it."""

    def add_if_new(stored: Mapping[bytes, Exposure], _drawn: datetime | None) -> Changes:
        return Changes() if stored else Changes(added=[exposure(1)])

    here, there = kept.exposures(), kept.exposures()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda keys: keys.publish([exposure(1).key], add_if_new), [here, there] * 8))
    assert here.counts().exposures == 1


def test_racing_publications_of_overlapping_keys_all_succeed(kept: Kept) -> None:
    """Whatever order the keys come in: none waits forever, each key is stored by one of them."""
    here, there = kept.exposures(), kept.exposures()

    def publish(store: ExposureStore, turn: int) -> int:
        numbers = [(turn * 5 + n * (-1) ** turn) % 12 for n in range(8)]

        def decide(stored: Mapping[bytes, Exposure], _drawn: datetime | None) -> Changes:
            mine = [exposure(n) for n in numbers]
            at = NOON + (turn + 1) * HOUR
            return Changes(
                added=[e for e in mine if e.key not in stored],
                revised=[
                    replace(e, revision=Revision("negative", turn, at))
                    for e in mine
                    if e.key in stored
                ],
            )

        return len(store.publish([exposure(n).key for n in numbers], decide).added)

    with ThreadPoolExecutor(8) as pool:
        added = list(pool.map(publish, [here, there] * 16, range(32)))
    assert sum(added) == here.counts().exposures == 12
