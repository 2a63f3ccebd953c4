"""The ledger of a kiosk: entries, and the keys by which a day's visitors are known again.

When somebody came and left stands open, as the minutes of the log do; how, with how many and by
which digest is one cell, sealed where the database is.
"""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from sqlite3 import Connection

from bluezone_node.errors import DatabaseUnusable
from bluezone_node.intervals import from_unix
from bluezone_node.store.node.contacts import insert_contact
from bluezone_node.store.node.tables import (
    Tables,
    first_second,
    from_cell,
    next_row,
    to_cell,
    to_instant,
    to_seconds,
)
from bluezone_node.venues.card import VIETNAM
from bluezone_node.venues.checkins import Checkin, Doubt, Way
from bluezone_node.venues.register import SealedContact
from bluezone_node.venues.visits import OutKind

_DAY = 86_400


class Checkins(Tables):
    """A CheckinStore."""

    def add_checkin(self, entry: Checkin, contact: SealedContact | None = None) -> int:
        with self._database.writing() as connection:
            row = next_row(connection, "checkin")
            connection.execute(
                "INSERT INTO checkin VALUES (?, ?, ?, ?)",
                (row, to_seconds(entry.came), to_seconds(entry.left), self._cell(row, entry)),
            )
            if contact is not None:
                insert_contact(connection, self._database.seal, contact)
        return row

    def change_checkins(self, entries: Collection[Checkin]) -> None:
        with self._database.writing() as connection:
            self._change(connection, entries)

    def checkins(self, start: datetime, end: datetime) -> list[Checkin]:
        return self._read(
            "SELECT id, came, left, entry FROM checkin WHERE came >= ? AND came < ? ORDER BY id",
            (first_second(start), first_second(end)),
        )

    def checkins_inside(self) -> list[Checkin]:
        return self._read(
            "SELECT id, came, left, entry FROM checkin WHERE left IS NULL ORDER BY id"
        )

    def day_key(self, day: int, fresh: bytes) -> bytes:
        with self._database.writing() as connection:
            known = connection.execute("SELECT key FROM kiosk_day WHERE day = ?", (day,)).fetchone()
            if known:
                return self._database.seal.open("kiosk_day", day, known[0])
            cell = self._database.seal.close("kiosk_day", day, fresh)
            connection.execute("INSERT INTO kiosk_day VALUES (?, ?)", (day, cell))
        return fresh

    def end_days(self, first: int, last: int) -> None:
        days = self._database.rows(
            "SELECT day FROM kiosk_day WHERE day < ? OR day > ?", (first, last)
        )
        starts = [from_unix(day * _DAY) - VIETNAM.utcoffset(None) for (day,) in days]
        old = [
            replace(entry, digest=b"")
            for start in starts
            for entry in self.checkins(start, start + timedelta(days=1))
            if entry.digest
        ]
        with self._database.writing() as connection:
            self._change(connection, old)
            connection.execute("DELETE FROM kiosk_day WHERE day < ? OR day > ?", (first, last))
        if days:
            # Where another program is reading just now, the hourly forgetting wipes it.
            with suppress(DatabaseUnusable):
                self._database.empty_the_log()

    def forget_checkins(self, before: datetime) -> int:
        with self._database.writing() as connection:
            gone = connection.execute("DELETE FROM checkin WHERE came < ?", (first_second(before),))
        return gone.rowcount

    def _change(self, connection: Connection, entries: Collection[Checkin]) -> None:
        connection.executemany(
            "UPDATE checkin SET left = ?, entry = ? WHERE id = ?",
            [(to_seconds(each.left), self._cell(each.id, each), each.id) for each in entries],
        )

    def _cell(self, row: int, entry: Checkin) -> bytes:
        values = (
            entry.way.value,
            entry.party,
            int(entry.doubts),
            entry.ending and entry.ending.value,
            to_seconds(entry.seen),
            entry.digest.hex(),
        )
        return self._database.seal.close("checkin", row, to_cell(values))

    def _read(self, sql: str, parameters: tuple[object, ...] = ()) -> list[Checkin]:
        return [self._entry(*row) for row in self._database.rows(sql, parameters)]

    def _entry(self, row: int, came: int, left: int | None, cell: bytes) -> Checkin:
        opened = from_cell(self._database.seal.open("checkin", row, cell))
        way, party, doubts, ending, seen, digest = opened
        return Checkin(
            row,
            from_unix(came),
            Way(way),
            party,
            Doubt(doubts),
            to_instant(left),
            ending and OutKind(ending),
            to_instant(seen),
            bytes.fromhex(digest),
        )
