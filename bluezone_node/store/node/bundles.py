"""What authorities publish about places: bundles of notices, the trust list, the day keys.

Kept as they were published, so that what is believed can be judged anew at any time, and handed on
by a kiosk to devices without a network.
"""

from collections.abc import Collection, Iterator, Sequence

from bluezone_node.intervals import from_unix
from bluezone_node.ports import ExportRecord
from bluezone_node.store.node.exports import Exports
from bluezone_node.store.node.tables import to_seconds
from bluezone_node.venues.head import BundleHead
from bluezone_node.venues.register import MARK_BYTES
from bluezone_node.venues.trust import REVOKED_PREFIX_BYTES

_HEAD = "id, province, created, digest, signer, breaker, revoked, opened"


class Bundles(Exports):
    def bundles(self) -> Iterator[bytes]:
        for (row,) in self._database.rows("SELECT id FROM bundle ORDER BY id"):
            # One at a time: a large one has megabytes.
            for (content,) in self._database.rows(
                "SELECT content FROM bundle WHERE id = ?", (row,)
            ):
                yield content

    def heads(self) -> list[BundleHead]:
        return list(map(_read, self._database.rows(f"SELECT {_HEAD} FROM bundle ORDER BY id")))  # noqa: S608

    def newest_head(self) -> BundleHead | None:
        rows = self._database.rows(f"SELECT {_HEAD} FROM bundle ORDER BY id DESC LIMIT 1")  # noqa: S608
        return _read(rows[0]) if rows else None

    def add_bundle(self, head: BundleHead, content: bytes, record: ExportRecord) -> None:
        with self._database.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO bundle VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    head.sequence,
                    head.province,
                    to_seconds(head.created),
                    head.digest,
                    head.signer,
                    head.breaker,
                    b"".join(head.revoked),
                    b"".join(head.opened),
                    content,
                ),
            )
            self.write_record(connection, record)

    def drop_bundles(self, sequences: Collection[int], records: Sequence[ExportRecord]) -> None:
        with self._database.writing() as connection:
            rows = [(sequence,) for sequence in sequences]
            connection.executemany("DELETE FROM bundle WHERE id = ?", rows)
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


def _read(row: tuple[int, str, int, bytes, bytes, int, bytes, bytes]) -> BundleHead:
    sequence, province, created, digest, signer, breaker, revoked, opened = row
    return BundleHead(
        sequence,
        province,
        from_unix(created),
        digest,
        signer,
        bool(breaker),
        _cut(revoked, REVOKED_PREFIX_BYTES),
        _cut(opened, MARK_BYTES),
    )


def _cut(joined: bytes, length: int) -> tuple[bytes, ...]:
    return tuple(joined[start : start + length] for start in range(0, len(joined), length))
