"""Own Temporary Exposure Keys: what a diagnosis would publish."""

from sqlite3 import Connection

from bluezone_node.crypto.keys import TemporaryExposureKey
from bluezone_node.store.node.tables import Tables, next_row


class OwnKeys(Tables):
    def own_keys(self) -> list[TemporaryExposureKey]:
        return list(self._own_keys().values())

    def add_own_key(self, key: TemporaryExposureKey) -> None:
        with self._database.writing() as connection:
            self._add(connection, key)

    def retire_own_key(
        self, old: TemporaryExposureKey, shortened: TemporaryExposureKey, new: TemporaryExposureKey
    ) -> None:
        with self._database.writing() as connection:
            for row, known in self._own_keys().items():
                if known.key == old.key:
                    connection.execute("DELETE FROM own_key WHERE id = ?", (row,))
            self._add(connection, shortened)
            self._add(connection, new)

    def _own_keys(self) -> dict[int, TemporaryExposureKey]:
        """Return all keys by row: some twenty."""
        rows = self._database.rows(
            "SELECT id, key, rolling_start, rolling_period FROM own_key"
            " ORDER BY rolling_start, rolling_start + rolling_period, id"
        )
        unseal = self._database.seal.open
        return {
            row: TemporaryExposureKey(unseal("own_key", row, cell), start, period)
            for row, cell, start, period in rows
        }

    def _add(self, connection: Connection, key: TemporaryExposureKey) -> None:
        # Safe to repeat.
        if any(known.key == key.key for known in self._own_keys().values()):
            return
        row = next_row(connection, "own_key")
        cell = self._database.seal.close("own_key", row, key.key)
        connection.execute(
            "INSERT INTO own_key (id, key, rolling_start, rolling_period) VALUES (?, ?, ?, ?)",
            (row, cell, key.rolling_start, key.rolling_period),
        )
