"""What the store of imported keys promises, whatever it is made of."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from threading import Barrier

import pytest

from bluezone_node.authority.distribution.exporter import Exporter
from bluezone_node.authority.ports.exposures import Changes, Exposure, Revision
from bluezone_node.authority.ports.imports import (
    ImportCounts,
    ImportedFile,
    ImportSource,
    ImportStore,
    Incoming,
    Read,
    Taken,
)
from bluezone_node.authority.ports.windows import ExportBatch
from bluezone_node.authority.settings import ExportSettings
from bluezone_node.clock import SimClock
from bluezone_node.export.container import open_verified
from bluezone_node.export.signature import SignatureState
from bluezone_node.proximity.model import ReportType
from tests.authorities import KnownKeys, MemoryShelf
from tests.elsewhere import NOW, MemoryImports, importer_of, key_of
from tests.kept import HOUR, NOON, SQL, Kept, adding, exposure, kept_in
from tests.sources import OTHER_KEY, MemoryExports, signed_export

LINE = ImportedFile("laos", "exports/1-2-00001.zip", NOON, 1, window_end=NOON)
NEGATIVE = Revision("negative", -1, NOON + HOUR)


@pytest.fixture(params=SQL)
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kept]:
    yield from kept_in(request, tmp_path)


@pytest.fixture(params=["memory", *SQL])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ImportStore]:
    if request.param == "memory":
        yield MemoryImports()
    else:
        for kept in kept_in(request, tmp_path):
            yield kept.imports()


def bringing(*keys: Exposure, revised: Mapping[bytes, Revision] | None = None) -> Read:
    return lambda _drawn: Incoming([list(keys)], [revised or {}])


def settled(origin: str = "laos", name: str = LINE.name) -> Callable[[Taken], ImportedFile]:
    return lambda taken: ImportedFile(
        origin, name, NOON, 1, "", NOON, taken.keys, taken.revised, 0, taken.waiting
    )


def counts(store: ImportStore) -> dict[str, Sequence[int]]:
    return {c.origin: (c.keys, c.revised, c.files, c.failed) for c in store.counts()}


# Files


def test_keys_and_their_line_are_stored_together(store: ImportStore) -> None:
    """As many as were new are told, and stand in the ledger."""
    line = store.take("laos", bringing(exposure(1), exposure(2)), settled())
    assert (line.keys, line.revised, line.waiting) == (2, 0, 0)
    assert store.files("laos") == [line]
    assert store.files("china") == []
    assert store.counts() == [ImportCounts("laos", 2, 0, 1, 0)]


def test_nothing_is_stored_of_a_file_that_breaks_off(store: ImportStore) -> None:
    """Neither keys nor line: it is taken again from its beginning."""

    def broken() -> Iterator[list[Exposure]]:
        yield [exposure(1)]
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        store.take("laos", lambda _drawn: Incoming(broken(), []), settled())
    assert store.files("laos") == []
    assert store.counts() == []
    assert store.take("laos", bringing(exposure(1)), settled()).keys == 1


def test_a_key_that_is_stored_stays_as_it_is(store: ImportStore) -> None:
    """Also within one file, and in many more than one statement takes."""
    many = [exposure(1, key=n.to_bytes(16, "big")) for n in range(1200)]
    assert store.take("laos", bringing(*many, *many), settled()).keys == 1200
    assert store.take("laos", bringing(*many), settled()).keys == 0
    assert counts(store) == {"laos": (1200, 0, 1, 0)}


def test_a_revision_changes_keys_of_its_own_origin_only(store: ImportStore) -> None:
    """One that is not known there waits, and is known elsewhere without effect."""
    store.take("laos", bringing(exposure(1)), settled())
    store.take("china", bringing(exposure(2)), settled("china"))
    revised = {exposure(1).key: NEGATIVE, exposure(2).key: NEGATIVE}
    line = store.take("laos", bringing(revised=revised), settled(name="b"))
    assert (line.keys, line.revised, line.waiting) == (0, 1, 1)
    assert counts(store) == {"china": (1, 0, 1, 0), "laos": (1, 1, 2, 0)}


def test_a_key_is_revised_once(store: ImportStore) -> None:
    """In the file that brings it, or later; the same again changes nothing."""
    revised = {exposure(1).key: NEGATIVE}
    assert store.take("laos", bringing(exposure(1), revised=revised), settled()).revised == 1
    assert store.take("laos", bringing(revised=revised), settled()).revised == 0


def stored(kept: Kept, origin: str, *numbers: int) -> list[Exposure]:
    """Return those of the keys that are stored of *origin*."""
    found: list[Exposure] = []

    def look(known: Mapping[bytes, Exposure], _drawn: datetime | None) -> Changes:
        found.extend(known.values())
        return Changes()

    kept.exposures(origin).publish([exposure(number).key for number in numbers], look)
    return found


def test_the_importer_is_told_what_has_been_drawn(kept: Kept) -> None:
    """Of the origin's own windows: nothing may arrive in one of them any more."""
    told: list[datetime | None] = []

    def read(drawn: datetime | None) -> Incoming:
        told.append(drawn)
        return Incoming([], [])

    for origin in ("", "laos"):
        kept.imports().take("laos", read, settled())
        batch = ExportBatch(NOON, NOON + HOUR, None, 10)
        kept.windows(origin).draw(batch, 0, lambda _keys: [])
    kept.imports().take("laos", read, settled())
    assert told == [None, None, NOON + HOUR]


def test_an_imported_key_is_a_row_of_its_own(kept: Kept) -> None:
    """A key published at home and imported is two rows, and neither is changed by the other."""
    kept.exposures().publish([exposure(1).key], adding(exposure(1)))
    revised = {exposure(1).key: NEGATIVE}
    kept.imports().take("laos", bringing(exposure(1), exposure(2), revised=revised), settled())
    assert stored(kept, "", 1, 2) == [exposure(1)]
    assert stored(kept, "laos", 1, 2) == [exposure(1, revision=NEGATIVE), exposure(2)]
    assert kept.exposures().counts().exposures == 1


def test_a_key_is_not_revised_before_it_was_created(kept: Kept) -> None:
    """An embargoed key arrives in the future, and its revision not before."""
    later, revised = exposure(1, hours=9), {exposure(1).key: NEGATIVE}
    kept.imports().take("laos", bringing(later, revised=revised), settled())
    (found,) = stored(kept, "laos", 1)
    assert found.revision == Revision("negative", -1, later.created)


def test_a_file_taken_twice_at_once_is_stored_once(kept: Kept) -> None:
    """Also where two processes are at the same file against all rules."""
    many = [exposure(1, key=n.to_bytes(16, "big")) for n in range(300)]
    stores = [kept.imports() for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(lambda s: s.take("laos", bringing(*many), settled()), stores))
    assert sum(line.keys for line in done) == 300
    assert counts(stores[0]) == {"laos": (300, 0, 1, 0)}


async def test_what_was_imported_is_exported_as_a_series_of_its_own(kept: Kept) -> None:
    """Through importer, database and exporter; nothing of it is in one's own series."""
    clock, source = SimClock(NOW), MemoryExports("laos")
    revoked = key_of(1, report_type=ReportType.REVOKED)
    source.files["b"] = signed_export([key_of(3)], revised=[revoked], end=NOW)
    source.files["a"] = signed_export([key_of(1), key_of(2)], end=NOW - 4 * HOUR)
    importer = importer_of(source, kept.imports(), clock)
    (done,) = await importer.run()
    assert (done.problem, [line.name for line in done.files]) == ("", ["b", "a", "b"])
    clock.advance(8 * 3600)
    found = {}
    for origin, root in (("", "exports"), ("laos", "laos")):
        shelf = MemoryShelf()
        Exporter(
            kept.windows(origin),
            shelf,
            clock,
            random.Random(1).randbytes,
            keys=KnownKeys({"v1": OTHER_KEY}),
            settings=ExportSettings(min_records=0, region="LA"),
            root=root,
        ).run()
        found[origin] = [
            open_verified(shelf.held[line.removeprefix(f"{root}/")], [OTHER_KEY.public_key()])
            for line in shelf.index()
        ]
    assert found[""] == []
    (export,) = found["laos"]
    assert (export.signature, export.header.region) == (SignatureState.VERIFIED, "LA")
    found_keys = list(export.keys())
    assert [key.key for key in found_keys] == [key_of(n).key for n in (1, 2, 3)]
    assert [key.key for key in export.revised_keys()] == [key_of(1).key]


# Ledger


def test_a_failed_file_is_counted_and_replaced_by_its_next_try(store: ImportStore) -> None:
    """There is one line for each file."""
    failed = ImportedFile("laos", LINE.name, NOON, 3, "zip_damaged")
    store.note(failed)
    assert store.files("laos") == [failed]
    assert counts(store) == {"laos": (0, 0, 0, 1)}
    store.take("laos", bringing(), settled())
    assert counts(store) == {"laos": (0, 0, 1, 0)}


def test_lines_are_dropped_by_name_and_origin(store: ImportStore) -> None:
    """Any number of them."""
    for origin in ("china", "laos"):
        for number in range(3):
            store.note(ImportedFile(origin, f"{number}", NOON, 1))
    store.drop("laos", ["0", "2", *(f"x{number}" for number in range(1100))])
    assert [line.name for line in store.files("laos")] == ["1"]
    assert len(store.files("china")) == 3


def test_old_imported_keys_are_forgotten_and_own_ones_are_not(kept: Kept) -> None:
    """Of every origin, whether it is still in the settings or not, but of those that are to be
    kept; a late revision keeps one."""
    kept.exposures().publish([exposure(1).key], adding(exposure(1)))
    late = {exposure(3).key: Revision("negative", -1, NOON + 5 * HOUR)}
    store = kept.imports()
    store.take("laos", bringing(exposure(1), exposure(2, hours=5)), settled())
    store.take("china", bringing(exposure(1), exposure(3), revised=late), settled("china"))
    assert store.forget(NOON + 2 * HOUR, ["laos", "china"]) == 0
    assert store.forget(NOON + 2 * HOUR, ["peru"]) == 2
    assert {origin: each[0] for origin, each in counts(store).items()} == {"china": 1, "laos": 1}
    assert kept.exposures().counts().exposures == 1


# Turns


def test_one_at_a_time_has_an_origin(store: ImportStore) -> None:
    """Until it says that it is done; other origins are free meanwhile."""
    with store.alone("laos") as first:
        assert first
        with store.alone("laos") as second, store.alone("china") as other:
            assert (second, other) == (False, True)
    with store.alone("laos") as third:
        assert third


def test_how_a_round_went_is_remembered(store: ImportStore) -> None:
    """Of each source, the last one."""
    assert store.sources() == []
    store.put_source(ImportSource("laos", NOON))
    state = ImportSource("laos", NOON, NOON - HOUR, "unreachable")
    store.put_source(state)
    store.put_source(ImportSource("china"))
    assert store.sources() == [ImportSource("china"), state]


def test_of_many_at_once_one_has_an_origin(kept: Kept) -> None:
    """Two workers do not import twice, each with a connection of its own."""
    stores = [kept.imports() for _ in range(4)]
    met = Barrier(4)

    def begin(store: ImportStore) -> bool:
        with store.alone("laos") as got:
            met.wait(30)
            return got

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(begin, stores)) == [False, False, False, True]
