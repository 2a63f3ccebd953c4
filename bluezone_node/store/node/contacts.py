"""The register of a kiosk: rows that it cannot read itself, and the log of who opened them.

When somebody came stands open, as in the ledger; the rest is one cell, sealed where the database
is, around what is sealed twice already.
"""

from datetime import datetime
from sqlite3 import Connection

from bluezone_node.crypto.cose import decode, encode
from bluezone_node.intervals import from_unix
from bluezone_node.store.node.retention import rewrite_without
from bluezone_node.store.node.seal import Seal
from bluezone_node.store.node.tables import Tables, first_second, next_row, to_seconds
from bluezone_node.venues.opening import Opening
from bluezone_node.venues.register import SealedContact


class Contacts(Tables):
    """A ContactStore."""

    def contacts(self, slots: range) -> list[SealedContact]:
        rows = self._database.rows(
            "SELECT id, slot, entry FROM contact WHERE slot >= ? AND slot < ? ORDER BY id",
            (slots.start, slots.stop),
        )
        unseal, found = self._database.seal.open, []
        for number, slot, cell in rows:
            row_id, location_id, day_key_id, outer = decode(unseal("contact", number, cell))
            found.append(SealedContact(row_id, location_id, slot, day_key_id, outer))
        return found

    def forget_contacts(self, before: int) -> int:
        with self._database.writing() as connection:
            removed = rewrite_without(connection, "contact", "slot < :slot", {"slot": before})
        if removed:
            self._database.empty_the_log()
        return removed

    def forget_openings(self, before: datetime) -> int:
        with self._database.writing() as connection:
            limit = {"before": first_second(before)}
            removed = rewrite_without(connection, "opening", "at < :before", limit)
        if removed:
            self._database.empty_the_log()
        return removed

    def openings(self) -> list[Opening]:
        unseal = self._database.seal.open
        return [
            Opening(number, from_unix(at), *decode(unseal("opening", number, cell)))
            for number, at, cell in self._database.rows(
                "SELECT id, at, entry FROM opening ORDER BY id"
            )
        ]

    def add_opening(self, opening: Opening) -> None:
        with self._database.writing() as connection:
            plain = encode([opening.file, opening.rows, opening.digest, opening.before])
            cell = self._database.seal.close("opening", opening.number, plain)
            connection.execute(
                "INSERT INTO opening VALUES (?, ?, ?)",
                (opening.number, to_seconds(opening.at), cell),
            )


def insert_contact(connection: Connection, seal: Seal, row: SealedContact) -> None:
    """Write *row*, in the transaction of the entry in the ledger that it is of."""
    number = next_row(connection, "contact")
    plain = encode([row.row_id, row.location_id, row.day_key_id, row.outer])
    cell = seal.close("contact", number, plain)
    connection.execute("INSERT INTO contact VALUES (?, ?, ?)", (number, row.slot, cell))
