"""Publications that share a transaction: each as if it were alone."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest

from bluezone_node.authority.ports.exposures import Changes, Exposure, ExposureStore, Revision
from bluezone_node.authority.ports.tally import Counted, DayCount
from bluezone_node.store.authority.exposure_tables import daily_counts
from bluezone_node.store.authority.exposures import SqlExposures
from bluezone_node.store.authority.gathered import Publication
from bluezone_node.store.authority.tally import SqlTally
from tests.kept import HOUR, NOON, SQL, Kept, exposure, kept_in, rows_of

DAY = date(2026, 3, 10)
UPLOAD = Counted(DAY, "VN", {"uploads": 1, "keys": 2})


@pytest.fixture(params=SQL)
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kept]:
    yield from kept_in(request, tmp_path)


def once(number: int, **counted: int) -> Publication:
    """Return the publication of one key, as new only where it is not there."""

    def decide(stored: Mapping[bytes, Exposure], _drawn: datetime | None) -> Changes:
        if stored:
            return Changes(unchanged=[*stored.values()])
        return Changes([exposure(number)], counted=Counted(DAY, "VN", counted))

    return Publication([exposure(number).key], decide)


def refused(number: int) -> Publication:
    def decide(_stored: Mapping[bytes, Exposure], _drawn: datetime | None) -> Changes:
        raise ValueError("no")

    return Publication([exposure(number).key], decide)


def sql(store: ExposureStore) -> SqlExposures:
    assert isinstance(store, SqlExposures)
    return store


def counts_of(store: ExposureStore) -> list[DayCount]:
    return SqlTally(sql(store)._engine, daily_counts).days(DAY, DAY)


def test_the_refusal_of_one_is_not_the_others(kept: Kept) -> None:
    """They are written, and each is told its own outcome."""
    store = sql(kept.exposures())
    group = [once(1), refused(2), once(3)]
    store._write(group)
    first, second, third = (publication.outcome for publication in group)
    assert first == Changes([exposure(1)], counted=Counted(DAY, "VN", {}))
    assert isinstance(second, ValueError)
    assert third == Changes([exposure(3)], counted=Counted(DAY, "VN", {}))
    assert store.counts().exposures == 2


def test_the_second_of_one_group_sees_the_first(kept: Kept) -> None:
    """A retry that overtook the answer, beside what it repeats: stored once."""
    store = sql(kept.exposures())
    group = [once(1), once(1)]
    store._write(group)
    assert group[1].outcome == Changes(unchanged=[exposure(1)])
    assert store.counts().exposures == 1


def test_a_key_is_added_and_revised_in_one_group(kept: Kept) -> None:
    """It arrives with its revision."""
    store = sql(kept.exposures())
    revision = Revision("confirmed", 0, NOON + HOUR)

    def revise(stored: Mapping[bytes, Exposure], _drawn: datetime | None) -> Changes:
        return Changes(revised=[replace(known, revision=revision) for known in stored.values()])

    store._write([once(1), Publication([exposure(1).key], revise)])
    assert len(rows_of(kept.windows().revised_in(NOON, NOON + 2 * HOUR))) == 1


def test_a_group_that_was_overtaken_decides_again(kept: Kept) -> None:
    """Another process stored a key meanwhile: nothing is lost, and nothing counted twice."""
    here, there = sql(kept.exposures()), sql(kept.exposures())
    asked: list[int] = []

    def decide(stored: Mapping[bytes, Exposure], _drawn: datetime | None) -> Changes:
        asked.append(len(stored))
        if not stored and len(asked) == 1 and here._engine.dialect.name == "postgresql":
            there._write([once(1, uploads=1)])
        if stored:
            return Changes(unchanged=[*stored.values()])
        return Changes([exposure(1)], counted=Counted(DAY, "VN", {"uploads": 1}))

    group = [once(2, uploads=1), Publication([exposure(1).key], decide), refused(3)]
    here._write(group)
    assert isinstance(group[2].outcome, ValueError)
    assert here.counts().exposures == 2
    assert counts_of(here) == [DayCount(DAY, "VN", "uploads", 2)]


def test_counts_are_written_with_what_is_counted(kept: Kept) -> None:
    """From two processes at once: none is lost, and a refused upload leaves none."""
    here, there = kept.exposures(), kept.exposures()

    def publish(store: ExposureStore, number: int) -> None:
        def decide(_stored: Mapping[bytes, Exposure], _drawn: datetime | None) -> Changes:
            if number % 4 == 0:
                raise ValueError("no")
            return Changes([exposure(number)], counted=UPLOAD)

        if number % 4 == 0:
            with pytest.raises(ValueError, match="no"):
                store.publish([exposure(number).key], decide)
        else:
            store.publish([exposure(number).key], decide)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(publish, [here, there] * 16, range(32)))
    assert here.counts().exposures == 24
    assert counts_of(there) == [
        DayCount(DAY, "VN", "keys", 48),
        DayCount(DAY, "VN", "uploads", 24),
    ]


def test_an_error_of_the_database_is_everybodys(kept: Kept) -> None:
    """All who shared the transaction hear of it, and the next ones go on."""
    store = kept.exposures()
    broken = exposure(5, owner=None)
    with pytest.raises(Exception, match=r"(?i)null") as failed:
        store.publish([broken.key], lambda _stored, _drawn: Changes([broken]))
    assert broken.key.hex() not in str(failed.value)
    assert store.counts().exposures == 0
    one = once(6)
    store.publish(one.keys, one.decide)
    assert store.counts().exposures == 1
