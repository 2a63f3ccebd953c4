"""The device's own database, on SQLite."""

from bluezone_node.store.node.lock import lock_database
from bluezone_node.store.node.sealing import (
    SealingState,
    change_key,
    seal_database,
    sealing_state,
    unseal_database,
)
from bluezone_node.store.node.store import SqliteNodeStore, erase_database, open_node_store
from bluezone_node.store.node.thread import StoreThread

__all__ = [
    "SealingState",
    "SqliteNodeStore",
    "StoreThread",
    "change_key",
    "erase_database",
    "lock_database",
    "open_node_store",
    "seal_database",
    "sealing_state",
    "unseal_database",
]
