"""What the store of warrants promises, on both engines."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bluezone_node.authority.ports.register import AnswerPart, StoredWarrant, WarrantStore
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
)
PART = AnswerPart(ONE.warrant_id, "", 0, True, NOON, 3, b"rows", b"ids")


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
    """For its own place, each of its kiosks by itself, and until it expires."""
    store.add(ONE)
    assert store.waiting(ONE.venue_id, "", NOON) == []
    assert store.approve(ONE.warrant_id, b"signed by two", "binh")
    (waiting,) = store.waiting(ONE.venue_id, "", NOON)
    assert waiting == replace(ONE, approved=b"signed by two", approved_by="binh")
    assert store.waiting(b"w" * 16, "", NOON) == []
    assert store.waiting(ONE.venue_id, "", ONE.expires) == []
    assert store.add_part(replace(PART, last=False))
    assert store.waiting(ONE.venue_id, "", NOON) == [waiting]
    assert store.add_part(replace(PART, part=1, rows=1))
    assert store.waiting(ONE.venue_id, "", NOON) == []
    assert store.waiting(ONE.venue_id, "Phòng 2", NOON) == [waiting]


def test_a_part_is_kept_once(store: WarrantStore) -> None:
    """As it was given; what is sent again changes nothing."""
    store.add(ONE)
    assert store.add_part(PART)
    assert not store.add_part(replace(PART, released=b"other rows"))
    room = replace(PART, room="Phòng 2")
    assert store.add_part(room)
    assert store.parts(ONE.warrant_id) == [PART, room]
    assert store.parts(b"2" * 16) == []


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
    store.add_part(PART)
    assert store.erase(ONE.expires - timedelta(seconds=1)) == 0
    assert store.erase(ONE.expires) == 1
    assert store.parts(ONE.warrant_id) == [replace(PART, released=None, untold=None)]
    assert store.erase(ONE.expires) == 0
