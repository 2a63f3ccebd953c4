"""The one row that holds the wrapped data key: written, opened, wrapped under another secret."""

import os
from pathlib import Path
from sqlite3 import Connection

from bluezone_node.crypto.wrapping import WrappedKey, WrongSecret, new_data_key, unwrap, wrap
from bluezone_node.errors import DatabaseUnusable
from bluezone_node.store.node.seal import Sealed


def put_new_key(path: Path, connection: Connection, secret: bytes, *, wiped: bool) -> Sealed:
    """Draw a data key, keep it wrapped under *secret*, and return its seal.

    *wiped*: nothing was ever written here without it.
    """
    key_id, data_key = new_data_key(os.urandom)
    row = wrap(key_id, data_key, secret, os.urandom)
    connection.execute(
        "INSERT INTO sealing (key_id, cost, salt, wrapped, wiped) VALUES (?, ?, ?, ?, ?)",
        (row.key_id, row.cost, row.salt, row.wrapped, int(wiped)),
    )
    return Sealed(path, key_id, data_key)


def open_seal(path: Path, connection: Connection, secret: bytes) -> Sealed:
    """Return the seal of a sealed database.

    Raises:
        DatabaseUnusable: *secret* is not the one it is sealed under.
    """
    row = _row(path, connection)
    return Sealed(path, row.key_id, _unwrap(path, row, secret))


def change_secret(path: Path, connection: Connection, old: bytes, new: bytes) -> None:
    """Wrap the data key, which stays the same, under another secret.

    Raises:
        DatabaseUnusable: *old* is not the one it is sealed under.
    """
    row = _row(path, connection)
    row = wrap(row.key_id, _unwrap(path, row, old), new, os.urandom)
    connection.execute(
        "UPDATE sealing SET cost = ?, salt = ?, wrapped = ?", (row.cost, row.salt, row.wrapped)
    )


def _row(path: Path, connection: Connection) -> WrappedKey:
    row = connection.execute("SELECT key_id, cost, salt, wrapped FROM sealing").fetchone()
    if row is None:
        raise DatabaseUnusable(f"{path} is not encrypted")
    return WrappedKey(*row)


def _unwrap(path: Path, row: WrappedKey, secret: bytes) -> bytes:
    try:
        return unwrap(row, secret)
    except WrongSecret:
        raise DatabaseUnusable(
            f"{path} is encrypted under another key than the one given",
            hint="give it the key that it was last used with; nothing was changed",
        ) from None
