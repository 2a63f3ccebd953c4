"""Where the owner was: visits, one sealed cell each."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

import msgspec

from bluezone_node.alerts import AlertKind
from bluezone_node.intervals import day_of, from_unix
from bluezone_node.ports import StoredVisit
from bluezone_node.store.node.alerts import Alerts
from bluezone_node.store.node.retention import rewrite, rewrite_without
from bluezone_node.store.node.tables import next_row
from bluezone_node.venues.card import read_card
from bluezone_node.venues.text import Proof
from bluezone_node.venues.visits import Mark, OutKind, Visit


class Visits(Alerts):
    def visits(self) -> list[StoredVisit]:
        rows = self._database.rows("SELECT id, entry FROM visit")
        unseal = self._database.seal.open
        found = [StoredVisit(row, _read(unseal("visit", row, cell))) for row, cell in rows]
        return sorted(found, key=lambda entry: (entry.visit.came, entry.id))

    def change_visits(
        self, change: Callable[[Sequence[StoredVisit]], Sequence[StoredVisit]]
    ) -> list[StoredVisit]:
        changed = []
        with self._database.writing() as connection:
            for entry in change(self.visits()):
                row = entry.id or next_row(connection, "visit")
                cell = self._database.seal.close("visit", row, _written(entry.visit))
                connection.execute(
                    "INSERT OR REPLACE INTO visit (id, day, entry) VALUES (?, ?, ?)",
                    (row, day_of(entry.visit.came).isoformat(), cell),
                )
                changed.append(StoredVisit(row, entry.visit))
            if any(entry.visit.private and entry.visit.out for entry in changed):
                # The name that was dropped must not survive in a page that a row was moved from.
                rewrite(connection, "visit")
        return changed

    def forget_visits(self, ids: Collection[int] | None = None) -> int:
        marks = ",".join(str(int(row)) for row in ids) if ids is not None else ""
        due = f"id IN ({marks})" if ids is not None else "1"
        subjects = None if ids is None else {str(row) for row in ids}
        with self._database.writing() as connection:
            alerts = [
                entry.id
                for entry in self.alerts()
                if entry.alert.kind is AlertKind.VENUE
                and (subjects is None or entry.alert.subject in subjects)
            ]
            removed = rewrite_without(connection, "visit", due, {})
            rewrite_without(connection, "alert", f"id IN ({','.join(map(str, alerts))})", {})
        self._database.empty_the_log()
        return removed


class _Entry(msgspec.Struct, omit_defaults=True):
    """A visit as it is kept: bytes as base64, instants to the microsecond."""

    came: float
    confirmed: float
    label: str = ""
    card: bytes = b""
    marks: tuple[tuple[bytes, bytes], ...] = ()
    heard: float | None = None
    left: float | None = None
    out: str = ""
    party: int = 1
    proofs: tuple[tuple[int, bytes], ...] = ()
    private: bool = False


def _written(visit: Visit) -> bytes:
    return msgspec.json.encode(
        _Entry(
            visit.came.timestamp(),
            visit.confirmed.timestamp(),
            visit.label,
            visit.card.cose if visit.card else b"",
            tuple((mark.tag, mark.slot_key) for mark in visit.marks),
            _seconds(visit.heard),
            _seconds(visit.left),
            visit.out.value if visit.out else "",
            visit.party,
            tuple((proof.step, proof.mac) for proof in visit.proofs),
            visit.private,
        )
    )


def _read(cell: bytes) -> Visit:
    entry = msgspec.json.decode(cell, type=_Entry)
    return Visit(
        from_unix(entry.came),
        from_unix(entry.confirmed),
        entry.label,
        read_card(entry.card) if entry.card else None,
        tuple(Mark(tag, key) for tag, key in entry.marks),
        _instant(entry.heard),
        _instant(entry.left),
        OutKind(entry.out) if entry.out else None,
        entry.party,
        tuple(Proof(step, mac) for step, mac in entry.proofs),
        entry.private,
    )


def _seconds(at: datetime | None) -> float | None:
    return None if at is None else at.timestamp()


def _instant(seconds: float | None) -> datetime | None:
    return None if seconds is None else from_unix(seconds)
