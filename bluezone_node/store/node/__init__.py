"""The device's own database, on SQLite."""

from bluezone_node.store.node.lock import lock_database
from bluezone_node.store.node.store import SqliteNodeStore, open_node_store
from bluezone_node.store.node.thread import StoreThread

__all__ = ["SqliteNodeStore", "StoreThread", "lock_database", "open_node_store"]
