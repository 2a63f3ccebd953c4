"""A kiosk hears of its own card what visitors' devices hear of it."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bluezone_node.crypto.cose import public_bytes
from bluezone_node.errors import BadInput
from bluezone_node.node.kiosk.place import Place, judge_place
from bluezone_node.node.notices import TRUST as TRUST_FILE
from bluezone_node.ports import ExportRecord, ExportState, NodeStore
from bluezone_node.store.node import SqliteNodeStore, open_node_store
from bluezone_node.venues.bundle import read_bundle
from bluezone_node.venues.head import head_of
from bluezone_node.venues.tags import venue_keys
from bluezone_node.venues.trust import Role, TrustedKey, TrustList, write_trust_list
from tests.kiosks import market, place_of
from tests.notices import Chain
from tests.venues.places import CARDS, NOTICES, NOW, ROOT, STRANGER, TRUST

Result = TypeVar("Result")

AT = NOW + timedelta(days=1)
CARD = market(at=NOW, days=20)
WITHDRAWN = CARD.location_id[:8]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteNodeStore]:
    with open_node_store(tmp_path / "node.db") as opened:
        yield opened


@pytest.fixture
def place() -> Place:
    return place_of(CARD)


def learn(place: Place, store: NodeStore) -> None:
    async def on_store(work: Callable[[NodeStore], Result]) -> Result:
        return work(store)

    asyncio.run(place.learn(on_store))


def download(store: SqliteNodeStore, *bundles: bytes, trust: bytes | None = None) -> None:
    """Put there what a sync leaves."""
    if trust is not None:
        store.put_place_file(TRUST_FILE, trust)
    for content in bundles:
        head = head_of(read_bundle(content, TRUST), content)
        record = ExportRecord("places", f"{head.sequence:08}.cose", ExportState.MATCHED, NOW)
        store.add_bundle(head, content, record)


def trust_list(
    sequence: int,
    cards_revoked: datetime | None = None,
    notices_revoked: datetime | None = None,
    root: Ed25519PrivateKey = ROOT,
) -> bytes:
    around = (NOW - timedelta(days=30), NOW + timedelta(days=30))
    keys = (
        TrustedKey(public_bytes(CARDS), Role.CARDS, "VN", *around, cards_revoked),
        TrustedKey(public_bytes(NOTICES), Role.NOTICES, "VN", *around, notices_revoked),
    )
    return write_trust_list(TrustList(sequence, NOW, keys), root)


def test_a_card_counts_from_its_first_day_to_its_last(place: Place) -> None:
    """By itself, with nothing downloaded."""
    place.check(AT)
    assert place.objection(AT) == ""
    assert place.objection(AT + timedelta(days=20)) == "card_expired"
    assert place.objection(AT - timedelta(days=60)) == "card_not_yet"
    with pytest.raises(BadInput, match="not valid any more"):
        place.check(AT + timedelta(days=20))


def test_a_card_that_was_withdrawn_counts_no_more(place: Place, store: SqliteNodeStore) -> None:
    """From the first look after the bundle that says so; another place's changes nothing."""
    chain = Chain()
    download(store, chain.add(revoked=[b"another."]), trust=trust_list(2))
    learn(place, store)
    assert place.objection(AT) == ""
    download(store, chain.add(revoked=[b"another.", WITHDRAWN]))
    assert place.objection(AT) == ""
    learn(place, store)
    assert place.objection(AT) == "card_revoked"


def test_the_radio_is_told_when_the_card_counts_no_more(
    place: Place, store: SqliteNodeStore
) -> None:
    """Once, after the download that says so: then there are no keys for another tag."""
    changes: list[bool] = []

    async def on_store(work: Callable[[NodeStore], Result]) -> Result:
        return work(store)

    judge = judge_place(place, on_store, lambda: changes.append(True))
    download(store, trust=trust_list(2))
    assert asyncio.run(judge(AT)) == []
    assert place.keys_at(AT) == venue_keys(CARD.payload)
    assert changes == []
    download(store, Chain().add(revoked=[WITHDRAWN]))
    assert asyncio.run(judge(AT)) == []
    assert asyncio.run(judge(AT)) == []
    assert place.keys_at(AT) is None
    assert changes == [True]


def test_a_card_of_a_revoked_key_counts_no_more(place: Place, store: SqliteNodeStore) -> None:
    """With the newest list of the pinned root; another root's, and an older one, change nothing."""
    download(store, trust=trust_list(3, cards_revoked=NOW, root=STRANGER))
    learn(place, store)
    assert place.objection(AT) == ""
    download(store, trust=trust_list(2, cards_revoked=NOW))
    learn(place, store)
    assert place.objection(AT) == "card_unknown_signer"
    download(store, trust=trust_list(1))
    learn(place, store)
    assert place.objection(AT) == "card_unknown_signer"


def test_a_bundle_of_a_revoked_key_withdraws_nothing(place: Place, store: SqliteNodeStore) -> None:
    """Else who stole that key could close every door; and what was withdrawn before stays so."""
    chain = Chain()
    download(store, chain.add(revoked=[WITHDRAWN]), trust=trust_list(2, notices_revoked=NOW))
    learn(place, store)
    assert place.objection(AT) == ""
    other = place_of(CARD)
    download(store, trust=trust_list(3))
    learn(other, store)
    download(store, trust=trust_list(4, notices_revoked=NOW))
    learn(other, store)
    assert other.objection(AT) == "card_revoked"
