"""The importer: what is taken of other authorities' files, what is not, and when it is tried."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.authority.distribution.importing import MAX_LISTED, ROUND_FILES
from bluezone_node.authority.ports.exposures import Exposure, Revision
from bluezone_node.authority.ports.imports import Incoming, Read, Settle
from bluezone_node.clock import SimClock
from bluezone_node.crypto.signing import load_public_key
from bluezone_node.errors import BadExport, Unreachable
from bluezone_node.intervals import interval_start
from bluezone_node.proximity.model import DiagnosisKey, ReportType
from tests.elsewhere import NOW, MemoryImports, importer_of, key_of
from tests.sources import OTHER_KEY, SIGNING_KEY, MemoryExports, signed_export

HOUR = timedelta(hours=1)


def exports_of(**files: bytes | BadExport | Unreachable) -> MemoryExports:
    return MemoryExports("laos", dict(files))


def file_of(
    *keys: DiagnosisKey, revised: Sequence[DiagnosisKey] = (), end: datetime = NOW
) -> bytes:
    return signed_export(keys, revised=revised, end=end)


def stored(store: MemoryImports) -> dict[int, Exposure]:
    """Return the keys of laos, by the number that they were made of."""
    return {int.from_bytes(key): row for (of, key), row in store.rows.items() if of == "laos"}


def problems(store: MemoryImports) -> dict[str, str]:
    return {line.name: line.problem for line in store.files("laos")}


async def test_keys_are_kept_as_they_were_published() -> None:
    """With risk, onset and report type, arriving now, and told by their origin."""
    store, source = MemoryImports(), exports_of(a=file_of(key_of(1), key_of(2)))
    (done,) = await importer_of(source, store, SimClock(NOW)).run()
    assert (done.origin, done.problem, done.left) == ("laos", "", 0)
    (line,) = done.files
    assert (line.keys, line.left_out, line.waiting, line.window_end) == (2, 0, 0, NOW)
    row = stored(store)[1]
    assert (row.report_type, row.transmission_risk, row.days_since_onset) == ("likely", 3, -1)
    assert row.created == NOW.replace(minute=0)
    assert not row.traveler
    assert {len(row.owner) for row in stored(store).values()} == {32}
    assert len({row.owner for row in stored(store).values()}) == 2


async def test_what_a_key_does_not_say_is_filled_in() -> None:
    """As the settings of this import have it: report type and days since onset."""
    silent = key_of(1, report_type=ReportType.UNKNOWN, days_since_onset=None)
    data = file_of(silent, key_of(2, days_since_onset=0))
    store = MemoryImports()
    await importer_of(exports_of(a=data), store, SimClock(NOW)).run()
    assert (stored(store)[1].report_type, stored(store)[1].days_since_onset) == ("confirmed", 10)
    assert stored(store)[2].days_since_onset == 0
    store = MemoryImports()
    other = importer_of(
        exports_of(a=data), store, SimClock(NOW), report_type="user-report", onset_days=-3
    )
    await other.run()
    assert (stored(store)[1].report_type, stored(store)[1].days_since_onset) == ("user-report", -3)


async def test_each_key_is_checked_as_a_node_would() -> None:
    """One that is bad costs itself only, and those that are well-formed are counted."""
    keys = [
        key_of(1),
        key_of(2, days_ago=16),
        key_of(3, days_ago=-2),
        key_of(4, days_since_onset=15),
        key_of(5, report_type=ReportType.RECURSIVE),
        key_of(6, report_type=ReportType.REVOKED),
    ]
    store = MemoryImports()
    (done,) = await importer_of(exports_of(a=file_of(*keys)), store, SimClock(NOW)).run()
    assert set(stored(store)) == {1}
    assert (done.problem, done.files[0].left_out) == ("", 4)


async def test_a_key_that_is_still_valid_is_embargoed() -> None:
    """Another authority's haste must not let anybody be impersonated; nor must its clock."""
    keys = [key_of(1, days_ago=0), key_of(2, days_ago=-1)]
    store = MemoryImports()
    await importer_of(exports_of(a=file_of(*keys)), store, SimClock(NOW)).run()
    for number, key in enumerate(keys, 1):
        assert stored(store)[number].created == interval_start(key.rolling_end) + HOUR


async def test_nothing_arrives_in_a_window_that_was_drawn() -> None:
    """It would never be handed out."""
    store = MemoryImports(drawn={"laos": NOW + HOUR})
    revoked = key_of(1, report_type=ReportType.REVOKED)
    await importer_of(
        exports_of(a=file_of(key_of(1), revised=[revoked])), store, SimClock(NOW)
    ).run()
    row = stored(store)[1]
    assert row.created == NOW + HOUR
    assert row.revision == Revision("negative", -1, NOW + HOUR)


async def test_a_file_is_fetched_once() -> None:
    """Also where the index names it twice, and whatever its name is given to later."""
    store, source = MemoryImports(), exports_of(a=file_of(key_of(1)))
    importer = importer_of(source, store, SimClock(NOW))
    await importer.run()
    source.files["a"] = file_of(key_of(2))
    (again,) = await importer.run()
    assert (again.files, source.fetched, set(stored(store))) == ((), ["a"], {1})


async def test_files_are_taken_in_the_order_of_the_index() -> None:
    """Which has the oldest first."""
    source = exports_of(c=file_of(key_of(1)), a=file_of(key_of(2)), b=file_of(key_of(3)))
    await importer_of(source, MemoryImports(), SimClock(NOW)).run()
    assert source.fetched == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (signed_export([key_of(1)], end=NOW, key=OTHER_KEY), "signature_bad"),
        (file_of(key_of(1))[:-30], "zip_truncated"),
        (b"<html>sign in to this network</html>", "header"),
        (BadExport(reason="oversized"), "oversized"),
    ],
)
async def test_a_file_that_cannot_be_believed_is_refused_whole(
    data: bytes | BadExport, problem: str
) -> None:
    """Nothing of it is stored; its line says why, and the others are taken all the same."""
    store = MemoryImports()
    source = MemoryExports("laos", {"a": file_of(key_of(7)), "b": data, "c": file_of(key_of(8))})
    (done,) = await importer_of(source, store, SimClock(NOW)).run()
    assert done.problem == problem
    assert problems(store) == {"a": "", "b": problem, "c": ""}
    assert set(stored(store)) == {7, 8}
    (state,) = store.sources()
    assert (state.tried, state.succeeded, state.problem) == (NOW, None, problem)


async def test_any_of_several_keys_may_have_signed() -> None:
    """An authority that changes its key is believed through the overlap."""
    keys = (OTHER_KEY.public_key(), SIGNING_KEY.public_key())
    source = exports_of(a=file_of(key_of(1)), b=signed_export([key_of(2)], end=NOW, key=OTHER_KEY))
    store = MemoryImports()
    (done,) = await importer_of(source, store, SimClock(NOW), keys=keys).run()
    assert (done.problem, set(stored(store))) == ("", {1, 2})


async def test_files_of_another_region_are_refused_whole() -> None:
    """Signed or not: what is taken was agreed upon."""
    store = MemoryImports()
    importer = importer_of(exports_of(a=file_of(key_of(1))), store, SimClock(NOW), region="LA")
    (done,) = await importer.run()
    assert (done.problem, stored(store)) == ("region", {})


async def test_a_source_that_does_not_answer_is_named_and_asked_again() -> None:
    """What it was last asked with success stays known."""
    store, source, clock = MemoryImports(), exports_of(a=file_of(key_of(1))), SimClock(NOW)
    importer = importer_of(source, store, clock)
    await importer.run()
    source.down = True
    clock.advance(3600)
    (done,) = await importer.run(due=True)
    assert done.problem == "unreachable"
    (state,) = store.sources()
    assert (state.tried, state.succeeded, state.problem) == (NOW + HOUR, NOW, "unreachable")


async def test_a_file_that_fails_is_tried_again_ever_more_seldom() -> None:
    """After one period, two, four …; and taken once it can be."""
    store, source, clock = MemoryImports(), exports_of(a=Unreachable("gone")), SimClock(NOW)
    importer = importer_of(source, store, clock)
    tried = []
    for hour in range(60):
        await importer.run(due=True)
        tried += [hour] * len(source.fetched)
        source.fetched.clear()
        clock.advance(3600)
    assert tried == [0, 1, 3, 7, 15, 31, 55]
    assert problems(store) == {"a": "file_unreachable"}
    source.files["a"] = file_of(key_of(1))
    clock.advance(24 * 3600)
    (done,) = await importer.run()
    assert (done.problem, done.files[0].attempts, set(stored(store))) == ("", 8, {1})


async def test_a_lost_connection_is_not_a_thousand_lost_files() -> None:
    """After three files in a row that cannot be had the round is over."""
    source = MemoryExports("laos", {f"{n}": Unreachable("no answer") for n in range(50)})
    (done,) = await importer_of(source, MemoryImports(), SimClock(NOW)).run()
    assert (done.problem, len(done.files), done.left) == ("unreachable", 3, 47)


async def test_one_round_takes_so_many_files_and_the_next_goes_on() -> None:
    """Others have their turn meanwhile, and an index of impossible length is none."""
    source = MemoryExports(
        "laos", {f"{n}": BadExport(reason="header") for n in range(ROUND_FILES + 2)}
    )
    importer = importer_of(source, MemoryImports(), SimClock(NOW))
    (done,) = await importer.run()
    assert (len(done.files), done.left) == (ROUND_FILES, 2)
    (done,) = await importer.run()
    assert [line.name for line in done.files] == ["1000", "1001"]
    source.files |= {f"{n}": BadExport(reason="header") for n in range(MAX_LISTED + 1)}
    (done,) = await importer.run()
    assert (done.problem, done.files) == ("index_too_long", ())


async def test_a_server_that_drips_has_its_time() -> None:
    """A round ends within a quarter of an hour and the file under way."""
    clock = SimClock(NOW)

    class Dripping(MemoryExports):
        async def fetch(self, name: str) -> bytes:
            clock.advance(299)
            return await super().fetch(name)

    source = Dripping("laos", {f"{n}": file_of(key_of(n)) for n in range(10)})
    (done,) = await importer_of(source, MemoryImports(), clock).run()
    assert (len(done.files), done.left) == (4, 6)


async def test_a_source_is_asked_once_in_a_period() -> None:
    """Unless somebody wants it now."""
    source, clock = exports_of(), SimClock(NOW)
    importer = importer_of(source, MemoryImports(), clock, period_minutes=30)
    assert len(await importer.run(due=True)) == 1
    clock.advance(29 * 60)
    assert await importer.run(due=True) == []
    assert len(await importer.run()) == 1
    clock.advance(30 * 60)
    assert len(await importer.run(due=True)) == 1


async def test_a_source_that_did_not_answer_is_asked_again_soon() -> None:
    """After five minutes, not after a period; the files' own patience is another matter."""
    source, clock = exports_of(), SimClock(NOW)
    source.down = True
    importer = importer_of(source, MemoryImports(), clock)
    assert len(await importer.run(due=True)) == 1
    clock.advance(299)
    assert await importer.run(due=True) == []
    clock.advance(1)
    source.down = False
    assert [each.problem for each in await importer.run(due=True)] == [""]
    clock.advance(3599)
    assert await importer.run(due=True) == []


async def test_two_at_once_do_not_import_twice() -> None:
    """The second leaves the source to the first."""
    store, clock = MemoryImports(), SimClock(NOW)
    beside = importer_of(exports_of(), store, clock)
    found: list[object] = []

    class Slow(MemoryExports):
        async def index(self) -> list[str]:
            found.extend(await beside.run())
            return await super().index()

    (done,) = await importer_of(Slow("laos"), store, clock).run()
    assert (done.problem, found) == ("", [])


async def test_a_round_that_breaks_off_says_so_and_is_done_again() -> None:
    """Nothing is doubled, and nobody waits for who is gone."""

    class Killed(MemoryImports):
        def take(self, origin: str, read: Read, settle: Settle) -> object:  # type: ignore[override]
            def cut(drawn: datetime | None) -> Incoming:
                incoming = read(drawn)
                return Incoming(_cut(incoming.keys), incoming.revised)

            return super().take(origin, cut, settle)

    store, source = Killed(), exports_of(a=file_of(key_of(1)))
    with pytest.raises(RuntimeError, match="killed"):
        await importer_of(source, store, SimClock(NOW)).run()
    assert (stored(store), store.files("laos")) == ({}, [])
    assert [state.problem for state in store.sources()] == ["interrupted"]
    whole = MemoryImports(store.rows, store.states, store.busy, store.lines)
    (done,) = await importer_of(source, whole, SimClock(NOW)).run()
    assert (done.problem, set(stored(whole))) == ("", {1})


def _cut(batches: object) -> object:
    yield from islice(batches, 1)  # type: ignore[call-overload]
    raise RuntimeError("killed")


# Revisions


async def test_a_revision_reaches_a_key_that_came_earlier() -> None:
    """With its new type and onset; it arrives when it was seen."""
    store, clock = MemoryImports(), SimClock(NOW)
    source = exports_of(a=file_of(key_of(1)))
    importer = importer_of(source, store, clock)
    await importer.run()
    clock.advance(5 * 3600)
    confirmed = key_of(1, report_type=ReportType.CONFIRMED_TEST, days_since_onset=0)
    source.files["b"] = file_of(revised=[confirmed], end=NOW + 4 * HOUR)
    (done,) = await importer.run()
    assert (done.files[0].keys, done.files[0].revised) == (0, 1)
    assert stored(store)[1].revision == Revision("confirmed", 0, (NOW + 5 * HOUR).replace(minute=0))


async def test_a_revision_that_comes_before_its_key_waits_for_it() -> None:
    """Its file is fetched again once an older one brought keys, and not for every newer one."""
    revoked = key_of(1, report_type=ReportType.REVOKED)
    store, clock = MemoryImports(), SimClock(NOW)
    source = MemoryExports("laos", {"a": Unreachable("gone"), "b": file_of(revised=[revoked])})
    importer = importer_of(source, store, clock)
    (done,) = await importer.run()
    assert [line.waiting for line in done.files] == [0, 1]
    source.files["c"] = file_of(key_of(3), end=NOW + 4 * HOUR)
    clock.advance(4 * 3600)
    source.files["a"] = Unreachable("gone")
    source.fetched.clear()
    await importer.run()
    assert source.fetched == ["a", "c"]
    source.files["a"] = file_of(key_of(1), end=NOW - 4 * HOUR)
    clock.advance(24 * 3600)
    source.fetched.clear()
    await importer.run()
    assert source.fetched == ["a", "b"]
    row = stored(store)[1]
    assert row.revision is not None
    assert row.revision.report_type == "negative"
    assert store.files("laos")[1].waiting == 0


async def test_what_left_the_index_leaves_the_ledger_and_old_keys_are_forgotten() -> None:
    """The ledger does not grow for ever, nor do keys that no exporter hands out and forgets."""
    store, clock, source = MemoryImports(), SimClock(NOW), exports_of(a=file_of(key_of(1)))
    importer = importer_of(source, store, clock, republish=False)
    await importer.run()
    source.files = {"b": file_of(key_of(2))}
    await importer.run()
    assert problems(store) == {"b": ""}
    clock.advance(14 * 86_400 - 3600)
    await importer.run()
    assert set(stored(store)) == {1, 2}
    clock.advance(3600)
    await importer_of(source, store, clock).run()
    assert set(stored(store)) == {1, 2}
    await importer.run()
    assert stored(store) == {}


@pytest.mark.parametrize("days", [-4000, -20, 20, 4000])
async def test_a_wrong_clock_costs_no_keys(days: int) -> None:
    """What was seen while it was behind, or ahead, is taken once it is right."""
    store, clock = MemoryImports(), SimClock(NOW + timedelta(days=days))
    source = exports_of(a=file_of(key_of(1)))
    await importer_of(source, store, clock).run()
    assert stored(store) == {}
    (done,) = await importer_of(source, store, SimClock(NOW)).run()
    assert (done.problem, set(stored(store))) == ("", {1})
    (again,) = await importer_of(source, store, SimClock(NOW - HOUR / 2)).run()
    assert again.files == ()


async def test_a_file_that_waits_is_not_fetched_for_its_own_keys() -> None:
    """It brought keys and revises others that are gone: once is enough."""
    revoked = key_of(9, report_type=ReportType.REVOKED)
    source = exports_of(a=file_of(key_of(1), revised=[revoked]))
    await importer_of(source, MemoryImports(), SimClock(NOW)).run()
    assert source.fetched == ["a"]


async def test_a_file_that_waits_is_not_forgotten_where_the_round_ends_before_it() -> None:
    """The next one comes to it."""
    clock = SimClock(NOW)

    class Slow(MemoryExports):
        async def fetch(self, name: str) -> bytes:
            if name == "a":
                clock.advance(1000)
            return await super().fetch(name)

    revoked = key_of(1, report_type=ReportType.REVOKED)
    store, source = MemoryImports(), Slow("laos", {"b": file_of(revised=[revoked])})
    importer = importer_of(source, store, clock, period_minutes=5)
    await importer.run()
    source.files = {"a": file_of(key_of(1), end=NOW - 4 * HOUR), **source.files}
    (done,) = await importer.run()
    assert (done.problem, done.left, source.fetched) == ("interrupted", 1, ["b", "a"])
    (done,) = await importer.run()
    assert (done.problem, source.fetched) == ("", ["b", "a", "b"])
    assert stored(store)[1].revision is not None


@st.composite
def series(draw: st.DrawFn) -> dict[str, bytes]:
    """Return the files of an authority: each key published once, and revised once at most."""
    count = draw(st.integers(1, 5))
    published = draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=8))
    primary: list[list[DiagnosisKey]] = [[] for _ in range(count)]
    revised: list[list[DiagnosisKey]] = [[] for _ in range(count)]
    for number, at in enumerate(published):
        primary[at].append(key_of(number))
        later = draw(st.none() | st.integers(at, count - 1))
        if later is not None:
            changed = draw(st.sampled_from([ReportType.CONFIRMED_TEST, ReportType.REVOKED]))
            revised[later].append(key_of(number, report_type=changed))
    return {
        f"{n}": file_of(*primary[n], revised=revised[n], end=NOW + n * HOUR) for n in range(count)
    }


def facts(store: MemoryImports) -> dict[bytes, object]:
    return {
        key: (row.report_type, row.revision and row.revision.report_type)
        for (_, key), row in store.rows.items()
    }


@given(files=series(), data=st.data())
async def test_the_order_of_files_does_not_matter_and_nothing_is_taken_twice(
    files: dict[str, bytes], data: st.DataObject
) -> None:
    """In whichever rounds and order the files turn up, the same keys are kept in the end."""
    straight = MemoryImports()
    source = MemoryExports("laos", dict(files))
    await importer_of(source, straight, SimClock(NOW)).run()
    store, clock, source = MemoryImports(), SimClock(NOW), MemoryExports("laos")
    importer = importer_of(source, store, clock)
    for name in data.draw(st.permutations(sorted(files))):
        source.files[name] = files[name]
        if data.draw(st.booleans()):
            await importer.run()
    await importer.run()
    assert facts(store) == facts(straight)
    before = dict(store.rows)
    (again,) = await importer.run()
    assert (again.files, store.rows) == ((), before)
    # Also where the ledger was lost: all is fetched again, and nothing changes.
    store.lines.clear()
    (again,) = await importer.run()
    assert (len(again.files), store.rows) == (len(files), before)


# Real files


async def test_googles_example_is_imported(vectors: object) -> None:
    """The file of exposure-notifications-server, on the day after it was made."""
    folder = vectors / "exports"  # type: ignore[operator]
    data = (folder / "ens-testExport-2-records-1-of-1.zip").read_bytes()
    key = load_public_key((folder / "ens-example-public.pem").read_bytes())
    store, clock = MemoryImports(), SimClock(interval_start(2650410) + HOUR)
    importer = importer_of(exports_of(a=data), store, clock, keys=[key], region="US")
    (done,) = await importer.run()
    assert (done.problem, done.files[0].keys, done.files[0].left_out) == ("", 2, 0)
    assert {row.report_type for row in store.rows.values()} == {"confirmed"}
    assert {row.days_since_onset for row in store.rows.values()} == {10}


async def test_the_sample_file_is_imported(vectors: object) -> None:
    """The file of exposure-notifications-internals; years later, nothing of it is handed on."""
    folder = vectors / "exports"  # type: ignore[operator]
    data = (folder / "internals-sample_diagnosis_key_file.zip").read_bytes()
    key = load_public_key(
        b"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE49JY6kekDgxj3Crm4y6kEHdfoKQFSNDM4mV9cgDb+e5nOAw0GeR"
        b"oRThCu9/wX5wDT2QloFoOjl2pGZHI0f3C3w=="
    )
    published = datetime.fromtimestamp(1593633900, NOW.tzinfo)
    for clock, kept in ((SimClock(published), 140), (SimClock(NOW), 0)):
        store = MemoryImports()
        importer = importer_of(exports_of(a=data), store, clock, keys=[key], region="US")
        (done,) = await importer.run()
        assert (done.problem, done.files[0].keys + done.files[0].left_out) == ("", 140)
        assert len(store.rows) == kept
