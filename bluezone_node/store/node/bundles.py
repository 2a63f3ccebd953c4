"""What authorities publish about places: bundles of notices, the trust list, the day keys.

Kept as they were published, so that what is believed can be judged anew at any time, and handed on
by a kiosk to devices without a network.
"""

from collections.abc import Collection, Iterator, Sequence

from bluezone_node.intervals import from_unix
from bluezone_node.ports import ExportRecord, KeptBundle
from bluezone_node.store.node.exports import Exports
from bluezone_node.store.node.tables import to_seconds


class Bundles(Exports):
    def bundles(self) -> Iterator[bytes]:
        for (row,) in self._database.rows("SELECT id FROM bundle ORDER BY id"):
            # One at a time: a large one has megabytes.
            for (content,) in self._database.rows(
                "SELECT content FROM bundle WHERE id = ?", (row,)
            ):
                yield content

    def newest_bundle(self) -> KeptBundle | None:
        rows = self._database.rows(
            "SELECT id, created, content FROM bundle ORDER BY id DESC LIMIT 1"
        )
        for sequence, created, content in rows:
            return KeptBundle(sequence, from_unix(created), content)
        return None

    def add_bundle(self, bundle: KeptBundle, record: ExportRecord) -> None:
        with self._database.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO bundle (id, created, content) VALUES (?, ?, ?)",
                (bundle.sequence, to_seconds(bundle.created), bundle.content),
            )
            self.write_record(connection, record)

    def drop_bundles(self, sequences: Collection[int], records: Sequence[ExportRecord]) -> None:
        with self._database.writing() as connection:
            connection.executemany(
                "DELETE FROM bundle WHERE id = ?", [(sequence,) for sequence in sequences]
            )
            for record in records:
                self.write_record(connection, record)

    def place_file(self, name: str) -> bytes | None:
        rows = self._database.rows("SELECT content FROM place_file WHERE name = ?", (name,))
        return rows[0][0] if rows else None

    def put_place_file(self, name: str, content: bytes) -> None:
        with self._database.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO place_file (name, content) VALUES (?, ?)", (name, content)
            )
