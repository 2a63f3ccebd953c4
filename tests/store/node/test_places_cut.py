"""Killed, or without space, while notices are taken and judged: nothing is lost or half there."""

import asyncio
import random
import shutil
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from bluezone_node.clock import SimClock
from bluezone_node.crypto.cose import public_bytes
from bluezone_node.errors import DatabaseUnusable
from bluezone_node.node.checkin import CheckIn
from bluezone_node.node.notices import SOURCE, TRUST, Notices
from bluezone_node.node.sync import Sync
from bluezone_node.node.warning import judge_visits
from bluezone_node.ports import ExportState, StoredVisit
from bluezone_node.store.node import SqliteNodeStore, open_node_store
from bluezone_node.venues.bundle import digest_of
from bluezone_node.venues.text import to_url
from bluezone_node.venues.trust import write_trust_list
from bluezone_node.venues.visits import Seen, arrive, leave
from tests.cuts import is_whole, killed_at, limit_pages, pages
from tests.notices import LATER, Chain
from tests.sources import Told, at_once
from tests.stores import OnMemory
from tests.venues.places import NOW, ROOT, card_of, text_of
from tests.venues.places import TRUST as LISTED

MARKET, PAGODA = card_of(), card_of("Chùa Láng", seed=2)
HOST = "q.example.vn"


def chain() -> Chain:
    """Two notices, of which the second bundle takes one back, and a third about another place."""
    made = Chain()
    wrong = made.notice(MARKET, text_of())
    made.add(wrong)
    made.add(made.notice(MARKET, text_of()), retracted=[wrong])
    made.add(made.notice(PAGODA, text_of()), revoked=[b"withdrew"])
    return made


def sync(store: SqliteNodeStore, told: Told, made: Chain) -> None:
    on_store, root = OnMemory(store), public_bytes(ROOT)
    service = Sync(
        [Notices(made.exports, root, on_store, at_once)],
        clock=SimClock(LATER),
        on_store=on_store,
        entropy=random.Random(3).randbytes,
        judges=[judge_visits(root, on_store, at_once)],
        notifier=told,
        every=14400,
    )
    asyncio.run(service.once())


def prepared(path: Path) -> None:
    """A device that was at both places."""
    visits = [visit for card in (MARKET, PAGODA) for _, visit in arrive((), Seen(NOW, "x", card))]
    over = [StoredVisit(0, leave(visit, NOW + timedelta(hours=1))) for visit in visits]
    with open_node_store(path) as store:
        store.change_visits(lambda _: over)


def check(store: SqliteNodeStore, made: Chain) -> None:
    """Each bundle is there with its head and its line of the ledger, or none of the three."""
    heads = store.heads()
    assert [digest_of(content) for content in store.bundles()] == [head.digest for head in heads]
    assert [head.digest for head in heads] == [digest_of(each) for each in made.made[: len(heads)]]
    taken = [r.name for r in store.export_records(SOURCE) if r.state is ExportState.MATCHED]
    assert taken == [f"{head.sequence:08}.cose" for head in heads]


@pytest.mark.slow
def test_a_kill_at_any_statement_of_a_sync_is_made_good_by_the_next(tmp_path: Path) -> None:
    """Whatever was under way: the next round ends with both alerts, which are told."""
    made, fresh = chain(), tmp_path / "fresh"
    prepared(fresh / "node.db")
    for statement in range(500):
        folder = tmp_path / str(statement)
        shutil.copytree(fresh, folder)
        killed = killed_at(statement, folder / "node.db", lambda store: sync(store, Told(), made))
        with open_node_store(folder / "node.db") as store:
            check(store, made)
            told = Told()
            before = {entry.alert.subject for entry in store.alerts() if entry.told is not None}
            sync(store, told, made)
            assert {alert.subject for alert in told.alerts} | before == {"1", "2"}
            assert not {alert.subject for alert in told.alerts} & before
            assert len(store.heads()) == 3
            check(store, made)
        assert is_whole(folder / "node.db")
        shutil.rmtree(folder)
        if not killed:
            assert statement > 30
            return
    pytest.fail("it never came to its end")


def test_a_full_disk_at_any_write_of_a_sync_is_said_and_made_good(tmp_path: Path) -> None:
    """Page by page more space: refused whole, in words, and nothing is told that is not kept."""
    made = chain()
    prepared(tmp_path / "s" / "node.db")
    refusals = []
    with open_node_store(tmp_path / "s" / "node.db") as store:
        told, start = Told(), pages(store)
        for more in range(100):
            limit_pages(store, start + more)
            try:
                sync(store, told, made)
            except DatabaseUnusable as error:
                refusals.append(f"{error} {error.hint}")
            else:
                break
            check(store, made)
            kept = {entry.alert.subject for entry in store.alerts()}
            assert {alert.subject for alert in told.alerts} <= kept
        assert len(refusals) > 3
        assert all("no space left" in each and "free some space" in each for each in refusals)
        assert {entry.alert.subject for entry in store.alerts()} == {"1", "2"}
        assert {alert.subject for alert in told.alerts} == {"1", "2"}
        check(store, made)
    assert is_whole(tmp_path / "s" / "node.db")


def test_a_full_disk_refuses_a_check_in_and_keeps_the_visits_before(tmp_path: Path) -> None:
    """One is where one was; with space again the same scan is taken."""
    path, codes = tmp_path / "s" / "node.db", [to_url(card.cose, HOST) for card in (MARKET, PAGODA)]
    with open_node_store(path) as store:
        store.put_place_file(TRUST, write_trust_list(LISTED, ROOT))
        clock = SimClock(NOW)
        service = CheckIn(
            clock, OnMemory(store), root=public_bytes(ROOT), hosts=[HOST], private=False
        )
        limit_pages(store, pages(store))
        kept: list[StoredVisit] = []
        with suppress(DatabaseUnusable):
            for number in range(30):
                asyncio.run(service.scan(codes[number % 2]))
                kept = store.visits()
                clock.advance(60)
        assert 0 < len(kept) < 30
        with pytest.raises(DatabaseUnusable, match="no space left"):
            asyncio.run(service.scan(codes[len(kept) % 2]))
        assert store.visits() == kept
        limit_pages(store, 2**30)
        asyncio.run(service.scan(codes[len(kept) % 2]))
        assert len(store.visits()) == len(kept) + 1
    assert is_whole(path)
