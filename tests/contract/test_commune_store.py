"""What the store of communes promises, on both engines."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bluezone_node.authority.ports.communes import Commune, CommuneStore, KeptCommunes
from bluezone_node.store.authority import registry_tables
from bluezone_node.store.authority.communes import SqlCommunes
from bluezone_node.store.authority.database import Database
from bluezone_node.store.authority.postgres import parse_url
from tests.kept import SQL

LONG_BIEN = Commune(2, 145, "Phường Long Biên", 1)
BEN_THANH = Commune(2, 26740, "Phường Bến Thành", 79)
OLD = Commune(1, 145, "Phường Phúc Tân", 1)


@pytest.fixture(params=SQL)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CommuneStore]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    parsed = None if url is None else parse_url(url)
    opened = Database(registry_tables.LAYOUT, tmp_path / "registry.db", parsed).open()
    yield SqlCommunes(opened)
    opened.dispose()


def test_a_list_is_kept_by_number(store: CommuneStore) -> None:
    """Again it changes nothing; what is called otherwise is; editions do not touch one another."""
    both = [BEN_THANH, LONG_BIEN]
    assert store.counts() == {}
    assert store.keep(2, both, whole=True) == KeptCommunes(2, 0, 0, 0)
    assert store.keep(1, [OLD], whole=True) == KeptCommunes(1, 0, 0, 0)
    assert store.keep(2, both, whole=True) == KeptCommunes(0, 0, 2, 0)
    renamed = Commune(2, 145, "Phường Bồ Đề", 1)
    assert store.keep(2, [renamed, BEN_THANH], whole=True) == KeptCommunes(0, 1, 1, 0)
    assert store.listed(2) == [renamed, BEN_THANH]
    assert store.listed(2, 79) == [BEN_THANH]
    assert store.listed(1) == [OLD]
    assert store.counts() == {1: 1, 2: 2}


def test_only_a_whole_list_removes(store: CommuneStore) -> None:
    """Of its own edition."""
    store.keep(1, [OLD], whole=True)
    store.keep(2, [LONG_BIEN, BEN_THANH], whole=True)
    assert store.keep(2, [LONG_BIEN], whole=False) == KeptCommunes(0, 0, 1, 0)
    assert len(store.listed(2)) == 2
    assert store.keep(2, [LONG_BIEN], whole=True) == KeptCommunes(0, 0, 1, 1)
    assert store.listed(2) == [LONG_BIEN]
    assert store.listed(1) == [OLD]


def test_names_are_told_by_edition_and_number(store: CommuneStore) -> None:
    """One number means different communes before and since."""
    store.keep(1, [OLD], whole=True)
    store.keep(2, [LONG_BIEN], whole=True)
    assert store.names({(1, 145), (2, 145), (2, 9)}) == {
        (1, 145): OLD.name,
        (2, 145): LONG_BIEN.name,
    }
    assert store.names(set()) == {}
