"""The desk's book: who is inside, and by what somebody who was here before is known again.

Known by a digest under a key of the day, which is destroyed when the day is over: the ledger then
says that somebody came and went, and nobody can say who.  Nothing is in the book that is not on the
disk.
"""

import hmac
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

from bluezone_node.intervals import from_unix
from bluezone_node.node.kiosk.ledger import CheckinStore
from bluezone_node.node.kiosk.reading import Visitor
from bluezone_node.ports import Entropy
from bluezone_node.venues.card import VIETNAM, day_number
from bluezone_node.venues.checkins import Checkin
from bluezone_node.venues.register import SealedContact
from bluezone_node.venues.visits import VISIT_RETENTION

DIGEST_BYTES = 16
DAY_KEY_BYTES = 32


class Book:
    """The entries of today, and of those who came earlier and are still inside."""

    def __init__(self, store: CheckinStore, entropy: Entropy) -> None:
        self._store = store
        self._entropy = entropy
        self._day = -1
        self._keys: list[bytes] = []
        """Of today, and of earlier days whose visitors are still inside; today's is the first."""
        self._last: dict[bytes, Checkin] = {}
        """Of these days: the latest entry by digest."""
        self._inside = {entry.id: entry for entry in store.checkins_inside()}

    @property
    def inside(self) -> Collection[Checkin]:
        """Return the entries of those who are inside now."""
        return self._inside.values()

    def find(self, entry_id: int) -> Checkin | None:
        """Return the entry of that number, while they are inside."""
        return self._inside.get(entry_id)

    def last_of(self, visitor: Visitor) -> Checkin | None:
        """Return the latest entry of *visitor*, who may have left."""
        digests = (_digest(key, visitor) for key in self._keys)
        return next((self._last[each] for each in digests if each in self._last), None)

    def add(self, entry: Checkin, visitor: Visitor, contact: SealedContact | None) -> Checkin:
        """Write *entry*, of *visitor*, with their row of the register; return it numbered."""
        known = replace(entry, digest=_digest(self._keys[0], visitor))
        written = replace(known, id=self._store.add_checkin(known, contact))
        self._note(written)
        return written

    def change(self, entries: Collection[Checkin]) -> None:
        """Write *entries*, which changed."""
        self._store.change_checkins(entries)
        for entry in entries:
            self._note(entry)

    def turn_to(self, now: datetime) -> None:
        """Begin a new day where there is one: nobody knows any more who came on earlier ones."""
        # A clock that is put right at midnight does not bring back the day whose key is destroyed;
        # one that was days ahead does not keep a key until then.
        if 0 <= self._day - (today := day_number(now)) <= 1:
            return
        # A house where people stay over night knows them in the morning by the key of the evening.
        first = min([today, *(day_number(entry.came) for entry in self._inside.values())])
        self._store.end_days(first, today)
        self._keys = [
            self._store.day_key(day, self._entropy(DAY_KEY_BYTES))
            for day in range(today, first - 1, -1)
        ]
        self._day = today
        entries = self._store.checkins(_midnight(first), now + timedelta(days=1))
        self._last = {entry.digest: entry for entry in entries if entry.digest}

    def forget(self, now: datetime) -> int:
        """Erase entries that are too old; return how many there were."""
        return self._store.forget_checkins(now - VISIT_RETENTION)

    def _note(self, entry: Checkin) -> None:
        """Remember what is on the disk."""
        if entry.left is None:
            self._inside[entry.id] = entry
        else:
            self._inside.pop(entry.id, None)
        if entry.digest:
            self._last[entry.digest] = entry


def _digest(key: bytes, visitor: Visitor) -> bytes:
    told = visitor.way.value.encode() + b"\0" + visitor.identity
    return hmac.digest(key, told, "sha256")[:DIGEST_BYTES]


def _midnight(day: int) -> datetime:
    return from_unix(day * 86_400) - VIETNAM.utcoffset(None)
