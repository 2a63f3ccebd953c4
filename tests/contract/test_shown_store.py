"""What the store of forms' results promises, on both engines."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from bluezone_node.authority.ports.shown import ShownStore
from bluezone_node.store.authority import registry_tables
from bluezone_node.store.authority.database import Database
from bluezone_node.store.authority.postgres import parse_url
from bluezone_node.store.authority.shown import SqlShown
from tests.kept import NOON, SQL

ONE, TWO = b"1" * 32, b"2" * 32
SOON = NOON + timedelta(minutes=15)


@pytest.fixture(params=SQL)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ShownStore]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    parsed = None if url is None else parse_url(url)
    engine = Database(registry_tables.LAYOUT, tmp_path / "registry.db", parsed).open()
    yield SqlShown(engine)
    engine.dispose()


def test_a_result_is_made_read_and_dropped(store: ShownStore) -> None:
    """Its place is empty while it is being made; dropped, it may be made anew."""
    assert store.read(ONE, NOON) is None
    assert store.begin(ONE, NOON, SOON)
    assert not store.begin(ONE, NOON, SOON)
    assert store.read(ONE, NOON) == b""
    store.fill(ONE, b"sealed")
    assert store.read(ONE, NOON) == b"sealed"
    assert store.read(TWO, NOON) is None
    store.drop(ONE)
    assert store.read(ONE, NOON) is None
    assert store.begin(ONE, NOON, SOON)


def test_a_result_expires(store: ShownStore) -> None:
    """From then on it is not read, and its place is free."""
    store.begin(ONE, NOON, SOON)
    store.fill(ONE, b"sealed")
    assert store.read(ONE, SOON) is None
    assert store.begin(ONE, SOON, SOON + timedelta(minutes=15))
    assert store.read(ONE, SOON) == b""


def test_what_expired_is_forgotten(store: ShownStore) -> None:
    """And nothing else; twice is once."""
    store.begin(ONE, NOON, SOON)
    store.begin(TWO, NOON, SOON + timedelta(seconds=1))
    assert store.forget(SOON) == 1
    assert store.read(ONE, NOON) is None
    assert store.read(TWO, NOON) == b""
    assert store.forget(SOON) == 0


def test_of_many_who_begin_one_does(store: ShownStore) -> None:
    """A form that comes eight times at once does its work once."""
    with ThreadPoolExecutor(8) as pool:
        begun = list(pool.map(lambda _: store.begin(ONE, NOON, SOON), range(8)))
    assert begun.count(True) == 1
