"""Own Temporary Exposure Keys: what a diagnosis would publish."""

from bluezone_node.crypto.keys import TemporaryExposureKey
from bluezone_node.store.node.tables import Tables


class OwnKeys(Tables):
    def own_keys(self) -> list[TemporaryExposureKey]:
        rows = self._database.rows(
            "SELECT key, rolling_start, rolling_period FROM own_key"
            " ORDER BY rolling_start, rolling_start + rolling_period, id"
        )
        return [TemporaryExposureKey(*row) for row in rows]

    def add_own_key(self, key: TemporaryExposureKey) -> None:
        with self._database.writing() as connection:
            connection.execute(_ADD, _parameters(key))

    def retire_own_key(
        self, old: TemporaryExposureKey, shortened: TemporaryExposureKey, new: TemporaryExposureKey
    ) -> None:
        with self._database.writing() as connection:
            connection.execute("DELETE FROM own_key WHERE key = ?", (old.key,))
            connection.execute(_ADD, _parameters(shortened))
            connection.execute(_ADD, _parameters(new))


# Safe to repeat, without an index on the key (see migrations): the table has some twenty rows.
_ADD = """
INSERT INTO own_key (key, rolling_start, rolling_period)
SELECT :key, :rolling_start, :rolling_period
WHERE NOT EXISTS (SELECT 1 FROM own_key WHERE key = :key)
"""


def _parameters(key: TemporaryExposureKey) -> dict[str, bytes | int]:
    return {
        "key": key.key,
        "rolling_start": key.rolling_start,
        "rolling_period": key.rolling_period,
    }
