"""What the authority's stores promise, whatever they are made of."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from bluezone_node.authority.ports.exposures import (
    Changes,
    ExportBatch,
    Exposure,
    ExposureStore,
    Revision,
)
from bluezone_node.authority.ports.registry import (
    RegistryStore,
    VerificationCode,
    VerificationToken,
)
from bluezone_node.authority.ports.shelf import ExportShelf
from bluezone_node.store.authority import exposure_tables, exposures, registry, registry_tables
from bluezone_node.store.authority.database import Database
from bluezone_node.store.authority.postgres import parse_url
from bluezone_node.store.authority.schema import Layout
from bluezone_node.store.authority.shelf import FolderShelf
from tests.authorities import MemoryExposures, MemoryRegistry, MemoryShelf

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)

CODE = VerificationCode(
    b"c" * 32, "likely", date(2026, 3, 8), date(2026, 3, 9), NOON, NOON + HOUR / 4
)
TOKEN = VerificationToken(b"t" * 32, "likely", date(2026, 3, 8), NOON, NOON + 24 * HOUR)


SQL = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


class Kept:
    """Where a test's databases are: each call opens a store anew, as another process would."""

    def __init__(self, folder: Path, url: str | None) -> None:
        self._folder = folder
        self._url = None if url is None else parse_url(url)
        self._opened = ExitStack()

    def registry(self) -> RegistryStore:
        return registry.SqlRegistry(self._open(registry_tables.LAYOUT))

    def exposures(self) -> ExposureStore:
        return exposures.SqlExposures(self._open(exposure_tables.LAYOUT))

    def close(self) -> None:
        self._opened.close()

    def _open(self, layout: Layout) -> Engine:
        engine = Database(layout, self._folder / f"{layout.name}.db", self._url).open()
        self._opened.callback(engine.dispose)
        return engine


def kept_in(request: pytest.FixtureRequest, folder: Path) -> Iterator[Kept]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    kept = Kept(folder, url)
    yield kept
    kept.close()


@pytest.fixture(params=SQL)
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kept]:
    yield from kept_in(request, tmp_path)


@pytest.fixture(params=["memory", *SQL])
def codes(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RegistryStore]:
    if request.param == "memory":
        yield MemoryRegistry()
    else:
        for kept in kept_in(request, tmp_path):
            yield kept.registry()


@pytest.fixture(params=["memory", *SQL])
def keys(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ExposureStore]:
    if request.param == "memory":
        yield MemoryExposures()
    else:
        for kept in kept_in(request, tmp_path):
            yield kept.exposures()


@pytest.fixture(params=["memory", "folder"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> ExportShelf:
    return MemoryShelf() if request.param == "memory" else FolderShelf(tmp_path / "exports")


# Registry


def test_a_code_comes_back_as_it_was_kept(codes: RegistryStore) -> None:
    """Nothing of a code is lost or changed, and another digest finds nothing."""
    assert codes.add_code(CODE)
    assert codes.code(CODE.digest) == CODE
    assert codes.code(b"x" * 32) is None


def test_a_taken_digest_is_not_overwritten(codes: RegistryStore) -> None:
    """Two people never share a code."""
    codes.add_code(CODE)
    assert not codes.add_code(replace(CODE, report_type="negative"))
    assert codes.code(CODE.digest) == CODE


def test_a_code_is_claimed_once_and_its_token_kept(codes: RegistryStore) -> None:
    """The second claim of a code gets nothing."""
    codes.add_code(CODE)
    assert codes.claim_code(CODE.digest, TOKEN, NOON)
    assert not codes.claim_code(CODE.digest, replace(TOKEN, digest=b"u" * 32), NOON)
    found = codes.code(CODE.digest)
    assert found is not None
    assert found.claimed == NOON
    assert codes.token(TOKEN.digest) == TOKEN
    assert codes.token(b"u" * 32) is None


def test_an_expired_code_is_not_claimed(codes: RegistryStore) -> None:
    """At the instant of its expiry a code is dead."""
    codes.add_code(CODE)
    assert not codes.claim_code(CODE.digest, TOKEN, CODE.expires)
    assert codes.token(TOKEN.digest) is None


def test_an_unknown_code_is_not_claimed(codes: RegistryStore) -> None:
    """There is no token without a code."""
    assert not codes.claim_code(b"x" * 32, TOKEN, NOON)


def test_a_repeated_claim_replaces_the_token(codes: RegistryStore) -> None:
    """Made with the same code and nonce: there is one token afterwards, the new one."""
    codes.add_code(CODE)
    first = replace(TOKEN, claimed_with=b"n" * 32)
    second = replace(first, digest=b"u" * 32)
    assert not codes.repeatable(b"n" * 32)
    assert codes.claim_code(CODE.digest, first, NOON)
    assert codes.repeatable(b"n" * 32)
    assert codes.claim_code(CODE.digest, second, NOON)
    assert codes.token(first.digest) is None
    assert codes.token(second.digest) == second
    assert codes.counts(NOON).tokens == 1


def test_a_claim_that_is_no_repetition_changes_nothing(codes: RegistryStore) -> None:
    """With another nonce, with none, or too late."""
    codes.add_code(CODE)
    first = replace(TOKEN, claimed_with=b"n" * 32)
    codes.claim_code(CODE.digest, first, NOON)
    for claimed_with, at in ((b"o" * 32, NOON), (None, NOON), (b"n" * 32, CODE.expires)):
        second = replace(first, digest=b"u" * 32, claimed_with=claimed_with)
        assert not codes.claim_code(CODE.digest, second, at)
        assert codes.token(second.digest) is None
        assert codes.token(first.digest) == first


def test_a_spent_token_is_not_replaced(codes: RegistryStore) -> None:
    """Spending it removes what it was claimed with: nobody needs to know any more."""
    codes.add_code(CODE)
    first = replace(TOKEN, claimed_with=b"n" * 32)
    codes.claim_code(CODE.digest, first, NOON)
    assert codes.spend_token(first.digest, b"a" * 32, NOON)
    assert not codes.repeatable(b"n" * 32)
    assert not codes.claim_code(CODE.digest, replace(first, digest=b"u" * 32), NOON)
    assert codes.token(first.digest) == replace(TOKEN, spent_on=b"a" * 32)


def test_a_replaced_token_cannot_be_spent(codes: RegistryStore) -> None:
    """Whichever of the two comes first excludes the other."""
    codes.add_code(CODE)
    first = replace(TOKEN, claimed_with=b"n" * 32)
    codes.claim_code(CODE.digest, first, NOON)
    codes.claim_code(CODE.digest, replace(first, digest=b"u" * 32), NOON)
    assert not codes.spend_token(first.digest, b"a" * 32, NOON)


def test_of_many_racing_repetitions_one_token_is_left(kept: Kept) -> None:
    """Two processes each with its own connections: the last to come has the token."""
    here, there = kept.registry(), kept.registry()
    with ThreadPoolExecutor(8) as pool:
        here.add_code(CODE)
        tokens = [replace(TOKEN, digest=bytes([n]) * 32, claimed_with=b"n" * 32) for n in range(16)]
        won = pool.map(
            lambda store, token: store.claim_code(CODE.digest, token, NOON),
            [here, there] * 8,
            tokens,
        )
        assert all(won)
        assert sum(here.token(token.digest) is not None for token in tokens) == 1
        assert here.counts(NOON).tokens == 1


def test_of_many_racing_claims_one_wins(kept: Kept) -> None:
    """Requests that redeem one code at the same time get one token between them."""
    codes = kept.registry()
    with ThreadPoolExecutor(8) as pool:
        codes.add_code(CODE)
        tokens = [replace(TOKEN, digest=bytes([n]) * 32) for n in range(16)]
        won = list(pool.map(lambda token: codes.claim_code(CODE.digest, token, NOON), tokens))
        assert sum(won) == 1
        assert sum(codes.token(token.digest) is not None for token in tokens) == 1


def test_a_token_is_spent_on_one_thing(codes: RegistryStore) -> None:
    """Spending it again on the same is allowed, on another not, nor after its time."""
    codes.add_code(CODE)
    codes.claim_code(CODE.digest, TOKEN, NOON)
    assert not codes.spend_token(TOKEN.digest, b"a" * 32, TOKEN.expires)
    assert codes.spend_token(TOKEN.digest, b"a" * 32, NOON)
    assert codes.spend_token(TOKEN.digest, b"a" * 32, NOON)
    assert not codes.spend_token(TOKEN.digest, b"b" * 32, NOON)
    assert not codes.spend_token(b"x" * 32, b"a" * 32, NOON)
    assert codes.token(TOKEN.digest) == replace(TOKEN, spent_on=b"a" * 32)


def test_codes_and_tokens_are_counted_and_forgotten(codes: RegistryStore) -> None:
    """Counts tell open from claimed from expired; forgetting goes by expiry."""
    for n in range(3):
        codes.add_code(replace(CODE, digest=bytes([n]) * 32))
    codes.claim_code(bytes(32), TOKEN, NOON)
    counts = codes.counts(NOON)
    assert (counts.codes_open, counts.codes_claimed, counts.codes_expired) == (2, 1, 0)
    assert codes.counts(NOON + HOUR).codes_expired == 2
    assert codes.forget(NOON + HOUR) == 3
    assert codes.counts(NOON).tokens == 1
    assert codes.forget(NOON + 25 * HOUR) == 1


# Exposures


def exposure(number: int, hours: float = 0, **changes: object) -> Exposure:
    """Return a key that arrived *hours* after noon."""
    made = Exposure(
        bytes([number]) * 16, 2956032, 144, 2, "likely", -1, NOON + hours * HOUR, b"o" * 32
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def adding(*added: Exposure) -> Callable[[Mapping[bytes, Exposure], datetime | None], Changes]:
    return lambda _stored, _drawn: Changes(added=added)


def keeping(
    start: datetime, end: datetime, *made_up: Exposure
) -> Callable[[Sequence[Exposure], int], tuple[Sequence[Exposure], ExportBatch]]:
    return lambda primary, revised: (
        made_up,
        ExportBatch(start, end, len(primary) + len(made_up) + revised, 500),
    )


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


def test_a_revision_is_kept_beside_what_was_first_said(keys: ExposureStore) -> None:
    """A revised key keeps its first report and is found by the time of its revision."""
    known = exposure(1)
    revised = replace(known, revision=Revision("negative", None, NOON + 5 * HOUR))
    keys.publish([known.key], adding(known))
    keys.publish([known.key], lambda _stored, _drawn: Changes(revised=[revised]))
    assert keys.created_in(NOON, NOON + HOUR) == [revised]
    assert keys.revised_in(NOON, NOON + HOUR) == []
    assert keys.revised_in(NOON + 5 * HOUR, NOON + 6 * HOUR) == [revised]
    assert keys.counts().revised == 1


def test_windows_are_half_open_and_sorted_by_key(keys: ExposureStore) -> None:
    """The start belongs to a window, the end to the next; arrival order does not show."""
    keys.publish([], adding(exposure(3), exposure(1), exposure(2, 1), exposure(4, -0.01)))
    assert [e.key[0] for e in keys.created_in(NOON, NOON + HOUR)] == [1, 3]
    assert keys.oldest_created() == exposure(4, -0.01).created.replace(microsecond=0)


def test_a_window_is_drawn_once(keys: ExposureStore) -> None:
    """The first drawing counts: its made-up keys and its batch stay, a second does nothing."""
    keys.publish([], adding(exposure(1)))
    keys.draw_batch(NOON, NOON + HOUR, keeping(NOON, NOON + HOUR, exposure(2)))
    keys.draw_batch(NOON, NOON + HOUR, keeping(NOON, NOON + HOUR, exposure(3)))
    assert [e.key[0] for e in keys.created_in(NOON, NOON + HOUR)] == [1, 2]
    assert keys.batches() == [ExportBatch(NOON, NOON + HOUR, 2, 500)]
    assert keys.counts().newest_batch_end == NOON + HOUR


def test_decide_is_told_up_to_when_windows_are_drawn(keys: ExposureStore) -> None:
    """A key must not arrive in a window that was drawn, so the decision knows its end."""
    told: list[datetime | None] = []

    def note(_stored: Mapping[bytes, Exposure], drawn: datetime | None) -> Changes:
        told.append(drawn)
        return Changes()

    keys.publish([], note)
    keys.draw_batch(NOON, NOON + HOUR, keeping(NOON, NOON + HOUR))
    keys.publish([], note)
    assert told == [None, NOON + HOUR]


def test_old_keys_and_batches_are_forgotten_but_not_the_newest(keys: ExposureStore) -> None:
    """What was revised since stays, and the newest batch says where to go on."""
    revision = Revision("negative", 0, NOON + 2 * HOUR)
    keys.publish([], adding(exposure(1), exposure(2, revision=revision), exposure(3, 1)))
    for n in range(2):
        start = NOON + n * HOUR
        keys.draw_batch(start, start + HOUR, keeping(start, start + HOUR))
    assert keys.forget(NOON + HOUR) == 1
    assert [batch.start for batch in keys.batches()] == [NOON + HOUR]
    assert keys.forget(NOON + 30 * HOUR) == 2
    assert [batch.start for batch in keys.batches()] == [NOON + HOUR]


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


def test_of_many_racing_draws_of_a_window_one_counts(kept: Kept) -> None:
    """Two exporters at once make up keys once, and both know the batch afterwards."""
    here, there = kept.exposures(), kept.exposures()
    here.publish([], adding(exposure(1)))
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
    here, there = kept.exposures(), kept.exposures()
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
    assert counted == [len(here.created_in(NOON, NOON + HOUR))]
    assert here.counts().exposures == 16


# Shelf


def test_a_file_is_put_read_replaced_and_removed(shelf: ExportShelf) -> None:
    """A shelf holds what was put last; removing twice is no error."""
    assert shelf.read("1-2-00001.zip") is None
    shelf.put("1-2-00001.zip", b"one")
    shelf.put("1-2-00001.zip", b"two")
    shelf.put("index.txt", b"exports/1-2-00001.zip\n")
    assert shelf.read("1-2-00001.zip") == b"two"
    assert shelf.names() == {"1-2-00001.zip"}
    shelf.remove("1-2-00001.zip")
    shelf.remove("1-2-00001.zip")
    assert shelf.names() == set()


def test_a_file_half_written_is_swept_away(tmp_path: Path) -> None:
    """What a killed process left behind is neither listed nor kept."""
    folder = tmp_path / "exports"
    FolderShelf(folder)
    (folder / ".partial-1-2-00001.zip").write_bytes(b"half")
    assert FolderShelf(folder).names() == set()
    assert list(folder.iterdir()) == []
