"""All database work is done on one thread, one piece after another."""

import asyncio
import threading
from pathlib import Path

import pytest

from bluezone_node.crypto.keys import TemporaryExposureKey
from bluezone_node.errors import DatabaseUnusable
from bluezone_node.ports import NodeStore
from bluezone_node.store.node import StoreThread, open_node_store


async def test_work_runs_in_order_on_one_other_thread(tmp_path: Path) -> None:
    """Fifty pieces given at once see one thread, not the event loop's, in their order."""
    threads: set[int] = set()
    order: list[int] = []

    def work(number: int, store: NodeStore) -> int:
        threads.add(threading.get_ident())
        order.append(number)
        store.add_own_key(TemporaryExposureKey(bytes([number]) * 16, 144))
        return len(store.own_keys())

    async with StoreThread(tmp_path / "state" / "node.db") as on_store:
        counts = await asyncio.gather(
            *(on_store(lambda store, n=n: work(n, store)) for n in range(50))  # type: ignore[misc]
        )
    assert counts == list(range(1, 51))
    assert order == list(range(50))
    assert len(threads) == 1
    assert threading.get_ident() not in threads


async def test_an_error_reaches_the_one_who_asked(tmp_path: Path) -> None:
    """Work that fails raises where it is awaited, and the next piece runs."""
    async with StoreThread(tmp_path / "state" / "node.db") as on_store:
        with pytest.raises(ZeroDivisionError):
            await on_store(lambda _store: 1 / 0)
        assert await on_store(lambda store: store.own_keys()) == []


async def test_a_database_that_cannot_be_opened_is_told_at_once(tmp_path: Path) -> None:
    """Entering raises, and leaves no thread behind."""
    before = threading.active_count()
    (tmp_path / "state").write_text("")
    with pytest.raises(DatabaseUnusable):
        async with StoreThread(tmp_path / "state" / "node.db"):
            pass
    for thread in threading.enumerate():
        if thread.name.startswith("store"):
            thread.join()
    assert threading.active_count() <= before


async def test_closing_waits_for_the_work_given(tmp_path: Path) -> None:
    """What was given before the end is written, though nobody awaited it."""
    path = tmp_path / "state" / "node.db"
    key = TemporaryExposureKey(bytes(16), 144)
    async with StoreThread(path) as on_store:
        pending = asyncio.ensure_future(on_store(lambda store: store.add_own_key(key)))
        await asyncio.sleep(0)
    await pending
    with open_node_store(path) as store:
        assert store.own_keys() == [key]
