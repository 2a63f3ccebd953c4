"""What the store of warrants promises, on both engines."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bluezone_node.authority.ports.register import StoredWarrant, WarrantStore
from bluezone_node.store.authority import registry_tables
from bluezone_node.store.authority.database import Database
from bluezone_node.store.authority.postgres import parse_url
from bluezone_node.store.authority.warrants import SqlWarrants
from tests.kept import NOON, SQL

ONE = StoredWarrant(
    warrant_id=b"1" * 16,
    venue_id=b"v" * 16,
    realm="01",
    start=NOON - timedelta(days=2),
    end=NOON - timedelta(days=1),
    issued=NOON,
    expires=NOON + timedelta(days=2),
    requested=b"signed by one",
    requested_by="an",
    approved=None,
    approved_by="",
    answered=None,
    rows=0,
    released=None,
)


@pytest.fixture(params=SQL)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[WarrantStore]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    parsed = None if url is None else parse_url(url)
    engine = Database(registry_tables.LAYOUT, tmp_path / "registry.db", parsed).open()
    yield SqlWarrants(engine)
    engine.dispose()


def test_a_warrant_is_kept_once(store: WarrantStore) -> None:
    """As it was given; a second one of its id is not taken."""
    assert store.add(ONE)
    assert not store.add(replace(ONE, realm="79"))
    assert store.find(ONE.warrant_id) == ONE
    assert store.find(b"2" * 16) is None


def test_each_province_sees_its_own(store: WarrantStore) -> None:
    """Newest first."""
    other = replace(ONE, warrant_id=b"2" * 16, realm="79", issued=NOON + timedelta(hours=1))
    store.add(ONE)
    store.add(other)
    assert store.all() == [other, ONE]
    assert store.all(["01"]) == [ONE]
    assert store.all([]) == []


def test_only_what_is_approved_and_unanswered_waits(store: WarrantStore) -> None:
    """For its own place, and until it expires."""
    store.add(ONE)
    assert store.waiting(ONE.venue_id, NOON) == []
    assert store.approve(ONE.warrant_id, b"signed by two", "binh")
    (waiting,) = store.waiting(ONE.venue_id, NOON)
    assert waiting == replace(ONE, approved=b"signed by two", approved_by="binh")
    assert store.waiting(b"w" * 16, NOON) == []
    assert store.waiting(ONE.venue_id, ONE.expires) == []
    assert store.answer(ONE.warrant_id, b"rows", 3, NOON)
    assert store.waiting(ONE.venue_id, NOON) == []
    assert not store.answer(ONE.warrant_id, b"other rows", 1, NOON)
    found = store.find(ONE.warrant_id)
    assert found is not None
    assert (found.answered, found.rows, found.released) == (NOON, 3, b"rows")


def test_of_two_who_approve_at_once_one_does(store: WarrantStore) -> None:
    """Ten at a time, many times: exactly one signature is kept."""
    store.add(ONE)
    with ThreadPoolExecutor(10) as pool:
        done = list(pool.map(lambda n: store.approve(ONE.warrant_id, b"%d" % n, f"{n}"), range(10)))
    assert sum(done) == 1
    found = store.find(ONE.warrant_id)
    assert found is not None
    assert found.approved == b"%d" % done.index(True)


def test_rows_are_erased_when_their_warrant_is_over(store: WarrantStore) -> None:
    """What is left says that it was answered, and with how many."""
    store.add(ONE)
    store.approve(ONE.warrant_id, b"signed by two", "binh")
    store.answer(ONE.warrant_id, b"rows", 3, NOON)
    assert store.erase(ONE.expires - timedelta(seconds=1)) == 0
    assert store.erase(ONE.expires) == 1
    found = store.find(ONE.warrant_id)
    assert found is not None
    assert (found.rows, found.released) == (3, None)
    assert store.erase(ONE.expires) == 0
