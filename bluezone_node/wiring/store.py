"""The device's database, for one command or as a thread beside a loop."""

from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager

from bluezone_node.config import Settings
from bluezone_node.ports import NodeStore, OnStore
from bluezone_node.wiring.at_rest import DATABASE_NAME, secret_of

KIOSK_LOCK = "kiosk"
"""Beside the database: held by the page of a kiosk, as the database's own lock by the daemon."""


@contextmanager
def open_store(settings: Settings) -> Iterator[NodeStore]:
    """Open the node's database for one command; the daemon may be running beside it."""
    from bluezone_node.store.node import open_node_store

    path = settings.state_dir() / DATABASE_NAME
    with open_node_store(path, secret_of(settings)) as store:
        yield store


def check_store(settings: Settings) -> str:
    """Return one line about a database that is whole.

    Raises:
        DatabaseUnusable: it is not.
    """
    from bluezone_node.store.node import open_node_store

    path = settings.state_dir() / DATABASE_NAME
    with open_node_store(path, secret_of(settings)) as store:
        store.check()
        return f"{path} is whole, {len(store.own_keys())} own keys"


def erase_node(settings: Settings) -> None:
    """Erase everything, which needs no key; refuse while a daemon runs, which would write on.

    So would a kiosk's page, which has the day's key and who is inside in its memory.
    """
    from bluezone_node.store.node import erase_database, lock_database

    path = settings.state_dir() / DATABASE_NAME
    with lock_database(path), lock_database(path.with_name(KIOSK_LOCK), "kiosk"):
        erase_database(path)


async def store_thread(settings: Settings, stack: AsyncExitStack) -> OnStore:
    from bluezone_node.store.node import StoreThread

    path = settings.state_dir() / DATABASE_NAME
    return await stack.enter_async_context(StoreThread(path, secret_of(settings)))
