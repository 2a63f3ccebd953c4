"""Codes of one's own that were shown to kiosks: an opened row of a register is known by them."""

from collections.abc import Iterator
from datetime import datetime

from bluezone_node.crypto.cose import decode, encode
from bluezone_node.intervals import day_of, from_unix
from bluezone_node.store.node.tables import Tables, next_row, to_seconds


class ShownPasses(Tables):
    def add_shown_pass(self, nonce: bytes, at: datetime) -> None:
        with self._database.writing() as connection:
            row = next_row(connection, "shown_pass")
            cell = self._database.seal.close("shown_pass", row, encode([nonce, to_seconds(at)]))
            connection.execute(
                "INSERT INTO shown_pass VALUES (?, ?, ?)", (row, day_of(at).isoformat(), cell)
            )

    def _passes(self) -> Iterator[tuple[int, bytes, datetime]]:
        unseal = self._database.seal.open
        for row, cell in self._database.rows("SELECT id, entry FROM shown_pass ORDER BY id"):
            nonce, seconds = decode(unseal("shown_pass", row, cell))
            yield row, nonce, from_unix(seconds)

    def shown_passes(self) -> dict[bytes, datetime]:
        return {nonce: at for _, nonce, at in self._passes()}
